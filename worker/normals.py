# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts custom normals to the form that is cheapest to load and draw, and that looks the same.

Importers store custom normals per corner, as angles relative to what Blender would compute: to draw them, Blender
computes everything first (57 ms for 500,000 triangles). If all corners of a vertex agree, 4.5 and later can store
plain vectors per vertex instead, which cost nothing to draw.
"""

from __future__ import annotations

import math
from typing import Final

import bpy
import numpy as np

from .mesh_data import Array, corner_vertices, positions, read

MIN_COSINE: Final = math.cos(math.radians(0.1))
"""Normals closer than 0.1° count as the same: the difference is invisible, and within importers' rounding."""
HAS_VECTOR_NORMALS: Final = bpy.app.version >= (4, 5, 0)
"""Whether this Blender can store normals as plain vectors."""


def per_vertex(mesh: bpy.types.Mesh) -> Array | None:
    """Returns the custom normals as one vector per vertex, n × 3; None if the corners of a vertex differ."""
    attribute = mesh.attributes.get("custom_normal")
    if attribute is not None and attribute.domain == "POINT" and attribute.data_type == "FLOAT_VECTOR":
        return read(attribute.data, "vector", 3)
    drawn = _normalized(read(mesh.corner_normals, "vector", 3))
    corners = corner_vertices(mesh)
    vectors = np.zeros((len(mesh.vertices), 3), np.float32)
    vectors[corners] = drawn
    differ = np.einsum("ij,ij->i", vectors[corners], drawn) < MIN_COSINE
    if differ.any():
        # The normals of a face without area are noise, and it is invisible: only the others count.
        ambiguous = np.zeros(len(mesh.vertices), np.bool_)
        ambiguous[corners[differ]] = True
        visible = np.flatnonzero(ambiguous[corners])
        visible = visible[_has_area(mesh, corners, visible)]
        vectors[ambiguous] = 0
        vectors[corners[visible]] = drawn[visible]
        if (np.einsum("ij,ij->i", vectors[corners[visible]], drawn[visible]) < MIN_COSINE).any():
            return None
    missing = ~vectors.any(axis=1)
    if missing.any():
        vectors[missing] = read(mesh.vertex_normals, "vector", 3)[missing]  # those that Blender computes
    return vectors


def optimize(mesh: bpy.types.Mesh) -> None:
    """Convert the mesh's normals to their cheapest form. They look the same within 0.1°."""
    if mesh.has_custom_normals and HAS_VECTOR_NORMALS and (vectors := per_vertex(mesh)) is not None:
        set_per_vertex(mesh, vectors)
    # Attributes without information: each costs a copy on arrival.
    for name in ("sharp_edge", "sharp_face", "material_index"):
        attribute = mesh.attributes.get(name)
        kind = np.int32 if name == "material_index" else np.bool_
        if attribute is not None and not read(attribute.data, "value", kind=kind).any():
            mesh.attributes.remove(attribute)
    for name in (".select_vert", ".select_edge", ".select_poly"):
        remove_attribute(mesh, name)


def set_per_vertex(mesh: bpy.types.Mesh, vectors: Array) -> None:
    """Set the mesh's normals, one unit vector per vertex."""
    if HAS_VECTOR_NORMALS:
        clear(mesh)
        attribute = mesh.attributes.new("custom_normal", "FLOAT_VECTOR", "POINT")
        attribute.data.foreach_set("vector", np.ascontiguousarray(vectors, np.float32).reshape(-1))
    else:
        mesh.normals_split_custom_set_from_vertices(vectors)


def clear(mesh: bpy.types.Mesh) -> None:
    """Remove custom normals; Blender computes them again."""
    remove_attribute(mesh, "custom_normal")
    if mesh.has_custom_normals:  # before 4.5 they are not an attribute
        with bpy.context.temp_override(mesh=mesh):
            bpy.ops.mesh.customdata_custom_splitnormals_clear()


def _normalized(vectors: Array) -> Array:
    """Returns the vectors with length 1; zero vectors stay zero. Blender's are shorter around faces without area."""
    squares = np.einsum("ij,ij->i", vectors, vectors)
    wrong = np.abs(squares - 1) > 1e-4
    if wrong.any():
        lengths = np.sqrt(squares[wrong])[:, None]
        vectors[wrong] = np.divide(vectors[wrong], lengths, out=np.zeros_like(vectors[wrong]), where=lengths > 1e-12)
    return vectors


def _has_area(mesh: bpy.types.Mesh, corners: Array, selected: Array) -> Array:
    """Returns which of the selected corners belong to triangles with an area. Other polygons count as having one."""
    if len(mesh.loops) != 3 * len(mesh.polygons):
        return np.ones(len(selected), np.bool_)
    a, b, c = (positions(mesh)[corners[selected // 3 * 3 + i]] for i in range(3))
    double_area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    longest = np.maximum(np.abs(b - a).max(axis=1), np.abs(c - a).max(axis=1))
    return double_area > 1e-5 * longest * longest


def remove_attribute(mesh: bpy.types.Mesh, name: str) -> None:
    """Remove an attribute, if the mesh has it."""
    attribute = mesh.attributes.get(name)
    if attribute is not None:
        mesh.attributes.remove(attribute)
