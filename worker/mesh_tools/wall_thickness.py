# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures how thick a solid's walls are, and makes slabs that thicken the thin ones.

The thickness at a triangle is the way of a ray from its center, straight inward, until the ray leaves the solid. Where
parts overlap, a ray that leaves one of them is still inside of another. Triangles of a sheet have no thickness.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from mathutils import Vector
from mathutils.bvhtree import BVHTree
from mathutils.kdtree import KDTree

from ..mesh_data import Array
from .subdivide import subdivided
from .triangle_mesh import TriangleMesh, edges, parts, search_tree

THINNEST_SHARE: Final = 0.01
"""Share of the surface that may be thinner than the "thinnest wall": tips and sharp edges have no thickness."""
SOME_RAYS: Final = 4_000
_MOST_RAYS: Final = 50_000
_MAX_CROSSINGS: Final = 12
_OPPOSITE: Final = -0.5
"""Cosine of the angle between neighbors from which they are two sides of a sharp rim, not a bent surface."""
_FITS: Final = 0.9
_EDGE: Final = 1.25
"""How near the place must be where the ball fits, relative to a wall: so an edge of 50° is sharp, not thin."""
_DAMPING: Final = 0.02


def sheets(shape: TriangleMesh) -> Array:
    """Returns which triangles belong to a part that is not closed."""
    part = parts(shape)
    _, side, counts = edges(shape.triangles)
    is_open = np.zeros(int(part.max(initial=-1)) + 1, bool)
    is_open[part[(counts[side] == 1).reshape(3, -1).any(axis=0)]] = True
    return np.asarray(is_open[part])


def thickness(shape: TriangleMesh, wall: float, sheet: Array | None = None, most_rays: int = _MOST_RAYS) -> Array:
    """Returns the thickness at each triangle; infinite at sharp edges and tips.

    Triangles in the same cube, half as large as `wall` (larger if there would be more rays than `most_rays`), that face
    the same way share one ray. `sheet`: which triangles belong to sheets.
    """
    vectors = shape.area_vectors()
    areas = np.linalg.norm(vectors, axis=1)
    normals = vectors / np.maximum(areas, 1e-30)[:, None]
    centers = shape.corners().mean(axis=1)
    solid = np.arange(len(areas)) if sheet is None else np.flatnonzero(~sheet)
    result = np.zeros(len(areas))
    if not len(solid):
        return result
    cell = max(wall / 2, (areas[solid].sum() / most_rays) ** 0.5)
    first, index = _representatives(centers[solid], normals[solid], areas[solid], cell)
    chosen = solid[first]
    tree = search_tree(shape.of_triangles(solid))
    starts = [Vector(center) for center in centers[chosen].tolist()]
    inward = [Vector(normal) for normal in (-normals[chosen]).tolist()]
    ways = [_way_inside(tree, start, way, wall / 2000) for start, way in zip(starts, inward, strict=True)]
    for thin in _sharp_edges(tree, starts, inward, np.array(ways), wall):
        ways[thin] = np.inf
    result[solid] = np.array(ways)[index]
    result[areas == 0] = np.inf
    return result


def _sharp_edges(tree: BVHTree, starts: list[Vector], inward: list[Vector], ways: Array, wall: float) -> Iterator[int]:
    """Yields which thin places are at sharp edges or tips: near them, a ball as thick as a wall fits into the shape.

    The printer rounds such an edge off. A thin sheet has none, although its rim is wide in one direction.
    """
    thin = np.flatnonzero(ways < wall).tolist()
    thick = np.flatnonzero(ways >= wall).tolist() if thin else []
    fits = KDTree(len(thick))
    for index in thick:
        if tree.find_nearest(starts[index] + inward[index] * wall / 2)[3] > _FITS * wall / 2:
            fits.insert(starts[index], index)
    fits.balance()
    for index in thin:
        distance = fits.find(starts[index])[2]
        if distance is not None and distance < _EDGE * wall:
            yield index


def sampled(shape: TriangleMesh, wall: float) -> float:
    """Returns the thickness that all but `THINNEST_SHARE` of a solid's surface has, from some thousand rays."""
    fine = subdivided(shape, (shape.area() / SOME_RAYS) ** 0.5, max(len(shape.triangles), 4 * SOME_RAYS))
    return thinnest(fine, thickness(fine, wall, most_rays=SOME_RAYS))


def thinnest(shape: TriangleMesh, found: Array, most: float = np.inf) -> float:
    """Returns the thickness that all but `THINNEST_SHARE` of the surface, and at most the area `most`, has."""
    areas = np.linalg.norm(shape.area_vectors(), axis=1)
    order = np.argsort(found)
    reached = np.cumsum(areas[order]) > min(THINNEST_SHARE * areas.sum(), most)
    return float(found[order[int(np.argmax(reached))]])


