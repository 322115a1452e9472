# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh as arrays of triangles: what the steps of Make Printable compute with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from mathutils.bvhtree import BVHTree

from ..face_direction import components
from ..mesh_data import Array, positions, read


@dataclass(frozen=True, slots=True)
class TriangleMesh:
    """`points`: n × 3. `triangles`: m × 3 vertex indices, counterclockwise as seen from outside."""

    points: Array
    triangles: Array

    def corners(self) -> Array:
        """Returns the corners' coordinates, m × 3 × 3."""
        return np.asarray(self.points[self.triangles])

    def area_vectors(self) -> Array:
        """Returns each triangle's normal, as long as its area."""
        a, b, c = self.corners().transpose(1, 0, 2)
        return np.asarray(np.cross(b - a, c - a) / 2)

    def area(self) -> float:
        """Returns the area of all triangles."""
        return float(np.linalg.norm(self.area_vectors(), axis=1).sum())

    def volume(self) -> float:
        """Returns the signed volume; positive if the triangles face outward."""
        return float(self.volumes().sum())

    def volumes(self) -> Array:
        """Returns each triangle's share of the signed volume."""
        a, b, c = self.corners().transpose(1, 0, 2)
        return np.asarray(np.einsum("ij,ij->i", a, np.cross(b, c)) / 6)

    def of_triangles(self, which: Array) -> TriangleMesh:
        """Returns the mesh of some triangles, without the vertices that they do not use."""
        triangles = self.triangles[which]
        used, index = np.unique(triangles, return_inverse=True)
        return TriangleMesh(self.points[used], index.reshape(-1, 3))


def from_object(item: bpy.types.Object) -> TriangleMesh:
    """Returns an object's mesh in double precision. n-gons are triangulated."""
    return from_mesh(item.data)


def from_mesh(mesh: Any) -> TriangleMesh:
    """Returns mesh data in double precision. n-gons are triangulated."""
    mesh.calc_loop_triangles()
    triangles = read(mesh.loop_triangles, "vertices", 3, np.int32).astype(np.int64)
    return TriangleMesh(positions(mesh).astype(np.float64), triangles)


def to_mesh(shape: TriangleMesh, name: str) -> bpy.types.Mesh:
    """Returns new mesh data with the triangles."""
    mesh = bpy.data.meshes.new(name)
    count = len(shape.triangles)
    mesh.vertices.add(len(shape.points))
    mesh.loops.add(3 * count)
    mesh.polygons.add(count)
    mesh.vertices.foreach_set("co", shape.points.astype(np.float32).ravel())
    mesh.loops.foreach_set("vertex_index", shape.triangles.astype(np.int32).ravel())
    mesh.polygons.foreach_set("loop_start", np.arange(0, 3 * count, 3, dtype=np.int32))
    mesh.update(calc_edges=True)
    return mesh


def search_tree(shape: TriangleMesh) -> BVHTree:
    """Returns a tree that finds triangles by place. Blender builds it without a Python object for each triangle."""
    item = bpy.data.objects.new("Tree", to_mesh(shape, "Tree"))
    bpy.context.scene.collection.objects.link(item)
    try:
        made: Any = BVHTree.FromObject(item, bpy.context.evaluated_depsgraph_get())
        tree: BVHTree = made  # the stubs say that there is none
        return tree
    finally:
        bpy.data.meshes.remove(item.data)


def joined(shapes: Sequence[TriangleMesh]) -> TriangleMesh:
    """Returns all triangles as one mesh. Nothing is merged."""
    starts = np.cumsum([0] + [len(shape.points) for shape in shapes])
    triangles = [shape.triangles + start for shape, start in zip(shapes, starts, strict=False)]
    return TriangleMesh(np.concatenate([shape.points for shape in shapes]), np.concatenate(triangles))


def edges(triangles: Array) -> tuple[Array, Array, Array]:
    """Returns the undirected edges (k × 2), the edge of each triangle's side (3 m), and how many sides each has.

    Side i of the triangles are the entries from i · m to (i + 1) · m: from corner i to the next one.
    """
    sides = np.concatenate([triangles[:, [i, (i + 1) % 3]] for i in range(3)])
    low, high = sides.min(axis=1), sides.max(axis=1)
    most = int(triangles.max(initial=0)) + 1
    keys, index, counts = np.unique(low * most + high, return_inverse=True, return_counts=True)
    return np.stack((keys // most, keys % most), axis=1), index.reshape(-1), counts


def parts(shape: TriangleMesh) -> Array:
    """Returns the number of the connected part of each triangle, from 0."""
    a, b, c = shape.triangles.T
    label = components(len(shape.points), np.concatenate((a, b)), np.concatenate((b, c)))
    return np.asarray(np.unique(label[a], return_inverse=True)[1].reshape(-1))


def merged(shape: TriangleMesh) -> TriangleMesh:
    """Returns the mesh with vertices at the same place merged, and without the triangles that vanish by that.

    A program that reads a file without indices does the same. Two triangles that cover each other vanish as well.
    """
    places, index = _unique_rows(shape.points.astype(np.float32))
    triangles = index[shape.triangles]
    a, b, c = triangles.T
    triangles = triangles[(a != b) & (b != c) & (c != a)]
    pair = _unique_rows(np.sort(triangles, axis=1))[1]
    return TriangleMesh(places.astype(np.float64), triangles[np.bincount(pair)[pair] == 1])


def _unique_rows(rows: Array) -> tuple[Array, Array]:
    """Returns the different rows of three numbers, and for each row which of them it is.

    Sorts the ranks of the numbers, which is several times faster than `numpy.unique` with an axis.
    """
    key = np.zeros(len(rows), np.int64)
    for column in rows.T:
        ranks = np.unique(column, return_inverse=True)[1].reshape(-1)
        key = key * (int(ranks.max(initial=0)) + 1) + ranks
        # Without this, three ranks of more than two million values would not fit into 64 bits.
        key = np.unique(key, return_inverse=True)[1].reshape(-1)
    first = np.unique(key, return_index=True)[1]
    return rows[first], key


def is_solid(shape: TriangleMesh) -> bool:
    """Whether a merged surface is closed and encloses a volume: each edge has two triangles in opposite directions."""
    if not len(shape.triangles):
        return False
    ends = np.concatenate([shape.triangles[:, [i, (i + 1) % 3]] for i in range(3)])
    most = int(shape.triangles.max()) + 1
    forth, back = np.sort(ends[:, 0] * most + ends[:, 1]), np.sort(ends[:, 1] * most + ends[:, 0])
    return bool((forth[1:] != forth[:-1]).all() and (forth == back).all() and shape.volume() > 0)
