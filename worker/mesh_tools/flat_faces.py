# SPDX-License-Identifier: GPL-3.0-or-later
"""Dissolves faces without area. UVs and colors stay with the face corners."""

from __future__ import annotations

import bmesh
import bpy
import numpy as np

from ..mesh_data import positions
from .part_measures import measure_faces
from .surface import read_surface
from .topology import MERGE_FRACTION, size_of


def dissolve_flat_faces(item: bpy.types.Object) -> int:
    """Dissolve the faces that a mesh report counts as those without area. Returns their number."""
    mesh = item.data
    if not len(mesh.polygons):
        return 0
    _, _, without_area = measure_faces(read_surface(mesh, positions(mesh)))
    flat = np.flatnonzero(without_area).tolist()
    if not flat:
        return 0
    work = bmesh.new()
    work.from_mesh(mesh)
    work.faces.ensure_lookup_table()
    edges = list({edge for number in flat for edge in work.faces[number].edges})
    bmesh.ops.dissolve_degenerate(work, dist=max(size_of(mesh) * MERGE_FRACTION, 1e-12), edges=edges)
    work.to_mesh(mesh)
    work.free()
    mesh.update()
    return len(flat)
