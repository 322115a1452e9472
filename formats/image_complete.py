# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that an image file is complete, by its structure and without decoding pixels. No bpy, safe on any thread.

Blender decodes many truncated images without an error: the missing part is then gray, black or transparent, and would
be paid for. It reports truncated BMP, TGA and JPEG 2000 files itself. Not checked: the rows of HDR and PSD files.
"""

from __future__ import annotations

import math
import re
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from .sniff import FormatError, require, sniff

_CUT_OFF: Final = "it is cut off"
_JPEG_MARKER: Final = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")
"""A marker in compressed data; FF00 is a byte of data, FFD0 to FFD7 are restart markers."""
_GIF_CONTROL: Final = b"\x21\xf9\x04"
"""A graphic control extension, which gives a frame its duration."""
_PNG_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_TIFF_SIZES: Final = {1: "B", 3: "H", 4: "I", 7: "B", 16: "Q"}


def check_image(path: Path) -> None:
    """Raises FormatError with the reason if the image file is not complete, OSError if it can't be read."""
    data = path.read_bytes()
    check = _CHECKS.get(sniff(data[:512]))
    if check is None:
        return
    try:
        check(data)
    except (struct.error, IndexError, ValueError, zlib.error) as error:
        raise error if isinstance(error, FormatError) else FormatError(_CUT_OFF) from error


def _png(data: bytes) -> None:
    """All chunks up to IEND, and as many pixels as the header says."""
    width, height, depth, color, _, _, interlaced = struct.unpack_from(">IIBBBBB", data, 16)
    at, kind, pixels, unpacked = 8, b"", zlib.decompressobj(), 0
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        require(at + 12 + length <= len(data), _CUT_OFF)
        if kind == b"IDAT":
            unpacked += len(pixels.decompress(data[at + 8 : at + 8 + length]))
        at += 12 + length
    row = 1 + math.ceil(width * depth * _PNG_CHANNELS[color] / 8)
    require(interlaced or unpacked >= row * height, "its pixels are cut off")


def _jpeg(data: bytes) -> None:
    """Segments and scans up to the end marker: one in an embedded thumbnail does not count."""
    at, scans = 2, 0
    while True:
        marker = _JPEG_MARKER.search(data, at)
        require(marker is not None, _CUT_OFF)
        assert marker is not None
        kind, at = marker[1][0], marker.end()
        if kind == 0xD9:
            require(scans, "it has no pixels")
            return
        (length,) = struct.unpack_from(">H", data, at)
        at += length
        require(at <= len(data), _CUT_OFF)
        scans += kind == 0xDA


def riff_chunks(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, bytes]]:
    """Yields the chunks of a WebP file, or of one of its frames. Raises FormatError if it is cut off."""
    while at + 8 <= end:
        name, length = struct.unpack_from("<4sI", data, at)
        require(at + 8 + length <= len(data), _CUT_OFF)
        yield name, data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _webp(data: bytes) -> None:
    (size,) = struct.unpack_from("<I", data, 4)
    require(size + 8 <= len(data) + 1, _CUT_OFF)
    names = {name for name, _ in riff_chunks(data, 12, size + 8)}
    require(names & {b"VP8 ", b"VP8L", b"ANMF"}, "it has no pixels")


def first_webp_frame(data: bytes) -> tuple[bytes, int, int]:
    """Returns the first frame of an animated WebP file as a still one, and its left and upper edge in the image.

    Blender before 5.2 decodes no animated WebP. A still file is returned as it is. Raises FormatError, struct.error.
    """
    frame = next((body for name, body in riff_chunks(data, 12, len(data)) if name == b"ANMF"), None)
    if frame is None:
        return data, 0, 0
    left, top = (2 * int.from_bytes(frame[at : at + 3], "little") for at in (0, 3))
    size = frame[6:12]  # width and height less one, 24 bits each, as the VP8X chunk has them
    parts = [(name, body) for name, body in riff_chunks(frame, 16, len(frame)) if name in {b"ALPH", b"VP8 ", b"VP8L"}]
    if any(name == b"ALPH" for name, _ in parts):
        parts.insert(0, (b"VP8X", b"\x10\0\0\0" + size))
    chunks = b"".join(name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2) for name, body in parts)
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks, left, top


