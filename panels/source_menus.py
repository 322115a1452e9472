# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an image can come from: the menu beside the panel's image, and entries in Blender's own menus.

F3 finds menu entries by their texts: two of them say the same in different words, as artists search for it.
"""

from __future__ import annotations

from typing import Any

import bpy

from ..bl_ids import SOURCES_MENU, Op

_GENERATE = "Generate 3D Model…"


class IMAGE_TO_3D_MT_image_sources(bpy.types.Menu):
    """Choose where the image comes from"""

    bl_idname = SOURCES_MENU
    bl_label = "Image From"

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        layout.operator_context = "INVOKE_DEFAULT"
        layout.operator(Op.CHOOSE_IMAGE, text="File…", icon="FILE_FOLDER")
        layout.operator(Op.IMAGE_FROM_CLIPBOARD, icon="PASTEDOWN")
        layout.separator()
        layout.operator(Op.CHOOSE_BATCH, text="Several Images or a Folder…", icon="RENDERLAYERS")
        layout.separator()
        layout.operator(Op.IMAGE_FROM_RENDER, icon="RENDER_STILL")
        layout.operator(Op.IMAGE_FROM_VIEWPORT, icon="VIEW3D")
        layout.separator()
        layout.operator(Op.IMAGE_FROM_EDITOR, icon="IMAGE")
        layout.operator(Op.IMAGE_FROM_BLEND, text="Image in This File…", icon="IMAGE_DATA")
        layout.separator()
        layout.operator(Op.IMAGE_FROM_VIEWS, text="Several Views (Experimental)…", icon="MOD_ARRAY")


def _draw_in_image_menu(self: Any, context: bpy.types.Context) -> None:
    if getattr(context.space_data, "image", None) is not None:
        self.layout.separator()
        self.layout.operator_context = "INVOKE_DEFAULT"
        self.layout.operator(Op.GENERATE_FROM_EDITOR, text=_GENERATE, icon="MESH_MONKEY")


def _draw_in_outliner(self: Any, context: bpy.types.Context) -> None:
    if any(isinstance(each, bpy.types.Image) for each in getattr(context, "selected_ids", [])):
        self.layout.separator()
        self.layout.operator_context = "INVOKE_DEFAULT"
        self.layout.operator(Op.GENERATE_FROM_OUTLINER, text=_GENERATE, icon="MESH_MONKEY")


def _draw_in_add_menu(self: Any, context: bpy.types.Context) -> None:
    if context.mode == "OBJECT":
        self.layout.separator()
        _draw_from_files(self.layout, "Generate 3D Model from Image…")


def _draw_in_import_menu(self: Any, _context: bpy.types.Context) -> None:
    _draw_from_files(self.layout, "Image to 3D Model…")


def _draw_from_files(layout: bpy.types.UILayout, text: str) -> None:
    before = layout.operator_context  # also that of the entries that others add below
    layout.operator_context = "INVOKE_DEFAULT"
    layout.operator(Op.GENERATE_FROM_FILES, text=text, icon="MESH_MONKEY")
    layout.operator_context = before


_ENTRIES = (
    ("IMAGE_MT_image", _draw_in_image_menu),
    ("OUTLINER_MT_context_menu", _draw_in_outliner),
    ("VIEW3D_MT_add", _draw_in_add_menu),
    ("VIEW3D_MT_image_add", _draw_in_add_menu),
    ("TOPBAR_MT_file_import", _draw_in_import_menu),
)


def register() -> None:
    for menu, draw in _ENTRIES:
        getattr(bpy.types, menu).append(draw)


def unregister() -> None:
    for menu, draw in _ENTRIES:
        getattr(bpy.types, menu).remove(draw)
