# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes one outer surface of closed parts that may overlap, enclose each other or face inward: their union.

Blender's voxel remesh (OpenVDB) takes as inside what can't be reached from outside. So voids become solid, and the
direction of faces does not matter. It needs closed surfaces: an open one would become an empty double shell.
"""

from __future__ import annotations

from typing import Any, Final

import bpy
import numpy as np

from .triangle_mesh import TriangleMesh, from_object, merged, to_mesh

_USUAL: Final = 400
"""Voxels along the longest side, if neither the walls nor the limits below ask for another size."""
_FINEST: Final = 700
"""Voxels along the longest side at most: more take memory and time, and no printer prints them."""
_VOXELS_PER_WALL: Final = 2.5
_MOST_PER_WALL: Final = 6.0
"""A printer that can't print thinner walls does not show finer detail either."""
_TRIANGLES_PER_VOXEL: Final = 3.0
"""Measured: triangles that come of the surface, relative to its area in voxels."""
_USUAL_TRIANGLES: Final = 500_000
_MOST_TRIANGLES: Final = 1_500_000


def voxel_size(shape: TriangleMesh, wall: float) -> float:
    """Returns the size of the voxels: fine enough for the walls, within the limits of memory and time."""
    longest = float(np.ptp(shape.points, axis=0).max())
    area = float(np.linalg.norm(shape.area_vectors(), axis=1).sum()) * _TRIANGLES_PER_VOXEL
    usual = max(longest / _USUAL, wall / _MOST_PER_WALL, (area / _USUAL_TRIANGLES) ** 0.5)
    return max(min(usual, wall / _VOXELS_PER_WALL), longest / _FINEST, (area / _MOST_TRIANGLES) ** 0.5)


def thinnest_possible(voxel: float) -> float:
    """Returns how thin a wall can be that the voxels still show."""
    return voxel * _VOXELS_PER_WALL


def union(shape: TriangleMesh, voxel: float) -> TriangleMesh:
    """Returns the outer surface of the closed parts. It can be empty."""
    return merged(_modified(shape, "REMESH", mode="VOXEL", voxel_size=voxel, adaptivity=0.0))


def simplified(shape: TriangleMesh, most: int) -> TriangleMesh:
    """Returns the solid with at most about `most` triangles."""
    return shape if len(shape.triangles) <= most else _modified(shape, "DECIMATE", ratio=most / len(shape.triangles))


def _modified(shape: TriangleMesh, kind: str, **settings: Any) -> TriangleMesh:
    """Returns what a modifier makes of it. To apply the modifier would run it twice."""
    item = bpy.data.objects.new("Solid", to_mesh(shape, "Solid"))
    bpy.context.scene.collection.objects.link(item)
    try:
        modifier = item.modifiers.new(kind, kind)
        for name, value in settings.items():
            setattr(modifier, name, value)
        return from_object(item.evaluated_get(bpy.context.evaluated_depsgraph_get()))
    finally:
        bpy.data.meshes.remove(item.data)
