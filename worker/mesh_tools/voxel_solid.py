# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes one outer surface of closed parts that may overlap, enclose each other or face inward: their union.

Blender's voxel remesh (OpenVDB) takes as inside what can't be reached from outside. So voids become solid, and the
direction of faces does not matter. It needs closed surfaces: an open one would become an empty double shell.
"""

from __future__ import annotations

from typing import Final

import bpy
import numpy as np

from ..mesh_data import apply_modifier
from .triangle_mesh import TriangleMesh, from_object, to_mesh

FINEST: Final = 700
"""Voxels along the longest side at most: more take memory and time, and no printer prints them."""
_USUAL: Final = 400
_VOXELS_PER_WALL: Final = 2.5
_MAX_FACES: Final = 1_200_000


def voxel_size(shape: TriangleMesh, wall: float) -> float:
    """Returns the size of the voxels: fine enough for the walls, within the limits of memory and time."""
    longest = float(np.ptp(shape.points, axis=0).max())
    area = float(np.linalg.norm(shape.area_vectors(), axis=1).sum())
    wanted = min(longest / _USUAL, wall / _VOXELS_PER_WALL)
    return max(wanted, longest / FINEST, (area / _MAX_FACES) ** 0.5)


def thinnest_possible(voxel: float) -> float:
    """Returns how thin a wall can be that the voxels still show."""
    return voxel * _VOXELS_PER_WALL


def union(shape: TriangleMesh, voxel: float) -> TriangleMesh:
    """Returns the outer surface of the closed parts. It can be empty."""
    item = bpy.data.objects.new("Solid", to_mesh(shape, "Solid"))
    bpy.context.scene.collection.objects.link(item)
    try:
        apply_modifier(item, "REMESH", mode="VOXEL", voxel_size=voxel, adaptivity=0.0)
        return from_object(item)
    finally:
        bpy.data.meshes.remove(item.data)


def simplified(shape: TriangleMesh, most: int) -> TriangleMesh:
    """Returns the solid with at most about `most` triangles."""
    if len(shape.triangles) <= most:
        return shape
    item = bpy.data.objects.new("Solid", to_mesh(shape, "Solid"))
    bpy.context.scene.collection.objects.link(item)
    try:
        apply_modifier(item, "DECIMATE", ratio=most / len(shape.triangles))
        return from_object(item)
    finally:
        bpy.data.meshes.remove(item.data)
