# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds face corners that refer to no vertex, in a PLY whose vertices have texture coordinates.

Blender's importer drops such faces, except that it reads texture coordinates first, and crashes.
"""

from __future__ import annotations

import itertools
import struct
from typing import Any, BinaryIO, Final

from .ply import MAX_HEADER, Element, PlyHeader, read_header

_TEXTURE_COORDINATES: Final = frozenset({"s", "t", "u", "v", "texture_u", "texture_v"})
_MAX_WINDOW: Final = 65536
_COUNTERS: Final = {1: "B", 2: "H", 4: "I"}


def has_wrong_index(file: BinaryIO) -> bool:
    """Whether a face refers to a vertex that is not there. False if that can't be told. Raises FormatError."""
    header = read_header(file.read(MAX_HEADER))
    names = [element.name for element in header.elements]
    if names[:2] != ["vertex", "face"] or header.elements[0].lists or len(header.elements[1].lists) != 1:
        return False
    vertices, faces = header.elements[:2]
    if not _TEXTURE_COORDINATES & {name for name, _ in vertices.properties}:
        return False
    file.seek(header.data_start)
    if not header.order:
        return _text(file, vertices.count, faces)
    file.seek(vertices.count * vertices.fixed_bytes, 1)
    return _binary(file.read(), header, vertices.count, faces)


def _binary(data: bytes, header: PlyHeader, vertices: int, faces: Element) -> bool:
    import numpy as np

    before, counter_bytes, item_bytes = faces.lists[0]
    if counter_bytes not in _COUNTERS or item_bytes not in _COUNTERS:
        return False
    counter = struct.Struct(header.order + _COUNTERS[counter_bytes])
    kind = np.dtype(f"{header.order}u{item_bytes}")  # a negative one is too large, too
    at, left, window = 0, faces.count, 1
    while left and at + before + counter_bytes <= len(data):
        first = at + before
        (corners,) = counter.unpack_from(data, first)
        size = faces.fixed_bytes + counter_bytes + corners * item_bytes
        rows = min(left, (len(data) - at) // size, window)
        if not rows:
            return False
        if rows > 1:  # as many faces at once as have the same number of corners
            lengths: Any = np.ndarray((rows,), f"{header.order}u{counter_bytes}", data, first, (size,))
            others = np.flatnonzero(lengths != corners)
            rows = int(others[0]) if len(others) else rows
        indices: Any = np.ndarray((rows, corners), kind, data, first + counter_bytes, (size, item_bytes))
        if corners and int(indices.max()) >= vertices:
            return True
        window = min(2 * window, _MAX_WINDOW) if rows == window else 1
        at += rows * size
        left -= rows
    return False


def _text(file: BinaryIO, vertices: int, faces: Element) -> bool:
    before = len(faces.properties) if faces.lists[0][0] else 0
    for line in itertools.islice(file, vertices, vertices + faces.count):
        words = line[:65536].split()[before:]
        try:
            if any(not 0 <= int(word) < vertices for word in words[1 : 1 + int(words[0])]):
                return True
        except (ValueError, IndexError):
            return False
    return False
