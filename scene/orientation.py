# SPDX-License-Identifier: GPL-3.0-or-later
"""The orientation of a generated model: rotating it in place, and remembering that for the models that follow."""

from __future__ import annotations

import math

import bpy
from mathutils import Euler, Matrix, Vector

from ..jobs import provenance
from . import variations


def rotation_of(root: bpy.types.Object) -> tuple[float, ...]:
    """Returns how a model was rotated since it was read from its file: degrees about X, Y and Z."""
    return provenance.rotation(root)


def rotate(root: bpy.types.Object, turn: Matrix) -> None:
    """Rotate a model about its middle by a 3 × 3 matrix, keep its lowest point at its height, and remember it."""
    bpy.context.view_layer.update()
    low, high = variations.bounds(root)
    middle = Matrix.Translation((low + high) / 2)
    root.matrix_world = middle @ turn.to_4x4() @ middle.inverted() @ root.matrix_world
    bpy.context.view_layer.update()
    new_low, _ = variations.bounds(root)
    root.matrix_world = Matrix.Translation(Vector((0.0, 0.0, low.z - new_low.z))) @ root.matrix_world
    total = (turn @ _matrix(root)).to_euler()
    angles = [round(math.degrees(angle), 3) for angle in (total.x, total.y, total.z)]
    provenance.store(root, provenance.ROTATION, angles)


def follow_variations(root: bpy.types.Object, scene: bpy.types.Scene) -> None:
    """Rotate a model that arrives as the artist has rotated its variations meanwhile."""
    others = [other for other in variations.group_of(root, scene) if other != root]
    if others and rotation_of(others[-1]) != rotation_of(root):
        rotate(root, _matrix(others[-1]) @ _matrix(root).inverted())


def _matrix(root: bpy.types.Object) -> Matrix:
    return Euler([math.radians(angle) for angle in rotation_of(root)]).to_matrix()
