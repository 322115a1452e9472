# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings panels: request parameters and placement settings, each drawn by its group in the two tables."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import bpy

from .. import placement
from ..api.parameters import Group
from ..bl_ids import SCENE_SETTINGS, Op
from ..properties import PANEL_PARAMETERS
from .main import IMAGE_TO_3D_PT_main, SidebarPanel

_GAP_BEFORE: Final = frozenset({"ss_guidance_strength", "slat_guidance_strength", "size"})
"""A gap before these keeps related settings together."""


class SettingsPanel(SidebarPanel):
    """A closed sub-panel with one property per line."""

    bl_parent_id = IMAGE_TO_3D_PT_main.bl_idname
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def column(self) -> bpy.types.UILayout:
        self.layout.use_property_split = True
        self.layout.use_property_decorate = False
        return self.layout.column()


def _draw_parameters(layout: bpy.types.UILayout, settings: Any, group: Group) -> None:
    for name, parameter in PANEL_PARAMETERS.items():
        if parameter.group == group:
            if name in _GAP_BEFORE:
                layout.separator(factor=0.5)
            layout.prop(settings, name)


def _draw_placement(layout: bpy.types.UILayout, settings: Any, group: placement.Group) -> None:
    for name, setting in placement.SETTINGS.items():
        if setting.group == group:
            if name in _GAP_BEFORE:
                layout.separator(factor=0.5)
            layout.prop(settings.placement, name)


class IMAGE_TO_3D_PT_generation(SettingsPanel, bpy.types.Panel):
    bl_idname = "IMAGE_TO_3D_PT_generation"
    bl_label = "Settings"

    def draw(self, context: bpy.types.Context) -> None:
        _draw_parameters(self.column(), getattr(context.scene, SCENE_SETTINGS), "generation")


class IMAGE_TO_3D_PT_advanced(SettingsPanel, bpy.types.Panel):
    bl_idname = "IMAGE_TO_3D_PT_advanced"
    bl_parent_id = IMAGE_TO_3D_PT_generation.bl_idname
    bl_label = "Advanced"

    def draw(self, context: bpy.types.Context) -> None:
        _draw_parameters(self.column(), getattr(context.scene, SCENE_SETTINGS), "advanced")


class IMAGE_TO_3D_PT_placement(SettingsPanel, bpy.types.Panel):
    bl_idname = "IMAGE_TO_3D_PT_placement"
    bl_label = "Placement"

    def draw(self, context: bpy.types.Context) -> None:
        settings = getattr(context.scene, SCENE_SETTINGS)
        column = self.column()
        _draw_placement(column, settings, "placement")
        column.separator(factor=0.5)
        _draw_placement(column, settings, "mesh")


class IMAGE_TO_3D_PT_output(SettingsPanel, bpy.types.Panel):
    bl_idname = "IMAGE_TO_3D_PT_output"
    bl_label = "Output"

    def draw(self, context: bpy.types.Context) -> None:
        settings = getattr(context.scene, SCENE_SETTINGS)
        column = self.column()
        _draw_parameters(column, settings, "output")
        column.separator(factor=0.5)
        column.prop(settings.placement, "mark_as_asset")
        if settings.placement.mark_as_asset:
            for name in ("asset_catalog", "asset_author", "asset_tags"):
                column.prop(settings.placement, name)
        column.separator(factor=0.5)
        column.operator(Op.CLEAR_FINISHED, icon="TRASH")
