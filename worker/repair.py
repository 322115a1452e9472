# SPDX-License-Identifier: GPL-3.0-or-later
"""What would break drawing or editing, put right; what is no model at all, refused."""

from __future__ import annotations

from collections.abc import Sequence

import bmesh
import bpy
import numpy as np
import numpy.typing as npt

from ..errors import ImportFailedError
from . import normals
from .transform import meshes, positions


def mend(objects: Sequence[bpy.types.Object], *, broken_points: bool = False) -> list[str]:
    """Put right what can be; what it was, in words.

    `broken_points`: the file held points that are no numbers, which importers put at zero. Faces and edges
    that don't fit together importers remove themselves. Raises ImportFailedError where nothing is left to see.
    """
    told = []
    for mesh in meshes(objects):
        points = positions(mesh)
        broken = ~points.any(axis=1) | ~np.isfinite(points).all(axis=1)
        if broken_points and broken.any():
            told.append(f"{int(broken.sum())} points without a place were removed")
            _remove_vertices(mesh, broken)
        if _mend_uvs(mesh):
            told.append("texture coordinates that are no numbers were set to zero")
    if not any(len(mesh.polygons) for mesh in meshes(objects)):
        points_only = any(len(mesh.vertices) for mesh in meshes(objects))
        raise ImportFailedError(
            "The model file holds points without faces." if points_only else "There is no shape in the model file."
        )
    return told


def _remove_vertices(mesh: bpy.types.Mesh, which: npt.NDArray[np.bool_]) -> None:
    normals.clear(mesh)
    work = bmesh.new()
    try:
        work.from_mesh(mesh)
        work.verts.ensure_lookup_table()
        bmesh.ops.delete(work, geom=[work.verts[i] for i in np.flatnonzero(which)], context="VERTS")
        work.to_mesh(mesh)
    finally:
        work.free()


def _mend_uvs(mesh: bpy.types.Mesh) -> bool:
    found = False
    for layer in mesh.uv_layers if len(mesh.loops) else ():
        data = mesh.attributes[layer.name].data
        values = np.empty(len(mesh.loops) * 2, np.float32)
        data.foreach_get("vector", values)
        wrong = ~np.isfinite(values)
        if wrong.any():
            found = True
            values[wrong] = 0
            data.foreach_set("vector", values)
    return found
