# SPDX-License-Identifier: GPL-3.0-or-later
"""The first frame of an animated image: a WebP as a still WebP, a GIF decoded.

Blender 4.2 to 5.0 decode no animated WebP, and 4.5 to 5.2 no GIF of one frame.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from .containers import ENDS_EARLY, Data, riff_chunks
from .sniff import FormatError, require

_ALPHA: Final = b"ALPH"  # codespell:ignore
_IN_STILL: Final = (_ALPHA, b"VP8 ", b"VP8L")


class Frame(NamedTuple):
    """Where a frame is on its canvas, in pixels from the top left."""

    left: int
    top: int
    width: int
    height: int
    canvas_width: int
    canvas_height: int


def first_webp_frame(data: Data) -> tuple[bytes, Frame] | None:
    """Returns the first frame as a still WebP; None if the WebP is not animated. Raises FormatError."""
    if data[12:16] != b"VP8X" or not data[20] & 2:
        return None
    canvas = [int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27)]
    body = next((body for kind, body in riff_chunks(data) if kind == b"ANMF"), b"")
    require(len(body) > 16, "it contains no image")
    left, top, width, height = (int.from_bytes(body[at : at + 3], "little") for at in (0, 3, 6, 9))
    frame = Frame(left * 2, top * 2, width + 1, height + 1, canvas[0], canvas[1])
    require(_fits(frame), "its first frame is outside of the image")
    parts = {kind: part for kind, part in riff_chunks(body, 16) if kind in _IN_STILL}
    require(parts.keys() & {b"VP8 ", b"VP8L"}, "it contains no image")
    size = body[6:12]
    chunks = [(b"VP8X", struct.pack("<I", 0x10 if _ALPHA in parts or b"VP8L" in parts else 0) + size)]
    chunks += [(kind, parts[kind]) for kind in _IN_STILL if kind in parts]
    still = b"WEBP" + b"".join(
        struct.pack("<4sI", kind, len(part)) + part + b"\0" * (len(part) % 2) for kind, part in chunks
    )
    return struct.pack("<4sI", b"RIFF", len(still)) + still, frame


def first_gif_frame(data: Data) -> tuple[tuple[bytes, bytes, bytes, bytes], Frame]:
    """Returns the first frame's red, green, blue and alpha, 0 to 255, line by line from the top. Raises FormatError."""
    try:
        return _gif_frame(data)
    except (struct.error, IndexError):
        raise FormatError(ENDS_EARLY) from None


def _gif_frame(data: Data) -> tuple[tuple[bytes, bytes, bytes, bytes], Frame]:
    canvas_width, canvas_height, flags = struct.unpack_from("<HHB", data, 6)
    at, palette, transparent = 13, b"", -1
    if flags & 0x80:
        palette, at = _palette(data, at, flags)
    while data[at] == 0x21:  # extensions: comments, timing, transparency
        if data[at + 1] == 0xF9 and data[at + 3] & 1:
            transparent = data[at + 6]
        _, at = _sub_blocks(data, at + 2)
    require(data[at] == 0x2C, "it contains no image")
    left, top, width, height, flags = struct.unpack_from("<HHHHB", data, at + 1)
    frame = Frame(left, top, width, height, max(canvas_width, left + width), max(canvas_height, top + height))
    at += 10
    if flags & 0x80:
        palette, at = _palette(data, at, flags)
    packed, _ = _sub_blocks(data, at + 1)
    indices = _lzw(packed, data[at], width * height)
    if flags & 0x40:
        indices = _deinterlace(indices, width, height)
    tables = [palette[channel::3].ljust(256, b"\0") for channel in range(3)]
    opaque = bytes(0 if index == transparent else 255 for index in range(256))
    red, green, blue, alpha = (indices.translate(table) for table in (*tables, opaque))
    return (red, green, blue, alpha), frame


def _fits(frame: Frame) -> bool:
    return frame.left + frame.width <= frame.canvas_width and frame.top + frame.height <= frame.canvas_height


def _palette(data: Data, at: int, flags: int) -> tuple[bytes, int]:
    """Returns a color table, and where it ends."""
    end = at + 3 * (2 << (flags & 7))
    require(end <= len(data), ENDS_EARLY)
    return data[at:end], end


def _sub_blocks(data: Data, at: int) -> tuple[bytes, int]:
    """Returns the content of the blocks from `at` to the empty one, and where that ends."""
    parts = []
    while length := data[at]:
        parts.append(data[at + 1 : at + 1 + length])
        at += 1 + length
    return b"".join(parts), at + 1


def _lzw(packed: bytes, bits: int, count: int) -> bytes:
    """Decompress `count` bytes of GIF's LZW. Raises FormatError if there are fewer."""
    require(0 < bits <= 8, "its data can't be decompressed")
    clear = 1 << bits
    first_table = [bytes([index]) for index in range(clear)] + [b"", b""]
    table, size, previous = first_table[:], bits + 1, b""
    found, total = [], 0
    buffer = available = 0
    for byte in packed:
        buffer |= byte << available
        available += 8
        while available >= size:
            code = buffer & ((1 << size) - 1)
            buffer >>= size
            available -= size
            if code == clear:
                table, size, previous = first_table[:], bits + 1, b""
                continue
            if code < len(table) and code != clear + 1:
                entry = table[code]
            else:
                require(code != clear + 1, ENDS_EARLY)
                require(previous and code == len(table), "its data can't be decompressed")
                entry = previous + previous[:1]
            if previous and len(table) < 4096:
                table.append(previous + entry[:1])
                size += len(table) == 1 << size and size < 12
            previous = entry
            found.append(entry)
            total += len(entry)
            if total >= count:
                return b"".join(found)[:count]
    raise FormatError(ENDS_EARLY)


def _deinterlace(lines: bytes, width: int, height: int) -> bytes:
    order = [*range(0, height, 8), *range(4, height, 8), *range(2, height, 4), *range(1, height, 2)]
    place = {row: index for index, row in enumerate(order)}
    return b"".join(lines[place[row] * width : (place[row] + 1) * width] for row in range(height))
