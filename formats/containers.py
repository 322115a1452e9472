# SPDX-License-Identifier: GPL-3.0-or-later
"""Walks the parts of image files: JPEG segments, PNG and RIFF chunks, ISO boxes, TIFF directories. No decoding.

Each walk ends where the file does; a part that is cut off raises FormatError.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from mmap import mmap
from typing import Final

from .sniff import require

ENDS_EARLY: Final = "it ends too early"
Data = bytes | mmap
"""A whole file. A memory map reads only what is looked at."""

_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""A JPEG marker; in a scan, 00 and restart markers follow an FF of the compressed data."""
EOI: Final = 0xD9
_WITHOUT_LENGTH: Final = {0x01, 0xD8, EOI}
_TIFF_TAGS: Final = {256, 257, 273, 274, 277, 279, 324, 325, 34675}
"""Size, strips, orientation, channels, tiles, color profile. Others may refer to anything."""
_TIFF_TYPES: Final = {1: "B", 3: "H", 4: "I", 7: "B"}


def jpeg_segments(data: Data) -> Iterator[tuple[int, bytes]]:
    """Yields the kind and the content of each segment, up to and including the end of the image (EOI), if it is there.

    The compressed data of a scan, which follows a start of scan (SOS, DA), is skipped.
    """
    at = 2
    while marker := _MARKER.search(data, at):
        at = marker.end()
        kind = data[at - 1]
        if kind in _WITHOUT_LENGTH:
            yield kind, b""
            if kind == EOI:
                return
            continue
        require(at + 2 <= len(data), ENDS_EARLY)
        length = int.from_bytes(data[at : at + 2], "big")
        require(length >= 2 and at + length <= len(data), ENDS_EARLY)
        yield kind, data[at + 2 : at + length]
        at += length


def png_chunks(data: Data) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yields kind, content and CRC of each chunk, up to and including IEND, if it is there."""
    at = 8
    while at < len(data):
        require(at + 12 <= len(data), ENDS_EARLY)
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        require(end <= len(data), ENDS_EARLY)
        yield kind, data[at + 8 : end - 4], data[end - 4 : end]
        if kind == b"IEND":
            return
        at = end


def riff_chunks(data: Data, at: int = 12, end: int | None = None) -> Iterator[tuple[bytes, bytes]]:
    """Yields kind and content of each chunk of a RIFF file (WebP), or of the chunks inside of one."""
    end = len(data) if end is None else end
    while at + 8 <= end:
        kind, length = struct.unpack_from("<4sI", data, at)
        require(at + 8 + length <= end, ENDS_EARLY)
        yield kind, data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def iso_boxes(data: Data) -> Iterator[tuple[bytes, int, int]]:
    """Yields the kind of each box (AVIF, HEIC, JPEG 2000), and where its content starts and ends."""
    at = 0
    while at < len(data):
        require(at + 8 <= len(data), ENDS_EARLY)
        length, kind = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if length == 1:
            require(at + 16 <= len(data), ENDS_EARLY)
            length, start = int.from_bytes(data[at + 8 : at + 16], "big"), at + 16
        end = at + length if length else len(data)
        require(start <= end <= len(data), ENDS_EARLY)
        yield kind, start, end
        at = end


def tiff_directory(data: Data) -> dict[int, tuple[int, ...]]:
    """Returns the numbers in a TIFF file's first directory that describe the image, by tag."""
    order = "<" if data[:1] == b"I" else ">"
    require(len(data) >= 8, ENDS_EARLY)
    (at,) = struct.unpack_from(order + "I", data, 4)
    require(at + 2 <= len(data), ENDS_EARLY)
    (count,) = struct.unpack_from(order + "H", data, at)
    require(at + 2 + 12 * count <= len(data), ENDS_EARLY)
    tags = {}
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind, amount = struct.unpack_from(order + "HHI", data, entry)
        if tag not in _TIFF_TAGS or kind not in _TIFF_TYPES:
            continue
        layout = f"{order}{amount}{_TIFF_TYPES[kind]}"
        size = amount * struct.calcsize(order + _TIFF_TYPES[kind])
        place = entry + 8 if size <= 4 else struct.unpack_from(order + "I", data, entry + 8)[0]
        require(place + size <= len(data), ENDS_EARLY)
        tags[tag] = struct.unpack_from(layout, data, place)
    return tags
