# SPDX-License-Identifier: GPL-3.0-or-later
"""The popover in the main panel's header with the artist's own presets, by Blender's own preset system."""

from __future__ import annotations

import bpy
from bl_ui.utils import PresetPanel

from ..bl_ids import PRESETS_PANEL, Op


class IMAGE_TO_3D_PT_presets(PresetPanel, bpy.types.Panel):
    bl_idname = PRESETS_PANEL
    bl_label = "Image to 3D Presets"
    preset_subdir = "image_to_3d"
    preset_operator = "script.execute_preset"
    preset_add_operator = Op.ADD_PRESET
