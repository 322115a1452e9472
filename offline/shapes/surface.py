# SPDX-License-Identifier: GPL-3.0-or-later
"""Extracts the closed surface of an inflated outline as vertices and quads (surface nets). NumPy only.

The grid's nodes are half a step in front of and behind the image plane, so that the outline becomes one clean ring of
vertices in that plane, and the back is the exact mirror image of the front. Every edge is shared by exactly two quads,
which face outward.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...imaging.raster import Floats

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Surface:
    """A closed mesh. x is the column, y the row (up), z points to the viewer; in grid steps."""

    points: NDArray[np.float32]
    quads: Ints


def extract(square: Floats) -> Surface:
    """Returns the surface of all points with z² < `square` (negative outside, and along the grid's border)."""
    square, depth = _unambiguous(square)
    corners = [depth[:-1, :-1], depth[:-1, 1:], depth[1:, 1:], depth[1:, :-1]]
    low = np.minimum.reduce(corners)
    high = np.maximum.reduce(corners)
    # In each column of cells, those from layer `low` to `high` contain a part of the surface; layer 0 is the plane.
    count = np.where(high > 0, high - low + 1, 0)
    start = (np.cumsum(count) - count.ravel()).reshape(count.shape)
    cell = np.repeat(np.arange(count.size), count.ravel())
    layer = np.arange(cell.size) - start.ravel()[cell] + low.ravel()[cell]
    front = _places(square, depth, *np.divmod(cell, count.shape[1]), layer)

    raised = np.flatnonzero(layer > 0)
    mirrored = np.arange(layer.size)
    mirrored[raised] = layer.size + np.arange(raised.size)
    points = np.concatenate([front, front[raised] * np.array([1.0, 1.0, -1.0], np.float32)])

    quads = _quads(depth, start - low)
    return Surface(points, np.concatenate([quads, mirrored[quads[:, ::-1]]]))


def _unambiguous(square: Floats) -> tuple[Floats, Ints]:
    """Returns the field, and inside layers per node, adjusted so that inside corners never touch at an edge only."""
    square = square.copy()
    while True:
        depth = np.ceil(np.sqrt(np.maximum(square, 0.0)) - 0.5).astype(np.int64)
        a, b, c, d = depth[:-1, :-1], depth[1:, 1:], depth[:-1, 1:], depth[1:, :-1]
        rising, falling = np.minimum(a, b) > np.maximum(c, d), np.minimum(c, d) > np.maximum(a, b)
        if not (rising.any() or falling.any()):
            return square, depth
        for wrong, strong, weak in (
            (rising, ((0, 0), (1, 1)), ((0, 1), (1, 0))),
            (falling, ((0, 1), (1, 0)), ((0, 0), (1, 1))),
        ):
            rows, columns = np.nonzero(wrong)
            level = np.minimum(*(square[rows + r, columns + c] for r, c in strong))
            first, second = (square[rows + r, columns + c] for r, c in weak)
            second_is_higher = second > first
            for use, (r, c) in zip((~second_is_higher, second_is_higher), weak, strict=True):
                np.maximum.at(square, (rows[use] + r, columns[use] + c), level[use])


def _places(square: Floats, depth: Ints, rows: Ints, columns: Ints, layer: Ints) -> NDArray[np.float32]:
    """Returns the surface's vertex in each given cell: the mean of its crossings with the cell's edges."""
    corners = ((0, 0), (0, 1), (1, 1), (1, 0))
    values = [square[rows + r, columns + c] for r, c in corners]
    depths = [depth[rows + r, columns + c] for r, c in corners]
    total = np.zeros((layer.size, 3), np.float64)
    count = np.zeros(layer.size, np.int64)
    for (r, c), value, deep in zip(corners, values, depths, strict=True):
        hit = (deep == layer) & (layer > 0)
        total[hit] += np.stack(np.broadcast_arrays(c, r, np.sqrt(value[hit])), axis=-1)
        count += hit
    for one in range(4):
        other = (one + 1) % 4
        (r1, c1), (r2, c2) = corners[one], corners[other]
        for level in (layer - 1, layer):
            # In layer 0, the level below is the mirror image of the level above.
            above = np.where(level < 0, 0, level)
            hit = (depths[one] > above) != (depths[other] > above)
            height = above[hit] + 0.5
            u1, u2 = values[one][hit], values[other][hit]
            t = np.clip((u1 - height**2) / (u1 - u2), 0.0, 1.0)
            z = np.where(level[hit] < 0, -height, height)
            total[hit] += np.stack([c1 + t * (c2 - c1), r1 + t * (r2 - r1), z], axis=-1)
            count += hit
    places = total / count[:, None]
    places[:, 0] += columns
    places[:, 1] += rows
    return places.astype(np.float32)


def _quads(depth: Ints, base: Ints) -> Ints:
    """Returns the front half's quads. A cell's vertex has the number `base` of its column plus its layer."""
    found = []
    rows, columns = np.nonzero(depth > 0)
    top = depth[rows, columns]
    found.append([base[rows + r, columns + c] + top for r, c in ((-1, -1), (-1, 0), (0, 0), (0, -1))])
    for along_rows in (False, True):
        here, there = (depth[:-1], depth[1:]) if along_rows else (depth[:, :-1], depth[:, 1:])
        rows, columns = np.nonzero(here != there)
        a, b = here[rows, columns], there[rows, columns]
        count = np.abs(a - b)
        edge = np.repeat(np.arange(count.size), count)
        level = np.arange(edge.size) - np.repeat(np.cumsum(count) - count, count) + np.minimum(a, b)[edge]
        rows, columns = rows[edge], columns[edge]
        one = base[rows, columns - 1] if along_rows else base[rows - 1, columns]
        two = base[rows, columns]
        quad = [one + level, two + level, two + level + 1, one + level + 1]
        # From outside, the neighbors in x lie along y and those in y along x, which reverses the winding.
        backward = (a < b)[edge] != along_rows
        found.append([np.where(backward, last, first) for first, last in zip(quad, quad[::-1], strict=True)])
    return np.concatenate([np.stack(quad, axis=-1) for quad in found])
