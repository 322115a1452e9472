# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that an image file is complete, by its structure: Blender decodes a truncated one without saying so.

Compared with what Blender 4.2 to 5.2 do: it reports truncated BMP, TGA, PSD, HDR and JPEG 2000 files itself. It fills
up truncated JPEG, TIFF, DDS and uncompressed OpenEXR files, and makes a truncated WebP a transparent image.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ..errors import ImageError, one_line
from .containers import (
    ENDS_EARLY,
    EOI,
    Data,
    iso_boxes,
    jpeg_segments,
    png_chunks,
    riff_chunks,
    tiff_directory,
)
from .sniff import FIRST_BYTES, FormatError, require, sniff

_PIECE: Final = 1 << 18
_ADAM7: Final = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""The passes of an interlaced PNG: first column and row, distance of columns and rows."""
_EXR_LINES: Final = {0: 1, 1: 1, 2: 1, 3: 16, 4: 32, 5: 16, 6: 32, 7: 32, 8: 32, 9: 256}
"""Lines in a chunk of an OpenEXR file, by its compression."""


def is_complete(path: Path) -> bool:
    """Whether the image is certainly complete. False if only decoding tells, as for a JPEG without an end marker.

    Raises ImageError if the image is damaged or can't be read.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            check = _CHECKS.get(sniff(data[:FIRST_BYTES]))
            return check(data) if check else False
    except FormatError as error:
        raise ImageError("The image is damaged: {reason}.", reason=error.reason) from error
    except (struct.error, IndexError, ValueError):
        raise ImageError("The image is damaged: {reason}.", reason=ENDS_EARLY) from None
    except OSError as error:
        raise ImageError("The image can't be read: {reason}.", reason=one_line(error.strerror or error)) from error


def _jpeg(data: Data) -> bool:
    """A progressive JPEG is complete when its scans gave every bit of every coefficient."""
    missing: dict[int, list[int]] = {}
    kind = 0
    for kind, body in jpeg_segments(data):
        if kind in {0xC0, 0xC1, 0xC2}:
            missing = {body[at]: [1] * 64 for at in range(6, 6 + 3 * body[5], 3)}
        elif kind == 0xDA:
            components = [body[at] for at in range(1, 1 + 2 * body[0], 2)]
            first, last, bits = body[1 + 2 * body[0] : 4 + 2 * body[0]]
            for component in components:
                for coefficient in range(first, min(last, 63) + 1):
                    missing.setdefault(component, [0] * 64)[coefficient] = bits & 15
    # An image of another kind (lossless, arithmetic) has no entry: Blender decides whether it can read it.
    require(not any(any(bits) for bits in missing.values()), ENDS_EARLY)
    return kind == EOI


def _png(data: Data) -> bool:
    needed, found = -1, 0
    inflate = zlib.decompressobj()
    kind = b""
    for kind, body, crc in png_chunks(data):
        if kind[:1].isupper():
            require(zlib.crc32(kind + body).to_bytes(4, "big") == crc, "its checksum is wrong")
        if kind == b"IHDR":
            needed = _png_bytes(body)
        elif kind == b"IDAT":
            found += _inflated(inflate, body, needed - found)
    require(0 <= needed <= found, ENDS_EARLY)
    return kind == b"IEND"


def _inflated(inflate: zlib._Decompress, body: bytes, needed: int) -> int:
    """Returns how many bytes the next part of a zlib stream holds; counts no further than about `needed`."""
    found = 0
    try:
        for start in range(0, len(body), _PIECE):
            piece = body[start : start + _PIECE]
            while piece and found < needed:
                found += len(inflate.decompress(piece, _PIECE))
                piece = inflate.unconsumed_tail
    except zlib.error:
        raise FormatError("its data can't be decompressed") from None
    return found


def _png_bytes(header: bytes) -> int:
    """Returns the length of a PNG's decompressed data: each line has one byte more, for its filter."""
    width, height, depth, color, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    bits = depth * {2: 3, 4: 2, 6: 4}.get(color, 1)
    total = 0
    for left, top, across, down in _ADAM7 if interlaced else ((0, 0, 1, 1),):
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * bits + 7) // 8)
    return total


def _webp(data: Data) -> bool:
    end = 8 + int.from_bytes(data[4:8], "little")
    require(end <= len(data) + 1, ENDS_EARLY)  # some programs leave out the last padding byte
    kinds = [kind for kind, _ in riff_chunks(data, end=min(end, len(data)))]
    require(any(kind in {b"VP8 ", b"VP8L", b"ANMF"} for kind in kinds), "it contains no image")
    return True


def _tiff(data: Data) -> bool:
    tags = tiff_directory(data)
    for offsets, lengths in ((273, 279), (324, 325)):  # strips; tiles
        pieces = zip(tags.get(offsets, ()), tags.get(lengths, ()), strict=False)
        require(all(offset + length <= len(data) for offset, length in pieces), ENDS_EARLY)
    return True


def _dds(data: Data) -> bool:
    height, width = struct.unpack_from("<II", data, 12)
    flags, code, bits = struct.unpack_from("<I4sI", data, 80)
    start = 148 if code == b"DX10" else 128
    if flags & 4:
        (dxgi,) = struct.unpack_from("<I", data, 128) if code == b"DX10" else (0,)
        small = code in {b"DXT1", b"ATI1", b"BC4U", b"BC4S"} or dxgi in {70, 71, 72, 79, 80, 81}
        blocks = -(-width // 4) * -(-height // 4)
        require(start <= len(data), ENDS_EARLY)
        if code in {b"DX10"} and dxgi < 70:
            return False  # not compressed; its layout is Blender's to know
        require(start + blocks * (8 if small else 16) <= len(data), ENDS_EARLY)
    else:
        require(start + width * height * bits // 8 <= len(data), ENDS_EARLY)
    return True


def _exr(data: Data) -> bool:
    """Check the chunks of a file of one part in lines; Blender reports truncated ones of other kinds itself."""
    (flags,) = struct.unpack_from("<I", data, 4)
    if flags & 0x1A00:  # tiles, deep data, several parts
        return False
    at, values = 8, {}
    while data[at] != 0:
        name_end = data.find(b"\0", at, at + 256)
        type_end = data.find(b"\0", name_end + 1, name_end + 257)
        require(0 < name_end < type_end, ENDS_EARLY)
        (size,) = struct.unpack_from("<I", data, type_end + 1)
        values[data[at:name_end]] = data[type_end + 5 : type_end + 5 + size]
        at = type_end + 5 + size
    _, top, _, bottom = struct.unpack("<iiii", values.get(b"dataWindow", b""))
    lines = _EXR_LINES.get(values.get(b"compression", b"\0")[0])
    if lines is None:
        return False
    for offset in struct.unpack_from(f"<{-(-(bottom - top + 1) // lines)}Q", data, at + 1):
        require(at < offset <= len(data) - 8, ENDS_EARLY)
        (length,) = struct.unpack_from("<I", data, offset + 4)
        require(offset + 8 + length <= len(data), ENDS_EARLY)
    return True


def _boxes(data: Data) -> bool:
    """AVIF and HEIC: the boxes reach to the end of the file."""
    return all(end for _, _, end in iso_boxes(data))


_CHECKS: Final[dict[str, Callable[[Data], bool]]] = {
    "jpg": _jpeg,
    "png": _png,
    "webp": _webp,
    "tif": _tiff,
    "dds": _dds,
    "exr": _exr,
    "avif": _boxes,
    "heic": _boxes,
}
