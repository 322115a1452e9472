# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the ICC color profile in an image file: JPEG, PNG, WebP, TIFF, PSD, AVIF. `imaging.color_profile` uses it."""

from __future__ import annotations

import contextlib
import logging
import mmap
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from .containers import Data, jpeg_segments, png_chunks, riff_chunks, tiff_directory
from .sniff import FIRST_BYTES, FormatError, sniff

_log = logging.getLogger(__name__)

_MAX_BYTES: Final = 16 << 20
_JPEG_MARK: Final = b"ICC_PROFILE\0"


def embedded_profile(path: Path) -> bytes:
    """Returns the image's ICC profile; b"" if it has none, or none that can be read."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            find = _FINDERS.get(sniff(data[:FIRST_BYTES]))
            return find(data) if find else b""
    except (FormatError, OSError, ValueError, struct.error, IndexError, zlib.error) as error:
        _log.warning("the color profile can't be read, so the colors are taken for sRGB: %s", error)
        return b""


def _jpeg(data: Data) -> bytes:
    """A profile longer than a segment is in several, numbered from 1."""
    parts = {}
    for kind, body in jpeg_segments(data):
        if kind == 0xE2 and body.startswith(_JPEG_MARK):
            parts[body[12]] = body[14:]
        if kind == 0xDA:
            break
    return b"".join(part for _, part in sorted(parts.items()))


def _png(data: Data) -> bytes:
    for kind, body, _ in png_chunks(data):
        if kind == b"iCCP":
            compressed = body[body.index(b"\0") + 2 :]
            return zlib.decompressobj().decompress(compressed, _MAX_BYTES)
        if kind == b"IDAT":
            break
    return b""


def _webp(data: Data) -> bytes:
    return next((body for kind, body in riff_chunks(data) if kind == b"ICCP"), b"")


def _tiff(data: Data) -> bytes:
    return bytes(tiff_directory(data).get(34675, ()))


def _psd(data: Data) -> bytes:
    """The image resource 1039."""
    (colors,) = struct.unpack_from(">I", data, 26)
    (length,) = struct.unpack_from(">I", data, 30 + colors)
    at = 34 + colors
    end = at + length
    while at + 12 <= end and data[at : at + 4] == b"8BIM":
        (number,) = struct.unpack_from(">H", data, at + 4)
        name = 1 + data[at + 6]
        at += 6 + name + name % 2
        (size,) = struct.unpack_from(">I", data, at)
        if number == 1039:
            return data[at + 4 : at + 4 + size]
        at += 4 + size + size % 2
    return b""


def _avif(data: Data) -> bytes:
    """The box "colr" of the kind "prof"."""
    at = data.find(b"colrprof", 0, _MAX_BYTES)
    with contextlib.suppress(struct.error):
        (size,) = struct.unpack_from(">I", data, at - 4)
        return data[at + 8 : at - 4 + size] if at > 4 else b""
    return b""


_FINDERS: Final[dict[str, Callable[[Data], bytes]]] = {
    "jpg": _jpeg,
    "png": _png,
    "webp": _webp,
    "tif": _tiff,
    "psd": _psd,
    "avif": _avif,
}
