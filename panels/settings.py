# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings panels: request parameters and placement settings, each drawn by its group in the two tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import bpy

from .. import placement, preferences
from ..api.http.urls import is_unencrypted
from ..bl_ids import SCENE_SETTINGS, Op
from ..jobs.config import LOCAL, Config
from ..local_servers.dialects import DIALECTS
from ..preferences_layout import draw_checkbox, draw_switched
from ..properties import PANEL_PARAMETERS
from ..property_definitions import RANDOM_SEED, USE_TEMPORARY_STORAGE, kept_name, switch_of
from ..setting_rows import Setting
from ..text_lines import fits_in_field, is_narrow, wrapped
from ..translation import tr
from .buttons import button
from .main import IMAGE_TO_3D_PT_main, SidebarPanel

_GAP_BEFORE: Final = frozenset({"ss_guidance_strength", "slat_guidance_strength", "seed", "size", "multi_image"})
"""A gap before these keeps related settings together."""

_ASSET_DETAILS: Final = ("asset_catalog", "asset_author", "asset_tags")


class SettingsPanel(SidebarPanel):
    """A closed sub-panel with one property per line."""

    bl_parent_id = IMAGE_TO_3D_PT_main.bl_idname
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def column(self, context: bpy.types.Context) -> bpy.types.UILayout:
        """Returns a column whose labels are beside the fields, or in them where the panel is too narrow for that."""
        self.layout.use_property_split = not is_narrow(context)
        self.layout.use_property_decorate = False
        return self.layout.column()


def draw_group(layout: bpy.types.UILayout, owner: Any, table: Mapping[str, Setting], group: str) -> None:
    """Draw the settings of one group of a table, one in each line."""
    for name, row in table.items():
        if row.group == group and applies(owner, row):
            if name in _GAP_BEFORE:
                layout.separator(factor=0.5)
            draw_setting(layout, owner, name)


def applies(owner: Any, row: Setting) -> bool:
    """Whether a setting has an effect with the others as they are."""
    return row.only_with is None or getattr(owner, row.only_with[0]) == row.only_with[1]


def draw_parameters(layout: bpy.types.UILayout, context: bpy.types.Context, group: str) -> None:
    """Draw the parameters of a group. Those that the chosen service does not use are gray."""
    settings, config = getattr(context.scene, SCENE_SETTINGS), preferences.read_config()
    names = [name for name, row in PANEL_PARAMETERS.items() if row.group == group]
    if not all(config.uses(name) for name in names):
        line = layout.column()
        line.active = False
        wrapped(line, context, _why_gray(config), icon="NONE" if is_narrow(context) else "INFO")
    for name in names:
        if name in _GAP_BEFORE:
            layout.separator(factor=0.5)
        line = layout.column()
        line.active = config.uses(name)
        draw_setting(line, settings, name)


def _why_gray(config: Config) -> str:
    if config.service == LOCAL:
        return tr("Gray: no effect with {server}", server=DIALECTS[config.local_dialect].name)
    return tr("Gray: no effect offline")


def draw_setting(layout: bpy.types.UILayout, owner: Any, name: str) -> None:
    """Draw one setting, with a checkbox where a number means that it is off."""
    if hasattr(owner, switch_of(name)):
        draw_switched(layout, owner, name)
    elif name == "seed":
        _draw_seed(layout, owner)
    elif name == "temp":
        draw_setting(layout, owner, USE_TEMPORARY_STORAGE)
    elif layout.use_property_split:
        layout.prop(owner, name)
    elif owner.bl_rna.properties[name].type == "BOOLEAN":
        draw_checkbox(layout, owner, name)
    elif not _is_cut_off(owner, name):
        layout.prop(owner, name)
    else:
        layout.label(text=owner.bl_rna.properties[name].name)
        layout.prop(owner, name, text="")


def _is_cut_off(owner: Any, name: str) -> bool:
    """Whether the label of a setting would be cut off beside its value, in a narrow sidebar."""
    kind, value = owner.bl_rna.properties[name].type, getattr(owner, name)
    if kind not in {"INT", "FLOAT"}:
        return True
    label = tr(owner.bl_rna.properties[name].name)
    return not fits_in_field(bpy.context, f"{label} {value if kind == 'INT' else f'{value:.2f}'}")


