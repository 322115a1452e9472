# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings panels: request parameters and placement settings, each drawn by its group in the two tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import bpy

from .. import placement
from ..bl_ids import SCENE_SETTINGS
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


def draw_group(layout: bpy.types.UILayout, owner: Any, table: Mapping[str, Any], group: str) -> None:
    """Draw the settings of one group of a table, one in each line."""
    for name, row in table.items():
        if row.group == group:
            if name in _GAP_BEFORE:
                layout.separator(factor=0.5)
            layout.prop(owner, name)


class IMAGE_TO_3D_PT_generation(SettingsPanel, bpy.types.Panel):
    bl_idname = "IMAGE_TO_3D_PT_generation"
    bl_label = "Settings"

    def draw(self, context: bpy.types.Context) -> None:
        draw_group(self.column(), getattr(context.scene, SCENE_SETTINGS), PANEL_PARAMETERS, "generation")


class IMAGE_TO_3D_PT_advanced(SettingsPanel, bpy.types.Panel):
    bl_idname = "IMAGE_TO_3D_PT_advanced"
    bl_parent_id = IMAGE_TO_3D_PT_generation.bl_idname
    bl_label = "Advanced"

    def draw(self, context: bpy.types.Context) -> None:
        draw_group(self.column(), getattr(context.scene, SCENE_SETTINGS), PANEL_PARAMETERS, "advanced")


class IMAGE_TO_3D_PT_placement(SettingsPanel, bpy.types.Panel):
    bl_idname = "IMAGE_TO_3D_PT_placement"
    bl_label = "Placement"

    def draw(self, context: bpy.types.Context) -> None:
        settings = getattr(context.scene, SCENE_SETTINGS).placement
        column = self.column()
        draw_group(column, settings, placement.SETTINGS, "placement")
        column.separator(factor=0.5)
        draw_group(column, settings, placement.SETTINGS, "mesh")


class IMAGE_TO_3D_PT_output(SettingsPanel, bpy.types.Panel):
    bl_idname = "IMAGE_TO_3D_PT_output"
    bl_label = "Output"

    def draw(self, context: bpy.types.Context) -> None:
        settings = getattr(context.scene, SCENE_SETTINGS)
        column = self.column()
        draw_group(column, settings, PANEL_PARAMETERS, "output")
        column.separator(factor=0.5)
        column.prop(settings.placement, "mark_as_asset")
        if settings.placement.mark_as_asset:
            for name in ("asset_catalog", "asset_author", "asset_tags"):
                column.prop(settings.placement, name)
