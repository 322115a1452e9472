# SPDX-License-Identifier: GPL-3.0-or-later
"""Detects a file's format from its first bytes (magic numbers), since names and headers can be wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from ..errors import Message

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
    (b"PK\x03\x04", "zip"),
)
_HTML: Final = (b"<!doctype", b"<html", b"<head", b"<body", b"<?xml", b"<error")
VIDEOS: Final = frozenset({"mp4", "webm", "gif"})


class FormatError(ValueError):
    """Why a file is not a complete file of its format. `reason` is a template for the end of a sentence."""

    def __init__(self, reason: str, **arguments: Any) -> None:
        self.reason = Message(reason, arguments)
        super().__init__(str(self.reason))


def require(condition: object, reason: str, **arguments: Any) -> None:
    """Raises FormatError with the reason unless the condition holds."""
    if not condition:
        raise FormatError(reason, **arguments)


def text_blocks(file: BinaryIO) -> Iterator[bytes]:
    """Yields the rest of a text file in pieces. Raises FormatError if it contains NUL bytes."""
    while block := file.read(1024 * 1024):
        require(b"\0" not in block, "it contains bytes that are not text")
        yield block


def last_bytes(file: BinaryIO, size: int, count: int) -> bytes:
    """Returns up to `count` bytes from the end of a file of `size` bytes."""
    file.seek(max(size - count, 0))
    return file.read(count)


def _ftyp(first: bytes) -> str:
    """Returns the format of an ISO base media file by its brands: "avif" or "heic" for images, else "mp4"."""
    brands = {first[at : at + 4] for at in range(8, min(int.from_bytes(first[:4], "big"), len(first), 128), 4)}
    if brands & {b"avif", b"avis"}:
        return "avif"
    return "heic" if brands & {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1"} else "mp4"


def sniff(first: bytes) -> str:
    """Returns a file's format: its usual extension, or "html"; "" if the bytes don't tell (such as a binary STL)."""
    known = next((name for magic, name in _MAGIC if first.startswith(magic)), "")
    known = known or {b"ftyp": _ftyp(first), b"jP  ": "jp2"}.get(first[4:8], "")
    if known:
        return known
    if first.startswith(b"RIFF") and first[8:12] == b"WEBP":
        return "webp"
    if first.startswith(b"BM") and first[6:10] == b"\0\0\0\0":
        return "bmp"
    start = first.lstrip(b"\xef\xbb\xbf \t\r\n")[:64].lower()
    if start.startswith(_HTML):
        return "html"
    if start.startswith(b"solid") and b"\0" not in first and b"facet" in first.lower():
        return "stl"
    if b"\0" not in first and re.search(rb"^(?:mtllib|usemtl|o|g|v|vn|vt|f|s) +\S", first, re.M):
        return "obj"
    return ""
