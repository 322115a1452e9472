# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes new UVs for a mesh."""

from __future__ import annotations

import math
from typing import Final

import bpy

NAME: Final = "UVMap"
_ANGLE: Final = math.radians(66)
_MARGIN: Final = 0.004
"""Between islands, relative to the image."""


def unwrap(item: bpy.types.Object) -> None:
    """Give the object's mesh one UV map, by Smart UV Project."""
    mesh = item.data
    while mesh.uv_layers:
        mesh.uv_layers.remove(mesh.uv_layers[0])
    mesh.uv_layers.new(name=NAME)
    bpy.context.view_layer.objects.active = item
    item.select_set(True)
    with bpy.context.temp_override(object=item, active_object=item, selected_objects=[item]):
        bpy.ops.object.mode_set(mode="EDIT")
        bpy.ops.mesh.select_all(action="SELECT")
        bpy.ops.uv.smart_project(angle_limit=_ANGLE, island_margin=_MARGIN)
        bpy.ops.object.mode_set(mode="OBJECT")
