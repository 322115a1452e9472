# SPDX-License-Identifier: GPL-3.0-or-later
"""The sub-panels: the service's parameters by their group, and how the model is to stand."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import bpy

from ..api.parameters import Group
from ..bl_ids import Op
from ..properties import NAME, SETTINGS
from .main import IMAGE_TO_3D_PT_main, SidebarPanel

_PAIRS: Final = frozenset({"ss_guidance_strength", "slat_guidance_strength"})
"""A gap before these: what belongs together stands together."""


class SettingsPanel(SidebarPanel):
    """A closed sub-panel with one property a line."""

    bl_parent_id = IMAGE_TO_3D_PT_main.bl_idname
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def column(self) -> bpy.types.UILayout:
        self.layout.use_property_split = True
        self.layout.use_property_decorate = False
        return self.layout.column()


def _draw_group(layout: bpy.types.UILayout, settings: Any, group: Group) -> None:
    for name, parameter in SETTINGS.items():
        if parameter.group == group:
            if name in _PAIRS:
                layout.separator(factor=0.5)
            layout.prop(settings, name)


class IMAGE_TO_3D_PT_generation(SettingsPanel, bpy.types.Panel):
    bl_idname = "IMAGE_TO_3D_PT_generation"
    bl_label = "Generation"

    def draw(self, context: bpy.types.Context) -> None:
        _draw_group(self.column(), getattr(context.scene, NAME), "generation")


class IMAGE_TO_3D_PT_service(SettingsPanel, bpy.types.Panel):
    bl_idname = "IMAGE_TO_3D_PT_service"
    bl_parent_id = IMAGE_TO_3D_PT_generation.bl_idname
    bl_label = "Service"

    def draw(self, context: bpy.types.Context) -> None:
        _draw_group(self.column(), getattr(context.scene, NAME), "service")


class IMAGE_TO_3D_PT_placing(SettingsPanel, bpy.types.Panel):
    bl_idname = "IMAGE_TO_3D_PT_placing"
    bl_label = "Placing"

    def draw(self, context: bpy.types.Context) -> None:
        placement = getattr(context.scene, NAME).placement
        column = self.column()
        column.prop(placement, "place")
        column.prop(placement, "collection")
        column.prop(placement, "select")
        column.separator(factor=0.5)
        column.prop(placement, "size")
        column.prop(placement, "origin")
        column.prop(placement, "on_ground")
        column.separator(factor=0.5)
        column.prop(placement, "shade_smooth")
        column.prop(placement, "triangle_budget")
        column.prop(placement, "merge_distance")


class IMAGE_TO_3D_PT_output(SettingsPanel, bpy.types.Panel):
    bl_idname = "IMAGE_TO_3D_PT_output"
    bl_label = "Output"

    def draw(self, context: bpy.types.Context) -> None:
        settings = getattr(context.scene, NAME)
        placement = settings.placement
        column = self.column()
        _draw_group(column, settings, "output")
        column.separator(factor=0.5)
        column.prop(placement, "mark_as_asset")
        if placement.mark_as_asset:
            column.prop(placement, "asset_catalog")
            column.prop(placement, "asset_author")
            column.prop(placement, "asset_tags")
        column.separator(factor=0.5)
        column.operator(Op.CLEAR_FINISHED, icon="TRASH")


register, unregister = bpy.utils.register_classes_factory(
    (IMAGE_TO_3D_PT_generation, IMAGE_TO_3D_PT_service, IMAGE_TO_3D_PT_placing, IMAGE_TO_3D_PT_output)
)
