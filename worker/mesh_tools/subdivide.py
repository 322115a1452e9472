# SPDX-License-Identifier: GPL-3.0-or-later
"""Splits long edges, so that each triangle of a mesh is small enough for one sample to stand for it."""

from __future__ import annotations

from typing import Final

import numpy as np

from ..mesh_data import Array
from .triangle_mesh import TriangleMesh, edges

_MAX_ROUNDS: Final = 10


def subdivided(shape: TriangleMesh, longest: float, most: int) -> TriangleMesh:
    """Returns the same surface with no edge longer than `longest`, as far as `most` triangles allow.

    Neighbors stay connected: both triangles of an edge are split at its middle.
    """
    for _ in range(_MAX_ROUNDS):
        pairs, side, _ = edges(shape.triangles)
        ends = shape.points[pairs]
        is_long = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1) > longest
        if not is_long.any() or len(shape.triangles) + 2 * int(is_long.sum()) > most:
            break
        middle = np.full(len(pairs), -1)
        middle[is_long] = len(shape.points) + np.arange(int(is_long.sum()))
        points = np.concatenate((shape.points, ends[is_long].mean(axis=1)))
        shape = TriangleMesh(points, _split(shape.triangles, middle[side].reshape(3, -1)))
    return shape


def _split(triangles: Array, middles: Array) -> Array:
    """Returns the triangles, split at the `middles` of their sides (3 × m); -1 for a side that stays."""
    cut = middles >= 0
    count = cut.sum(axis=0)
    # Turned so that a single side to split is the first one, and a single side that stays is the last one.
    turn = np.where(count == 1, cut.argmax(axis=0), np.where(count == 2, (~cut).argmax(axis=0) + 1, 0))
    order = (turn + np.arange(3)[:, None]) % 3
    corners, middles = np.take_along_axis(triangles.T, order, 0), np.take_along_axis(middles, order, 0)
    names = dict(zip("abcxyz", (*corners, *middles), strict=True))
    parts = []
    for number, faces in enumerate((("abc",), ("axc", "xbc"), ("xby", "axy", "ayc"), ("axz", "xby", "zyc", "xyz"))):
        which = count == number
        parts += [np.stack([names[corner][which] for corner in face], axis=1) for face in faces]
    return np.concatenate(parts)