def _draw_seed(layout: bpy.types.UILayout, settings: Any) -> None:
    is_random = getattr(settings, RANDOM_SEED)
    column = layout.column()
    column.active = not is_random
    if layout.use_property_split:
        row, label = column.row(align=True), {}
    else:
        column.label(text="Seed")
        row, label = column.row(align=True), {"text": ""}
    row.prop(settings, kept_name("seed") if is_random else "seed", placeholder="Random", **label)
    row.operator(Op.NEW_SEED, text="", icon="FILE_REFRESH")
    layout.prop(settings, RANDOM_SEED)


class IMAGE_TO_3D_PT_generation(SettingsPanel, bpy.types.Panel):
    bl_idname = "IMAGE_TO_3D_PT_generation"
    bl_label = "Settings"

    def draw(self, context: bpy.types.Context) -> None:
        draw_parameters(self.column(context), context, "generation")


class IMAGE_TO_3D_PT_local_server(SettingsPanel, bpy.types.Panel):
    bl_idname = "IMAGE_TO_3D_PT_local_server"
    bl_label = "Local Server"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return preferences.read_config().service == LOCAL

    def draw(self, context: bpy.types.Context) -> None:
        settings, config = getattr(context.scene, SCENE_SETTINGS), preferences.read_config()
        column = self.column(context)
        if is_unencrypted(config.local_url):
            wrapped(column, context, tr("Images are sent unencrypted to this server."), icon="ERROR", alert=True)
        if not config.local_dialect and config.local_url:
            button(column, context, Op.TEST_LOCAL_SERVER, icon="NONE" if is_narrow(context) else "FILE_REFRESH")
        for name, row in PANEL_PARAMETERS.items():
            if row.group == "local" and config.uses(name):
                line = column.column()
                line.active = name != "face_count" or settings.texture
                draw_setting(line, settings, name)


class IMAGE_TO_3D_PT_placement(SettingsPanel, bpy.types.Panel):
    bl_idname = "IMAGE_TO_3D_PT_placement"
    bl_label = "Placement"

    def draw(self, context: bpy.types.Context) -> None:
        settings = getattr(context.scene, SCENE_SETTINGS).placement
        draw_group(self.column(context), settings, placement.SETTINGS, "placement")


class IMAGE_TO_3D_PT_mesh(SettingsPanel, bpy.types.Panel):
    bl_idname = "IMAGE_TO_3D_PT_mesh"
    bl_label = "Mesh"

    def draw(self, context: bpy.types.Context) -> None:
        column = self.column(context)
        draw_parameters(column, context, "mesh")
        draw_group(column, getattr(context.scene, SCENE_SETTINGS).placement, placement.SETTINGS, "mesh")


class IMAGE_TO_3D_PT_after_import(SettingsPanel, bpy.types.Panel):
    bl_idname = "IMAGE_TO_3D_PT_after_import"
    bl_label = "After Import"

    def draw(self, context: bpy.types.Context) -> None:
        settings = getattr(context.scene, SCENE_SETTINGS).placement
        column = self.column(context)
        column.prop(settings, "after_import", text="")
        others = {name: row for name, row in placement.SETTINGS.items() if name != "after_import"}
        draw_group(column, settings, others, "after_import")


class IMAGE_TO_3D_PT_asset(SettingsPanel, bpy.types.Panel):
    bl_idname = "IMAGE_TO_3D_PT_asset"
    bl_label = "Asset"

    def draw_header(self, context: bpy.types.Context) -> None:
        self.layout.prop(getattr(context.scene, SCENE_SETTINGS).placement, "mark_as_asset", text="")

    def draw(self, context: bpy.types.Context) -> None:
        settings = getattr(context.scene, SCENE_SETTINGS).placement
        column = self.column(context)
        column.active = settings.mark_as_asset
        for name in _ASSET_DETAILS:
            draw_setting(column, settings, name)


class IMAGE_TO_3D_PT_advanced(SettingsPanel, bpy.types.Panel):
    bl_idname = "IMAGE_TO_3D_PT_advanced"
    bl_label = "Advanced"

    def draw(self, context: bpy.types.Context) -> None:
        draw_parameters(self.column(context), context, "advanced")
