# SPDX-License-Identifier: GPL-3.0-or-later
"""Extracts the closed surface of a height field as vertices and quads: naive surface nets (Gibson 1998). NumPy only.

The grid's nodes are half a step in front of and behind the image plane, so that the outline becomes one clean ring of
vertices in that plane, and the back is the exact mirror image of the front. Every edge is shared by exactly two quads,
which face outward.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...imaging.raster import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Surface:
    """A closed mesh. x is the column, y the row (up), z points to the viewer; in grid steps."""

    vertices: FloatArray
    """n × 3."""
    quads: IntArray
    """m × 4 indices into `vertices`."""


def extract(height_squared: FloatArray) -> Surface:
    """Returns the surface of all points with z² < `height_squared` (negative outside, and along the grid's border)."""
    squared, depth = _resolve_ambiguities(height_squared)
    corners = [depth[:-1, :-1], depth[:-1, 1:], depth[1:, 1:], depth[1:, :-1]]
    low = np.minimum.reduce(corners)
    high = np.maximum.reduce(corners)
    # In each column of cells, those from layer `low` to `high` contain a part of the surface; layer 0 is the plane.
    count = np.where(high > 0, high - low + 1, 0)
    start = (np.cumsum(count) - count.ravel()).reshape(count.shape)
    cell = np.repeat(np.arange(count.size), count.ravel())
    layer = np.arange(cell.size) - start.ravel()[cell] + low.ravel()[cell]
    front = _vertices(squared, depth, *np.divmod(cell, count.shape[1]), layer)
    raised = np.flatnonzero(layer > 0)
    mirrored = np.arange(layer.size)
    mirrored[raised] = layer.size + np.arange(raised.size)
    vertices = np.concatenate([front, front[raised] * np.array([1.0, 1.0, -1.0], np.float32)])
    quads = _quads(depth, start - low)
    return Surface(vertices, np.concatenate([quads, mirrored[quads[:, ::-1]]]))


def _resolve_ambiguities(squared: FloatArray) -> tuple[FloatArray, IntArray]:
    """Returns the squared height and the number of inside layers (depth) at each node.

    Raises heights until no two inside corners of a cell touch at an edge only: there the surface would not be manifold.
    """
    squared = squared.copy()
    while True:
        depth = np.ceil(np.sqrt(np.maximum(squared, 0.0)) - 0.5).astype(np.int64)
        a, b, c, d = depth[:-1, :-1], depth[1:, 1:], depth[:-1, 1:], depth[1:, :-1]
        rising, falling = np.minimum(a, b) > np.maximum(c, d), np.minimum(c, d) > np.maximum(a, b)
        if not (rising.any() or falling.any()):
            return squared, depth
        diagonals = (((0, 0), (1, 1)), ((0, 1), (1, 0)))
        for ambiguous, strong, weak in ((rising, *diagonals), (falling, *reversed(diagonals))):
            rows, columns = np.nonzero(ambiguous)
            level = np.minimum(*(squared[rows + r, columns + c] for r, c in strong))
            first, second = (squared[rows + r, columns + c] for r, c in weak)
            r, c = np.where(second > first, np.transpose(weak[1:]), np.transpose(weak[:1]))
            np.maximum.at(squared, (rows + r, columns + c), level)


def _vertices(squared: FloatArray, depth: IntArray, rows: IntArray, columns: IntArray, layer: IntArray) -> FloatArray:
    """Returns the surface's vertex in each given cell: the mean of its crossings with the cell's edges."""
    corners = ((0, 0), (0, 1), (1, 1), (1, 0))
    values = [squared[rows + r, columns + c] for r, c in corners]
    depths = [depth[rows + r, columns + c] for r, c in corners]
    total = np.zeros((layer.size, 3), np.float64)
    count = np.zeros(layer.size, np.int64)
    for (r, c), value, node_depth in zip(corners, values, depths, strict=True):
        crossed = (node_depth == layer) & (layer > 0)
        total[crossed] += np.stack(np.broadcast_arrays(c, r, np.sqrt(value[crossed])), axis=-1)
        count += crossed
    for start in range(4):
        end = (start + 1) % 4
        (r1, c1), (r2, c2) = corners[start], corners[end]
        for level in (layer - 1, layer):
            # In layer 0, the level below is the mirror image of the level above.
            above = np.where(level < 0, 0, level)
            crossed = (depths[start] > above) != (depths[end] > above)
            height = above[crossed] + 0.5
            u1, u2 = values[start][crossed], values[end][crossed]
            t = np.clip((u1 - height**2) / (u1 - u2), 0.0, 1.0)
            z = np.where(level[crossed] < 0, -height, height)
            total[crossed] += np.stack([c1 + t * (c2 - c1), r1 + t * (r2 - r1), z], axis=-1)
            count += crossed
    vertices = total / count[:, None]
    vertices[:, 0] += columns
    vertices[:, 1] += rows
    return vertices.astype(np.float32)


def _quads(depth: IntArray, base: IntArray) -> IntArray:
    """Returns the front half's quads. A cell's vertex has the number `base` of its column plus its layer."""
    quads = []
    rows, columns = np.nonzero(depth > 0)
    top = depth[rows, columns]
    quads.append([base[rows + r, columns + c] + top for r, c in ((-1, -1), (-1, 0), (0, 0), (0, -1))])
    for along_rows in (False, True):
        first, second = (depth[:-1], depth[1:]) if along_rows else (depth[:, :-1], depth[:, 1:])
        rows, columns = np.nonzero(first != second)
        a, b = first[rows, columns], second[rows, columns]
        count = np.abs(a - b)
        edge = np.repeat(np.arange(count.size), count)
        level = np.arange(edge.size) - np.repeat(np.cumsum(count) - count, count) + np.minimum(a, b)[edge]
        rows, columns = rows[edge], columns[edge]
        start = base[rows, columns - 1] if along_rows else base[rows - 1, columns]
        end = base[rows, columns]
        quad = [start + level, end + level, end + level + 1, start + level + 1]
        # From outside, the neighbors in x lie along y and those in y along x, which reverses the winding.
        reversed_winding = (a < b)[edge] != along_rows
        quads.append([np.where(reversed_winding, b, a) for a, b in zip(quad, quad[::-1], strict=True)])
    return np.concatenate([np.stack(quad, axis=-1) for quad in quads])
