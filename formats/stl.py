# SPDX-License-Identifier: GPL-3.0-or-later
"""STL: tells binary from text files, and checks that a file is complete."""

from __future__ import annotations

from typing import BinaryIO, Final

from .sniff import FormatError

HEADER_BYTES: Final = 84
TRIANGLE_BYTES: Final = 50
_BLOCK: Final = 1024 * 1024


def binary_triangles(head: bytes, size: int) -> int | None:
    """Returns the number of triangles of a binary STL of `size` bytes; None if it is a text file, or cut off."""
    count = int.from_bytes(head[80:84], "little")
    return count if len(head) >= HEADER_BYTES and size == HEADER_BYTES + TRIANGLE_BYTES * count else None


def check(file: BinaryIO, size: int) -> None:
    """Raises FormatError unless this is a complete STL with triangles."""
    head = file.read(HEADER_BYTES)
    triangles = binary_triangles(head, size)
    if triangles == 0:
        raise FormatError("it has no triangles")
    if triangles is not None:
        return
    if not head.lstrip().lower().startswith(b"solid"):
        raise FormatError("its length does not match its number of triangles")
    file.seek(0)
    facets, previous = 0, b""
    while block := file.read(_BLOCK):
        if b"\0" in block:
            raise FormatError("it contains bytes that are not text")
        # A keyword can cross the border of two blocks.
        facets += (previous[-7:] + block).lower().count(b"endfacet")
        previous = block
    file.seek(max(size - 512, 0))
    if facets == 0 or b"endsolid" not in file.read(512).lower():
        raise FormatError("it ends too early")
