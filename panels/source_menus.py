# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an image can come from: the menu beside the panel's image, and entries in the Image Editor and the Outliner."""

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


_ENTRIES = (("IMAGE_MT_image", _draw_in_image_menu), ("OUTLINER_MT_context_menu", _draw_in_outliner))


def register() -> None:
    for menu, draw in _ENTRIES:
        getattr(bpy.types, menu).append(draw)


def unregister() -> None:
    for menu, draw in _ENTRIES:
        getattr(bpy.types, menu).remove(draw)
