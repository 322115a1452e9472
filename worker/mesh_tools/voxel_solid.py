# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes one outer surface of closed parts that may overlap, enclose each other or face inward: their union.

Blender's voxel remesh (OpenVDB) takes as inside what can't be reached from outside. So voids become solid, and the
direction of faces does not matter. It needs closed surfaces: an open one would become an empty double shell.
"""

from __future__ import annotations

from typing import Any, Final

import bpy
import numpy as np
from mathutils import Vector

from .triangle_mesh import TriangleMesh, from_object, is_solid, merged, search_tree, to_mesh

_USUAL: Final = 400
"""Voxels along the longest side, if neither the walls nor the limits below ask for another size."""
_FINEST: Final = 700
"""Voxels along the longest side at most: more take memory and time, and no printer prints them."""
_VOXELS_PER_WALL: Final = 2.5
_MOST_PER_WALL: Final = 6.0
"""A printer that can't print thinner walls does not show finer detail either."""
_TRIANGLES_PER_VOXEL: Final = 3.7
"""Measured: triangles that come of the surface, relative to its area in voxels."""
_USUAL_TRIANGLES: Final = 300_000
_MOST_TRIANGLES: Final = 1_000_000
_TOLERANCE: Final = 0.2
"""How far fewer triangles may be from the voxels' surface, relative to a voxel: less than its own error."""
_USUAL_TOLERANCE: Final = 0.06
"""The same for all but 1 % of the surface: shading shows more than this."""
_REDUCTION: Final = 0.35
_FEW: Final = 200
_SAMPLES: Final = 10_000


def voxel_size(shape: TriangleMesh, area: float, wall: float, thinnest: float) -> float:
    """Returns the size of the voxels: fine enough for the walls, within the limits of memory and time.

    `area`: of the surface to make; `wall`: the thinnest wall that is printed; `thinnest`: that the shape has.
    """
    longest = float(np.ptp(shape.points, axis=0).max())
    area *= _TRIANGLES_PER_VOXEL
    usual = max(longest / _USUAL, wall / _MOST_PER_WALL, (area / _USUAL_TRIANGLES) ** 0.5)
    if thinnest_possible(usual) <= thinnest:
        return usual
    return max(min(usual, wall / _VOXELS_PER_WALL), longest / _FINEST, (area / _MOST_TRIANGLES) ** 0.5)


def thinnest_possible(voxel: float) -> float:
    """Returns how thin a wall can be that the voxels still show."""
    return voxel * _VOXELS_PER_WALL


def union(shape: TriangleMesh, voxel: float) -> TriangleMesh:
    """Returns the outer surface of the closed parts. It can be empty."""
    return merged(_modified(shape, "REMESH", mode="VOXEL", voxel_size=voxel, adaptivity=0.0))


def reduced(shape: TriangleMesh, voxel: float) -> TriangleMesh:
    """Returns the solid with fewer triangles where it is flat, as far as its surface stays where it is."""
    places = [Vector(place) for place in shape.points[:: max(1, len(shape.points) // _SAMPLES)].tolist()]
    while len(shape.triangles) > _FEW:
        fewer = merged(_modified(shape, "DECIMATE", ratio=_REDUCTION))
        if not is_solid(fewer):
            break
        tree = search_tree(fewer)
        distances = np.array([tree.find_nearest(place)[3] for place in places]) / voxel
        if distances.max() > _TOLERANCE or np.percentile(distances, 99) > _USUAL_TOLERANCE:
            break
        shape = fewer
    return shape


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
