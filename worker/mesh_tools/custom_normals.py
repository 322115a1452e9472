# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps a mesh's custom normals while its topology changes.

Blender stores them relative to the faces around them, so they would turn with these. Meanwhile they are a color of the
corners: modifiers interpolate colors, and keep the borders between different ones.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final

import bpy
import numpy as np

from .. import normals
from ..mesh_data import read

STORED_NORMALS: Final = "normals before"
"""The attribute with the vectors, meanwhile."""


@contextlib.contextmanager
def kept_normals(item: bpy.types.Object) -> Iterator[None]:
    """Store the custom normals of the object's mesh as vectors of its corners, and set them again at the end.

    Corners of new faces have those of their neighbors. Normals of turned faces are turned.
    """
    mesh = item.data
    if not mesh.has_custom_normals:
        yield
        return
    vectors = read(mesh.corner_normals, "vector", 3)
    normals.clear(mesh)
    active = mesh.color_attributes.active_color_name
    attribute = mesh.attributes.new(STORED_NORMALS, "FLOAT_COLOR", "CORNER")
    attribute.data.foreach_set("color", np.pad(vectors, ((0, 0), (0, 1)), constant_values=1).reshape(-1))
    yield
    mesh = item.data
    vectors = read(mesh.attributes[STORED_NORMALS].data, "color", 4)[:, :3]
    normals.remove_attribute(mesh, STORED_NORMALS)
    if active:
        mesh.color_attributes.active_color_name = active
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 1e-6)
    faces = read(mesh.polygon_normals, "vector", 3)
    totals = read(mesh.polygons, "loop_total", kind=np.int32)
    away = np.einsum("ij,ij->i", vectors, np.repeat(faces, totals, axis=0)) < 0
    vectors[away] *= -1
    mesh.normals_split_custom_set(vectors)
    normals.optimize(mesh)
