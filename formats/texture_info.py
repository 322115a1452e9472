# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells from an image's header whether it can be decoded: a small file may ask for gigabytes (decompression bomb).

Blender's loader goes by the content, whatever a model or a name says. What can't be measured here is not decoded.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

from ..errors import ImageError
from .image_info import ImageInfo, read_image_info, read_info
from .sniff import FIRST_BYTES, sniff

MAX_DECODED_BYTES: Final = 1 << 30
"""A larger image is not decoded: 16,384 × 16,384 pixels of 8 bits per channel, a quarter of that in floating point."""
MAX_SIDE: Final = 8192
"""Pixels; a larger texture is scaled down."""
MAX_SHOWN_PIXELS: Final = 100_000_000
"""A larger image has no thumbnail in the interface."""
_EIGHT_BITS: Final = frozenset({"jpg", "webp", "bmp", "gif", "dds", "avif", "heic"})
_TGA_KINDS: Final = frozenset({1, 2, 3, 9, 10, 11})


def texture_info(data: bytes) -> ImageInfo | None:
    """Returns the header of an image; None if it is damaged, unknown, or asks for too much memory."""
    try:
        info = _png(data) or read_info(data) or _tga(data)
    except ImageError:
        return None
    if info is None or info.width <= 0 or info.height <= 0:
        return None
    return info if info.width * info.height * _pixel_bytes(data) <= MAX_DECODED_BYTES else None


def can_be_shown(path: Path) -> bool:
    """Whether the interface can show an image file as a thumbnail without a long stall or much memory."""
    try:
        info = read_image_info(path)
    except ImageError:
        return False
    return info is not None and info.width * info.height <= MAX_SHOWN_PIXELS


def scaled_size(info: ImageInfo) -> tuple[int, int] | None:
    """Returns width and height for a texture that is too large; None if it can stay as it is."""
    longest = max(info.width, info.height)
    if longest <= MAX_SIDE:
        return None
    return max(1, info.width * MAX_SIDE // longest), max(1, info.height * MAX_SIDE // longest)


def _pixel_bytes(data: bytes) -> int:
    """Returns how many bytes Blender needs for a pixel: RGBA of 8 bits, or of 32 bits for everything deeper."""
    kind = sniff(data[:FIRST_BYTES])
    return 4 if kind in _EIGHT_BITS or (kind == "png" and data[24] <= 8) else 16


def _png(data: bytes) -> ImageInfo | None:
    """The size comes first; what is cut off behind it is a matter of the decoder, which shows the rest."""
    if len(data) < 33 or sniff(data[:FIRST_BYTES]) != "png" or data[12:16] != b"IHDR":
        return None
    width, height = struct.unpack_from(">II", data, 16)
    return ImageInfo("image/png", width, height)


def _tga(data: bytes) -> ImageInfo | None:
    """TGA has no magic bytes: these are the conditions of Blender's loader."""
    if len(data) < 18 or data[1] > 1 or data[2] not in _TGA_KINDS or data[16] not in {8, 15, 16, 24, 32}:
        return None
    width, height = struct.unpack_from("<HH", data, 12)
    return ImageInfo("image/x-tga", width, height, alpha=True, plain=False)
