# SPDX-License-Identifier: GPL-3.0-or-later
"""Reduces the triangles of a mesh, and keeps its UVs, colors, shading, material borders and open borders."""

from __future__ import annotations

from typing import Final

import bpy
import numpy as np

from ..mesh_data import Array, apply_modifier, read
from .custom_normals import kept_normals
from .merge import merge_vertices

_FEWEST: Final = 12
"""A box has 12 triangles; with fewer, a model may collapse to nothing."""
_MOST_FIXED: Final = 0.2
"""The vertices on material borders stay in place if they are at most this share of the vertices that remain."""


def triangle_count(item: bpy.types.Object) -> int:
    """Returns the number of triangles of an object's mesh."""
    return len(item.data.loops) - 2 * len(item.data.polygons)


def reduce_triangles(item: bpy.types.Object, ratio: float) -> None:
    """Reduce an object's triangles to `ratio` of their number. Faces that need not change keep their corners.

    Vertices that a file format split at the seams of UVs are merged first: the seams would become cracks. A seam stays
    a seam, since the modifier compares the values of the face corners on both of its sides. The normals take part as a
    color, since it interpolates and compares colors, but not vectors. At least `_FEWEST` triangles remain.
    """
    ratio = max(ratio, _FEWEST / max(triangle_count(item), 1))
    if ratio >= 1.0:
        return
    with kept_normals(item):
        merge_vertices(item)
        border = _material_borders(item.data)
        if 0 < len(border) <= _MOST_FIXED * ratio * len(item.data.vertices):
            group = item.vertex_groups.new(name="Borders")
            name = group.name  # the modifier replaces the groups
            group.add(border.tolist(), 1.0, "REPLACE")
            apply_modifier(item, "DECIMATE", ratio=ratio, vertex_group=name, invert_vertex_group=True)
            item.vertex_groups.remove(item.vertex_groups[name])
        else:
            apply_modifier(item, "DECIMATE", ratio=ratio)


def _material_borders(mesh: bpy.types.Mesh) -> Array:
    """Returns the indices of the vertices whose faces have different materials."""
    material = read(mesh.polygons, "material_index", kind=np.int32)
    if not len(material) or (material == material[0]).all():
        return np.empty(0, np.int64)
    corners = read(mesh.loops, "vertex_index", kind=np.int32)
    values = np.repeat(material, read(mesh.polygons, "loop_total", kind=np.int32))
    lowest = np.full(len(mesh.vertices), np.iinfo(np.int32).max, np.int32)
    highest = np.full(len(mesh.vertices), -1, np.int32)
    np.minimum.at(lowest, corners, values)
    np.maximum.at(highest, corners, values)
    return np.flatnonzero(lowest < highest)
