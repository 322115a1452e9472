# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators for the scene's settings: a new seed, and the artist's own presets."""

from __future__ import annotations

import bpy
from bl_operators.presets import AddPresetBase

from ..bl_ids import PRESETS_FOLDER, PRESETS_PANEL, SCENE_SETTINGS, Op
from ..properties import PANEL_PARAMETERS, PANEL_PLACEMENT
from ..property_definitions import new_seed
from .define import operator


@operator(Op.NEW_SEED, "New Seed")
def make_new_seed(context: bpy.types.Context) -> None:
    """Use a new random number as seed, for this model and the next ones"""
    getattr(context.scene, SCENE_SETTINGS).seed = new_seed()


class IMAGE_TO_3D_OT_add_preset(AddPresetBase, bpy.types.Operator):
    """Save the settings as a preset, or remove the chosen one. Image, seed and collection are not part of it"""

    bl_idname = Op.ADD_PRESET
    bl_label = "Add Image to 3D Preset"
    preset_menu = PRESETS_PANEL
    preset_subdir = PRESETS_FOLDER
    preset_defines = (f"settings = bpy.context.scene.{SCENE_SETTINGS}",)
    # A collection belongs to the file, and a seed to one model.
    preset_values = (
        *(f"settings.{name}" for name in PANEL_PARAMETERS if name != "seed"),
        *(f"settings.placement.{name}" for name in PANEL_PLACEMENT if name != "collection"),
    )
