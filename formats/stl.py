# SPDX-License-Identifier: GPL-3.0-or-later
"""STL: tells binary from text files, and checks that a file is complete."""

from __future__ import annotations

from typing import BinaryIO, Final

from .sniff import last_bytes, require, text_blocks

HEADER_BYTES: Final = 84
TRIANGLE_BYTES: Final = 50


def binary_triangles(head: bytes, size: int) -> int | None:
    """Returns the number of triangles of a binary STL of `size` bytes; None if it is a text file, or cut off."""
    count = int.from_bytes(head[80:84], "little")
    return count if len(head) >= HEADER_BYTES and size == HEADER_BYTES + TRIANGLE_BYTES * count else None


def check(file: BinaryIO, size: int) -> None:
    """Raises FormatError unless this is a complete STL with triangles."""
    head = file.read(HEADER_BYTES)
    triangles = binary_triangles(head, size)
    require(triangles != 0, "it has no triangles")
    if triangles is not None:
        return
    require(head.lstrip().lower().startswith(b"solid"), "its length does not match its number of triangles")
    file.seek(0)
    facets, previous = 0, b""
    for block in text_blocks(file):
        # A keyword can cross the border of two blocks.
        facets += (previous[-7:] + block).lower().count(b"endfacet")
        previous = block
    require(facets and b"endsolid" in last_bytes(file, size, 512).lower(), "it ends too early")
