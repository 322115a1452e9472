# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a copy of a mesh's shape that QuadriFlow accepts: triangles, at most two faces at an edge, in one direction.

Where more faces meet at an edge, the two that continue each other best stay connected, and the others end there.
"""

from __future__ import annotations

import itertools

import bpy
import numpy as np

from ..face_direction import components
from ..mesh_data import Array, corner_vertices, positions, read
from .topology import places, read_topology


def manifold_copy(item: bpy.types.Object) -> bpy.types.Object:
    """Returns a new object with the mesh's triangles, without attributes and materials."""
    topology = read_topology(item.data)
    at = places(topology)
    corners = topology.merged[_triangles(item.data)]
    a, b, c = corners.T
    corners = _without_duplicates(corners[(a != b) & (b != c) & (a != c)])
    return new_object(item.name, *split_vertices(at, corners))


def new_object(name: str, points: Array, faces: Array) -> bpy.types.Object:
    """Returns a new object in the scene with a mesh of triangles."""
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(points))
    mesh.attributes["position"].data.foreach_set("vector", np.ascontiguousarray(points, np.float32).reshape(-1))
    mesh.loops.add(faces.size)
    mesh.polygons.add(len(faces))
    mesh.loops.foreach_set("vertex_index", np.ascontiguousarray(faces, np.int32).reshape(-1))
    mesh.polygons.foreach_set("loop_start", np.arange(0, faces.size, 3, dtype=np.int32))
    mesh.update(calc_edges=True)
    made = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(made)
    return made


def split_vertices(points: Array, faces: Array) -> tuple[Array, Array]:
    """Returns points and triangles in which faces are connected only where two continue each other."""
    first, second = _pairs(points, faces)
    following = np.arange(faces.size).reshape(-1, 3)[:, [1, 2, 0]].reshape(-1)
    # The edge of corner h runs from h to following[h]; its partner runs back.
    group = components(
        faces.size, np.concatenate((first, following[first])), np.concatenate((following[second], second))
    )
    _, corner = np.unique(group, return_index=True)
    return points[faces.reshape(-1)[corner]], group.reshape(-1, 3)


def _triangles(mesh: bpy.types.Mesh) -> Array:
    mesh.calc_loop_triangles()
    return read(mesh.loop_triangles, "vertices", 3, np.int32)


def _without_duplicates(faces: Array) -> Array:
    """Returns the faces, each place of three corners once."""
    _, first = np.unique(np.sort(faces, axis=1), axis=0, return_index=True)
    return faces[np.sort(first)]


def _pairs(points: Array, faces: Array) -> tuple[Array, Array]:
    """Returns pairs of corners whose edges connect two faces: they run through it in opposite directions."""
    start = faces.reshape(-1)
    end = faces[:, [1, 2, 0]].reshape(-1)
    key = np.minimum(start, end).astype(np.int64) * (int(faces.max()) + 1) + np.maximum(start, end)
    order = np.argsort(key, kind="stable")
    new = np.flatnonzero(np.diff(key[order], prepend=-1))
    counts = np.diff(np.append(new, len(order)))
    two = new[counts == 2]
    a, b = order[two], order[two + 1]
    opposite = start[a] != start[b]
    a, b = a[opposite], b[opposite]
    vectors = np.cross(points[faces[:, 1]] - points[faces[:, 0]], points[faces[:, 2]] - points[faces[:, 0]])
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-30)
    more: list[tuple[int, int]] = []
    for begin, count in zip(new[counts > 2].tolist(), counts[counts > 2].tolist(), strict=True):
        more += _best_pairs(order[begin : begin + count].tolist(), start, vectors)
    extra = np.array(more, np.int64).reshape(-1, 2)
    return np.concatenate((a, extra[:, 0])), np.concatenate((b, extra[:, 1]))


def _best_pairs(corners: list[int], start: Array, vectors: Array) -> list[tuple[int, int]]:
    """Returns pairs of the corners at one edge, those first whose faces are the flattest."""
    possible = [(i, j) for i, j in itertools.combinations(corners, 2) if start[i] != start[j]]
    possible.sort(key=lambda pair: -float(vectors[pair[0] // 3] @ vectors[pair[1] // 3]))
    found: list[tuple[int, int]] = []
    used: set[int] = set()
    for i, j in possible:
        if i not in used and j not in used:
            used |= {i, j}
            found.append((i, j))
    return found


def volume_and_area(mesh: bpy.types.Mesh) -> tuple[float, float]:
    """Returns the signed volume, which means something only if the mesh is closed, and the area."""
    points = positions(mesh).astype(np.float64)
    a, b, c = (points[corner] for corner in _triangles(mesh).T)
    middle = points.mean(axis=0)
    vectors = np.cross(b - a, c - a)
    volume = np.einsum("ij,ij->", a - middle, vectors) / 6
    return float(volume), float(np.linalg.norm(vectors, axis=1).sum() / 2)


def is_closed(mesh: bpy.types.Mesh) -> bool:
    """Whether each edge has two faces, which run through it in opposite directions.

    Vertices at the same place may be one (the sides of a UV seam) or not (the corners of a tiny face): either will do.
    """
    topology = read_topology(mesh)
    own = corner_vertices(mesh)
    following = np.empty_like(own)
    following[:-1] = own[1:]
    last = np.flatnonzero(np.diff(topology.face, append=-1))
    following[last] = own[np.flatnonzero(np.diff(topology.face, prepend=-1))]
    return _is_closed(own, following) or _is_closed(topology.start, topology.end)


def _is_closed(start: Array, end: Array) -> bool:
    start, end = start[start != end].astype(np.int64), end[start != end].astype(np.int64)
    count = max(int(start.max(initial=0)), int(end.max(initial=0))) + 1
    forth = start * count + end
    unique = np.unique(forth)
    return len(unique) == len(forth) and np.array_equal(unique, np.unique(end * count + start))
