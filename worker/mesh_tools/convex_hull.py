# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the convex hull that an engine's physics uses instead of the mesh: closed, with few faces."""

from __future__ import annotations

import math
from typing import Final

import bmesh
import bpy
import numpy as np

from ..mesh_data import Array

MAX_FACES: Final = 255
"""What the physics of Unity and Unreal Engine (PhysX) allow for one convex mesh."""
_DIRECTIONS: Final = 128
"""The hull of n points has at most 2 n - 4 triangles."""
_THINNEST: Final = 0.01
"""A hull is at least this part of its size thick: a flat one has no volume."""


def convex_hull(points: Array, name: str) -> bpy.types.Mesh:
    """Returns a closed convex mesh around points, n × 3, with at most `MAX_FACES` triangles.

    Its vertices are the points that lie farthest out in evenly spread directions.
    """
    chosen = _thickened(points[_farthest(points.astype(np.float64))].astype(np.float64))
    mesh = bpy.data.meshes.new(name)
    work = bmesh.new()
    try:
        for point in chosen:
            work.verts.new(point)
        made = bmesh.ops.convex_hull(work, input=work.verts, use_existing_faces=False)
        unused = {each for key in ("geom_interior", "geom_unused") for each in made[key]}
        bmesh.ops.delete(work, geom=[each for each in unused if isinstance(each, bmesh.types.BMVert)], context="VERTS")
        bmesh.ops.recalc_face_normals(work, faces=work.faces)
        work.to_mesh(mesh)
    finally:
        work.free()
    return mesh


def _farthest(points: Array) -> Array:
    """Returns the indices of the points that are the farthest in each direction, in equal measure for each axis."""
    number = np.arange(_DIRECTIONS - 6) + 0.5
    height = 1 - 2 * number / len(number)
    angle = number * math.pi * (3 - math.sqrt(5))  # a Fibonacci sphere
    ring = np.sqrt(1 - height * height)
    spread = np.stack((ring * np.cos(angle), ring * np.sin(angle), height), -1)
    directions = np.concatenate((np.eye(3), -np.eye(3), spread))
    # Scaled to a cube: a long model gets as many vertices on its ends as along its sides.
    extent = np.ptp(points, axis=0)
    scaled = (points - points.mean(axis=0)) / np.maximum(extent, 1e-9 * max(float(extent.max()), 1e-30))
    return np.unique([int(np.argmax(scaled @ direction)) for direction in directions])


def _thickened(points: Array) -> Array:
    """Returns the points, twice if they are nearly in a plane or on a line: shifted to both sides."""
    center = points.mean(axis=0)
    _, _, axes = np.linalg.svd(points - center, full_matrices=True)
    extents = np.ptp((points - center) @ axes.T, axis=0)
    least = _THINNEST * max(float(extents.max()), 1e-9)
    for axis, extent in zip(axes, extents, strict=True):
        if extent < least:
            # Half of the points of a flat hull would do, and its faces would still be few.
            points = np.concatenate((points + 0.5 * least * axis, points - 0.5 * least * axis))
    return points
