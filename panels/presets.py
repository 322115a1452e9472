# SPDX-License-Identifier: GPL-3.0-or-later
"""The popover in the main panel's header with the artist's own presets, by Blender's own preset system."""

from __future__ import annotations

import bpy
from bl_ui.utils import PresetPanel

from ..bl_ids import PRESETS_FOLDER, PRESETS_PANEL, Op


class IMAGE_TO_3D_PT_presets(PresetPanel, bpy.types.Panel):
    bl_idname = PRESETS_PANEL
    bl_label = "Image to 3D Presets"
    preset_subdir = PRESETS_FOLDER
    preset_operator = "script.execute_preset"
    preset_add_operator = Op.ADD_PRESET

    def draw(self, context: bpy.types.Context) -> None:
        if bpy.utils.preset_paths(PRESETS_FOLDER):
            super().draw(context)
            return
        # Blender would say "Missing Paths" until there is a first one.
        name = getattr(context.window_manager, "preset_name", "")
        row = self.layout.row()
        row.prop(context.window_manager, "preset_name", text="")
        row.operator(Op.ADD_PRESET, text="", icon="ADD", emboss=False).name = name