def first_gif_frame_twice(data: bytes) -> bytes:
    """Returns a GIF file with its first frame two times: from 4.5 on, Blender reads no GIF with a single frame.

    Raises FormatError, IndexError if it is cut off.
    """
    start, end = _gif_frame(data)
    control = b"" if _GIF_CONTROL in data[start:end] else _GIF_CONTROL + b"\0\x0a\0\0\0"
    frame = control + data[start:end]
    return b"GIF89a" + data[6:start] + frame + frame + b";"


def _gif(data: bytes) -> None:
    """Everything up to the end of the first frame."""
    _gif_frame(data)


def _gif_frame(data: bytes) -> tuple[int, int]:
    """Returns where the blocks of the first frame start and end."""
    start = at = 13 + (3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    while data[at] != 0x2C:  # image descriptor
        require(data[at] == 0x21, "it has no pixels")
        at = _after_gif_blocks(data, at + 2)
    flags = data[at + 9]
    return start, _after_gif_blocks(data, at + 11 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0))


def _after_gif_blocks(data: bytes, at: int) -> int:
    while data[at]:
        at += 1 + data[at]
    return at + 1


def _tiff(data: bytes) -> None:
    """All strips and tiles of the first image."""
    order = "<" if data[:1] == b"I" else ">"
    tags = tiff_tags(data, order)
    for offsets, lengths in ((273, 279), (324, 325)):
        for start, length in zip(tags.get(offsets, ()), tags.get(lengths, ()), strict=False):
            require(start + length <= len(data), _CUT_OFF)


def tiff_tags(data: bytes, order: str) -> dict[int, tuple[int, ...]]:
    """Returns the whole numbers in a TIFF file's first directory, by tag. Raises struct.error if it is cut off."""
    (start,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, start)
    tags: dict[int, tuple[int, ...]] = {}
    for at in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind, amount = struct.unpack_from(order + "HHI", data, at)
        if kind in _TIFF_SIZES:
            values = f"{order}{amount}{_TIFF_SIZES[kind]}"
            (elsewhere,) = struct.unpack_from(order + "I", data, at + 8)
            tags[tag] = struct.unpack_from(values, data, at + 8 if struct.calcsize(values) <= 4 else elsewhere)
    return tags


def _dds(data: bytes) -> None:
    """The pixels of the largest level."""
    height, width = struct.unpack_from("<II", data, 12)
    flags, code, bits = struct.unpack_from("<I4sI", data, 80)
    blocks = max(1, (width + 3) // 4) * max(1, (height + 3) // 4)
    if flags & 4:  # compressed; DX10 has a longer header and 8 or 16 bytes per block
        require(128 + blocks * (8 if code in {b"DXT1", b"BC4U", b"ATI1", b"DX10"} else 16) <= len(data), _CUT_OFF)
    else:
        require(128 + width * height * bits // 8 <= len(data), _CUT_OFF)


def _exr(data: bytes) -> None:
    """The last block that the offset table names."""
    at = 8
    attributes: dict[bytes, bytes] = {}
    while data[at]:
        name, _, _ = data[at : at + 256].partition(b"\0")
        kind, _, _ = data[at + len(name) + 1 : at + 512].partition(b"\0")
        at += len(name) + len(kind) + 2
        (length,) = struct.unpack_from("<I", data, at)
        attributes[name] = data[at + 4 : at + 4 + length]
        at += 4 + length
    (version,) = struct.unpack_from("<I", data, 4)
    if version & 0x1A00:  # tiles, deep data, several parts: Blender reports these itself
        return
    _, top, _, bottom = struct.unpack("<4i", attributes[b"dataWindow"])
    rows = {0: 1, 1: 1, 2: 1, 3: 16, 4: 32, 5: 16, 6: 32, 7: 32, 8: 32, 9: 256}[attributes[b"compression"][0]]
    last = max(struct.unpack_from(f"<{math.ceil((bottom - top + 1) / rows)}Q", data, at + 1))
    require(last and last + 8 + struct.unpack_from("<I", data, last + 4)[0] <= len(data), _CUT_OFF)


_CHECKS: Final[Mapping[str, Callable[[bytes], None]]] = {
    "png": _png,
    "jpg": _jpeg,
    "webp": _webp,
    "gif": _gif,
    "tif": _tiff,
    "dds": _dds,
    "exr": _exr,
}
