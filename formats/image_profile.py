# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the ICC color profile that is embedded in an image file. Blender ignores it."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Final

from .image_complete import riff_chunks, tiff_tags
from .sniff import FormatError, sniff

_ICC_TAG: Final = 34675
_JPEG_NAME: Final = b"ICC_PROFILE\0"
_MAX_BYTES: Final = 4 << 20


def color_profile(path: Path) -> bytes:
    """Returns the ICC profile of a PNG, JPEG, WebP or TIFF file; empty if there is none, or it is damaged."""
    data = path.read_bytes()
    try:
        match sniff(data[:512]):
            case "png":
                return _png(data)
            case "jpg":
                return _jpeg(data)
            case "webp":
                return next((body for name, body in riff_chunks(data, 12, len(data)) if name == b"ICCP"), b"")
            case "tif":
                return bytes(tiff_tags(data, "<" if data[:1] == b"I" else ">").get(_ICC_TAG, ()))
    except (struct.error, FormatError, zlib.error, IndexError, ValueError):
        return b""
    return b""


def _png(data: bytes) -> bytes:
    at = 8
    while True:
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"iCCP":
            packed = data[at + 8 : at + 8 + length].partition(b"\0")[2][1:]
            return zlib.decompressobj().decompress(packed, _MAX_BYTES)
        if kind in {b"IDAT", b"IEND"}:
            return b""
        at += 12 + length


def _jpeg(data: bytes) -> bytes:
    at, parts = 2, {}
    while data[at] == 0xFF and data[at + 1] != 0xDA:
        (length,) = struct.unpack_from(">H", data, at + 2)
        body = data[at + 4 : at + 2 + length]
        if data[at + 1] == 0xE2 and body.startswith(_JPEG_NAME):
            parts[body[len(_JPEG_NAME)]] = body[len(_JPEG_NAME) + 2 :]
        at += 2 + length
    return b"".join(parts[number] for number in sorted(parts))
