# SPDX-License-Identifier: GPL-3.0-or-later
"""Detects a file's format from its first bytes (magic numbers), since names and headers can be wrong."""

from __future__ import annotations

import re
from typing import Final

FIRST_BYTES: Final = 512
"""How much of a file `sniff` needs."""

_MAGIC: Final = (
    (b"glTF", "glb"),
    (b"ply\n", "ply"),
    (b"ply\r", "ply"),
    (b"\x1aE\xdf\xa3", "webm"),
    (b"GIF8", "gif"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpg"),
    (b"II*\0", "tif"),
    (b"MM\0*", "tif"),
    (b"\x76\x2f\x31\x01", "exr"),
    (b"#?RADIANCE", "hdr"),
    (b"#?RGBE", "hdr"),
    (b"8BPS", "psd"),
    (b"DDS ", "dds"),
)
VIDEOS: Final = frozenset({"mp4", "webm", "gif"})


class FormatError(ValueError):
    """Why a file is not a complete file of its format, as the end of a sentence."""


def sniff(first: bytes) -> str:
    """Returns a file's format: its usual extension, or "html"; "" if the bytes don't tell (such as a binary STL)."""
    for magic, name in _MAGIC:
        if first.startswith(magic):
            return name
    if first[4:8] == b"ftyp":
        return "mp4"
    if first[4:8] == b"jP  ":
        return "jp2"
    if first.startswith(b"RIFF") and first[8:12] == b"WEBP":
        return "webp"
    if first.startswith(b"BM") and first[6:10] == b"\0\0\0\0":
        return "bmp"
    start = first.lstrip(b"\xef\xbb\xbf \t\r\n")[:64].lower()
    if start.startswith((b"<!doctype", b"<html", b"<head", b"<body", b"<?xml", b"<error")):
        return "html"
    if start.startswith(b"solid") and b"\0" not in first and b"facet" in first.lower():
        return "stl"
    if b"\0" not in first and re.search(rb"^(?:mtllib|usemtl|o|g|v|vn|vt|f|s) +\S", first, re.M):
        return "obj"
    return ""