def _representatives(centers: Array, normals: Array, areas: Array, cell: float) -> tuple[Array, Array]:
    """Returns the largest triangle of each group, and the group of each triangle."""
    place = np.floor((centers - centers.min(axis=0)) / cell).astype(np.int64)
    axis = np.abs(normals).argmax(axis=1)
    way = 2 * axis + (normals[np.arange(len(axis)), axis] > 0)
    size = place.max(axis=0) + 1
    key = ((place[:, 0] * size[1] + place[:, 1]) * size[2] + place[:, 2]) * 6 + way
    order = np.argsort(-areas, kind="stable")
    _, first, index = np.unique(key[order], return_index=True, return_inverse=True)
    group = np.empty(len(key), np.int64)
    group[order] = index.reshape(-1)
    return order[first], group


def _way_inside(tree: BVHTree, start: Vector, inward: Vector, step: float) -> float:
    """Returns how far a ray goes from the surface inward until it leaves the solid; infinity if it never does."""
    way, depth = step, 1
    for _ in range(_MAX_CROSSINGS):
        _, crossed, _, distance = tree.ray_cast(start + inward * way, inward)
        if crossed is None or distance is None:
            break
        way += distance
        depth += 1 if crossed.dot(inward) < 0 else -1
        if depth <= 0:
            return way
        way += step
    return float("inf")


def slabs(shape: TriangleMesh, found: Array, wall: float) -> TriangleMesh | None:
    """Returns closed slabs as thick as `wall` around the middle of all that is thinner. None if nothing is.

    `found`: the thickness at each triangle. The union with the solid is nowhere much thinner than `wall`.
    """
    thin = found < wall
    vectors = shape.area_vectors()
    areas = np.linalg.norm(vectors, axis=1)
    thin &= areas > 0
    if not thin.any():
        return None
    areas, depth = areas[thin], found[thin]
    normals = vectors[thin] / areas[:, None]
    places, triangles = _without_rims(shape, thin, normals, areas)
    inward = _offsets(len(places), triangles, normals, areas, -depth / 2, wall)
    outward = _offsets(len(places), triangles, normals, areas, np.full(len(areas), wall / 2), wall)
    middle, count = places + inward, len(places)
    return TriangleMesh(
        np.concatenate((middle + outward, middle - outward)),
        np.concatenate((triangles, triangles[:, ::-1] + count, _side_walls(triangles, count))),
    )


def _without_rims(shape: TriangleMesh, thin: Array, normals: Array, areas: Array) -> tuple[Array, Array]:
    """Returns points and triangles of the thin surface. The two sides of a sharp rim do not share vertices."""
    corners = shape.triangles[thin].ravel()
    of_corner = np.repeat(np.arange(len(areas)), 3)
    order = np.argsort(areas[of_corner], kind="stable")
    largest = np.zeros(len(shape.points), np.int64)
    largest[corners[order]] = of_corner[order]  # the last one written is the largest triangle at the vertex
    cosine = np.einsum("ij,ij->i", normals[largest[corners]], normals[of_corner])
    keys, index = np.unique(corners * 2 + (cosine < _OPPOSITE), return_inverse=True)
    return shape.points[keys // 2], index.reshape(-1, 3)


def _offsets(count: int, triangles: Array, normals: Array, areas: Array, distance: Array, most: float) -> Array:
    """Returns how to move the vertices so that each triangle moves by its `distance` along its normal."""
    matrices, vectors = np.zeros((count, 3, 3)), np.zeros((count, 3))
    weighted = normals * areas[:, None]
    products = weighted[:, :, None] * normals[:, None, :]
    for side in range(3):
        for i in range(3):
            vectors[:, i] += np.bincount(triangles[:, side], weighted[:, i] * distance, count)
            for j in range(3):
                matrices[:, i, j] += np.bincount(triangles[:, side], products[:, i, j], count)
    total = np.trace(matrices, axis1=1, axis2=2)
    scaled = matrices / total[:, None, None] + np.eye(3) * _DAMPING
    moved = np.linalg.solve(scaled, (vectors / total[:, None])[:, :, None])[:, :, 0] * (1 + _DAMPING)
    length = np.linalg.norm(moved, axis=1)
    return np.asarray(moved * np.minimum(1, most / np.maximum(length, 1e-30))[:, None])


def _side_walls(triangles: Array, count: int) -> Array:
    """Returns the triangles that close the slab where its surface ends, or where more than two triangles meet."""
    _, side, counts = edges(triangles)
    sides = np.concatenate([triangles[:, [i, (i + 1) % 3]] for i in range(3)])[counts[side] != 2]
    a, b = sides[:, 0], sides[:, 1]
    return np.concatenate((np.stack((b, a, a + count), 1), np.stack((b, a + count, b + count), 1)))
