# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a mesh symmetric about the YZ plane through a given X: the half on the right is kept, and mirrored."""

from __future__ import annotations

import bmesh
import bpy
import numpy as np
from mathutils import Matrix

from ..mesh_data import apply_modifier, positions, read
from .custom_normals import STORED_NORMALS


def center(mesh: bpy.types.Mesh) -> float:
    """Returns the X of the middle of the mesh's bounding box."""
    along = positions(mesh)[:, 0]
    return float(along.min() + along.max()) / 2


def keep_half(item: bpy.types.Object, x: float) -> None:
    """Cut the mesh at `x` and delete what is below. The cut stays open."""
    mesh = item.data
    size = float(np.ptp(positions(mesh)).max())
    work = bmesh.new()
    work.from_mesh(mesh)
    bmesh.ops.bisect_plane(
        work,
        geom=[*work.verts, *work.edges, *work.faces],
        dist=1e-6 * size,
        plane_co=(x, 0, 0),
        plane_no=(1, 0, 0),
        clear_inner=True,
        use_snap_center=True,
    )
    for vertex in work.verts:
        if vertex.co.x < x + 1e-6 * size:
            vertex.co.x = x
    work.to_mesh(mesh)
    work.free()
    mesh.update()


def mirror(item: bpy.types.Object, x: float, tolerance: float) -> None:
    """Add the mirrored half. Open edges within `tolerance` of the plane are moved onto it, and merged."""
    mesh = item.data
    work = bmesh.new()
    work.from_mesh(mesh)
    for vertex in work.verts:
        if vertex.co.x < x or (vertex.is_boundary and vertex.co.x < x + tolerance):
            vertex.co.x = x
    work.to_mesh(mesh)
    work.free()
    mesh.transform(Matrix.Translation((-x, 0, 0)))
    apply_modifier(item, "MIRROR", use_axis=(True, False, False), use_mirror_merge=True, merge_threshold=1e-6)
    _mirror_normals(item.data)
    item.data.transform(Matrix.Translation((x, 0, 0)))
    item.data.update()


def _mirror_normals(mesh: bpy.types.Mesh) -> None:
    """Mirror the vectors of `kept_normals` where the mesh was: Blender mirrors normals, but no other vectors."""
    attribute = mesh.attributes.get(STORED_NORMALS)
    if attribute is None:
        return
    vectors = read(attribute.data, "color", 4)
    mirrored = read(mesh.polygons, "center", 3)[:, 0] < 0
    vectors[np.repeat(mirrored, read(mesh.polygons, "loop_total", kind=np.int32)), 0] *= -1
    attribute.data.foreach_set("color", vectors.reshape(-1))
