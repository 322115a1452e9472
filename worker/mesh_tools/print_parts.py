# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes one part of a print: crumbs are dropped, and parts that do not touch are connected by rods."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from mathutils import Vector
from mathutils.bvhtree import BVHTree

from ..mesh_data import Array
from .triangle_mesh import TriangleMesh, parts

CRUMB_VOLUME: Final = 0.001
"""A part with less than this share of the largest part's volume is dropped, unless it is long."""
CRUMB_LENGTH: Final = 0.05
"""A part is long if its diagonal has this share of the model's."""
MOST_PARTS: Final = 40
"""More parts than this are not connected: the smallest are dropped."""
_SAMPLES: Final = 300
_SIDES: Final = 16
_REFINEMENTS: Final = 6


class Chosen(NamedTuple):
    """What remains of a solid. `rods`: connect the parts, once they are united with them. `dropped`: parts."""

    shape: TriangleMesh
    rods: list[TriangleMesh]
    dropped: int


def choose(shape: TriangleMesh, wall: float) -> Chosen:
    """Returns the solid without crumbs, and the rods that its parts need to be one. `wall`: the thinnest rod."""
    part = parts(shape)
    count = int(part.max()) + 1
    if count == 1:
        return Chosen(shape, [], 0)
    volumes = np.bincount(part, shape.volumes(), count)
    diagonals = _diagonals(shape, part, count)
    whole = float(np.linalg.norm(np.ptp(shape.points, axis=0)))
    # A negative volume is the wall of a void.
    kept = volumes > CRUMB_VOLUME * volumes.max()
    kept |= (volumes > 0) & (diagonals - wall > CRUMB_LENGTH * whole)  # without what it was thickened by
    order = np.argsort(-np.where(kept, volumes, 0))
    chosen = order[: min(int(kept.sum()), MOST_PARTS)]
    pieces = [shape.of_triangles(part == number) for number in chosen]
    rods = [_rod(a, b, _radius(wall, size)) for a, b, size in _shortest_links(pieces, diagonals[chosen])]
    # What is smaller than a wall's thickness is a by-product of the voxels, not a part of the model.
    dropped = int((volumes > wall**3).sum()) - len(chosen)
    return Chosen(shape.of_triangles(np.isin(part, chosen)), rods, max(0, dropped))


def _diagonals(shape: TriangleMesh, part: Array, count: int) -> Array:
    """Returns the diagonal of each part's bounding box."""
    order = np.argsort(part, kind="stable")
    starts = np.searchsorted(part[order], np.arange(count))
    corners = shape.corners()[order]
    low = np.minimum.reduceat(corners.min(axis=1), starts)
    high = np.maximum.reduceat(corners.max(axis=1), starts)
    return np.asarray(np.linalg.norm(high - low, axis=1))


def _radius(wall: float, diagonal: float) -> float:
    """Returns the radius of a rod that holds a part with this diagonal, but is not thicker than needed."""
    return max(wall, 0.05 * diagonal)


def _shortest_links(pieces: list[TriangleMesh], diagonals: Array) -> list[tuple[Vector, Vector, float]]:
    """Returns the shortest lines that connect all pieces (Prim's algorithm), and the smaller diagonal at each."""
    trees = [BVHTree.FromPolygons(p.points.tolist(), p.triangles.tolist(), all_triangles=True) for p in pieces]
    best = {number: (*_closest(pieces[number], trees[number], trees[0]), 0) for number in range(1, len(pieces))}
    links = []
    while best:
        number = min(best, key=lambda key: best[key][0])
        _, own, other, neighbor = best.pop(number)
        links.append((own, other, float(min(diagonals[number], diagonals[neighbor]))))
        for rest in best:
            found = _closest(pieces[rest], trees[rest], trees[number])
            if found[0] < best[rest][0]:
                best[rest] = (*found, number)
    return links


def _closest(piece: TriangleMesh, tree: BVHTree, other: BVHTree) -> tuple[float, Vector, Vector]:
    """Returns nearly the shortest distance of two pieces, and its ends: from samples, refined from both sides."""
    step = max(1, len(piece.points) // _SAMPLES)
    starts = [Vector(point) for point in piece.points[::step].tolist()]
    near = [(other.find_nearest(start), start) for start in starts]
    distance, there, here = min(((hit[3], hit[0], start) for hit, start in near), key=lambda entry: entry[0])
    for _ in range(_REFINEMENTS):
        here = tree.find_nearest(there)[0]
        there, _, _, distance = other.find_nearest(here)
    return float(distance), here, there


def _rod(start: Vector, end: Vector, radius: float) -> TriangleMesh:
    """Returns a closed cylinder that reaches into both parts."""
    along = (end - start).normalized() if (end - start).length > 1e-9 else Vector((0, 0, 1))
    side = along.orthogonal().normalized()
    up = along.cross(side)
    return prism(
        np.array(start - along * radius), np.array(end + along * radius), np.array(side) * radius, np.array(up) * radius
    )


def prism(low: Array, high: Array, x: Array, y: Array, sides: int = _SIDES) -> TriangleMesh:
    """Returns a closed cylinder from `low` to `high`.

    `x`, `y`: two radii at a right angle, right-handed with its axis.
    """
    angle = np.arange(sides) * (2 * np.pi / sides)
    circle = np.cos(angle)[:, None] * x + np.sin(angle)[:, None] * y
    points = np.concatenate((low + circle, high + circle, [low, high]))
    i = np.arange(sides)
    j = (i + 1) % sides
    bottom, top = np.full(sides, 2 * sides), np.full(sides, 2 * sides + 1)
    faces = ((i, j, j + sides), (i, j + sides, i + sides), (j, i, bottom), (i + sides, j + sides, top))
    return TriangleMesh(points, np.concatenate([np.stack(face, axis=1) for face in faces]))
