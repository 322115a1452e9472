# SPDX-License-Identifier: GPL-3.0-or-later
"""Custom normals in the form that is cheapest to load and to draw, and that looks the same.

Importers store custom normals per corner, as angles relative to what Blender would compute: to draw
them, it computes everything first (57 ms for 500,000 triangles). Where all corners of a vertex agree,
4.5 and later can hold plain vectors per vertex instead, which cost nothing to draw.
"""

from __future__ import annotations

import math
from typing import Final

import bpy
import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]

SAME: Final = math.cos(math.radians(0.1))
"""Normals closer than 0.1° are the same: no eye and no importer's rounding knows better."""
FREE_NORMALS: Final = bpy.app.version >= (4, 5, 0)
"""Whether this Blender has normals that are plain vectors."""


def corner_vertices(mesh: bpy.types.Mesh) -> npt.NDArray[np.int32]:
    """The vertex of each face corner."""
    corners = np.empty(len(mesh.loops), np.int32)
    if len(corners):
        # Through the attribute it is one copy; `loops` asks corner by corner (100 ms at 500,000 triangles).
        mesh.attributes[".corner_vert"].data.foreach_get("value", corners)
    return corners


def corner_normals(mesh: bpy.types.Mesh) -> Vectors:
    """The normals as they are seen, one per face corner."""
    normals = np.empty(len(mesh.loops) * 3, np.float32)
    mesh.corner_normals.foreach_get("vector", normals)
    return normals.reshape(-1, 3)


def per_vertex(mesh: bpy.types.Mesh) -> Vectors | None:
    """The mesh's custom normals as one vector per vertex; None where corners of a vertex differ."""
    attribute = mesh.attributes.get("custom_normal")
    if attribute is not None and attribute.domain == "POINT" and attribute.data_type == "FLOAT_VECTOR":
        vectors = np.empty(len(mesh.vertices) * 3, np.float32)
        attribute.data.foreach_get("vector", vectors)
        return vectors.reshape(-1, 3)
    seen = _unit(corner_normals(mesh))
    corners = corner_vertices(mesh)
    vectors = np.zeros((len(mesh.vertices), 3), np.float32)
    vectors[corners] = seen
    differ = np.einsum("ij,ij->i", vectors[corners], seen) < SAME
    if differ.any():
        # The normals of a face without an area are noise, and it is never seen: only the others count.
        torn = np.zeros(len(mesh.vertices), np.bool_)
        torn[corners[differ]] = True
        here = np.flatnonzero(torn[corners])
        here = here[_has_area(mesh, corners, here)]
        vectors[torn] = 0
        vectors[corners[here]] = seen[here]
        if (np.einsum("ij,ij->i", vectors[corners[here]], seen[here]) < SAME).any():
            return None
    bare = ~vectors.any(axis=1)
    if bare.any():
        vectors[bare] = _computed(mesh)[bare]
    return vectors


def optimize(mesh: bpy.types.Mesh) -> None:
    """Bring the mesh's normals into their cheapest form. They look the same within 0.1°."""
    if mesh.has_custom_normals and FREE_NORMALS and (vectors := per_vertex(mesh)) is not None:
        set_per_vertex(mesh, vectors)
    _drop_trivial(mesh)


def set_per_vertex(mesh: bpy.types.Mesh, vectors: Vectors) -> None:
    """Give the mesh these normals, one unit vector per vertex."""
    if FREE_NORMALS:
        clear(mesh)
        attribute = mesh.attributes.new("custom_normal", "FLOAT_VECTOR", "POINT")
        attribute.data.foreach_set("vector", np.ascontiguousarray(vectors, np.float32).reshape(-1))
    else:
        mesh.normals_split_custom_set_from_vertices(vectors)


def clear(mesh: bpy.types.Mesh) -> None:
    """Forget custom normals; Blender computes them again."""
    attribute = mesh.attributes.get("custom_normal")
    if attribute is not None:
        mesh.attributes.remove(attribute)
    elif mesh.has_custom_normals:  # before 4.5 they are no attribute
        with bpy.context.temp_override(mesh=mesh):
            bpy.ops.mesh.customdata_custom_splitnormals_clear()


def _unit(vectors: Vectors) -> Vectors:
    """Of length one; those without a direction stay zero. Blender's come shorter around faces without an area."""
    squares = np.einsum("ij,ij->i", vectors, vectors)
    odd = np.abs(squares - 1) > 1e-4
    if odd.any():
        lengths = np.sqrt(squares[odd])[:, None]
        vectors[odd] = np.divide(vectors[odd], lengths, out=np.zeros_like(vectors[odd]), where=lengths > 1e-12)
    return vectors


def _computed(mesh: bpy.types.Mesh) -> Vectors:
    """Normals of vertices that no face with an area has: what Blender computes from the faces around."""
    normals = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertex_normals.foreach_get("vector", normals)
    return normals.reshape(-1, 3)


def _has_area(
    mesh: bpy.types.Mesh, corners: npt.NDArray[np.int32], which: npt.NDArray[np.intp]
) -> npt.NDArray[np.bool_]:
    """Which of these corners belong to faces that can be seen at all. Of larger faces, all count as such."""
    if len(mesh.loops) != 3 * len(mesh.polygons):
        return np.ones(len(which), np.bool_)
    points = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.attributes["position"].data.foreach_get("vector", points)
    first = which // 3 * 3
    a, b, c = (points.reshape(-1, 3)[corners[first + i]] for i in range(3))
    double_area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    longest = np.maximum(np.abs(b - a).max(axis=1), np.abs(c - a).max(axis=1))
    visible: npt.NDArray[np.bool_] = double_area > 1e-5 * longest * longest
    return visible


def _drop_trivial(mesh: bpy.types.Mesh) -> None:
    """Let go of flags that say nothing: they cost a copy each on arrival."""
    for name, data in (("sharp_edge", "value"), ("sharp_face", "value"), ("material_index", "value")):
        attribute = mesh.attributes.get(name)
        if attribute is None:
            continue
        kind = np.int32 if attribute.data_type == "INT" else np.bool_
        values = np.empty(len(attribute.data), kind)
        attribute.data.foreach_get(data, values)
        if not values.any():
            mesh.attributes.remove(attribute)
    for name in (".select_vert", ".select_edge", ".select_poly"):
        attribute = mesh.attributes.get(name)
        if attribute is not None:
            mesh.attributes.remove(attribute)
