# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel for how the image is prepared, with a preview of what will be sent."""

from __future__ import annotations

from typing import Final

import bpy

from .. import placement
from ..bl_ids import SCENE_SETTINGS
from ..scene import thumbnails
from .image_warnings import check_of
from .settings import SettingsPanel, draw_group

_PREVIEW_ROWS: Final = 7.0


class IMAGE_TO_3D_PT_image(SettingsPanel, bpy.types.Panel):
    bl_idname = "IMAGE_TO_3D_PT_image"
    bl_label = "Image Preparation"

    def draw(self, context: bpy.types.Context) -> None:
        settings = getattr(context.scene, SCENE_SETTINGS)
        column = self.column(context)
        draw_group(column, settings.placement, placement.SETTINGS, "image")
        found = check_of(settings)
        if found is None:
            return
        if found.running:
            column.label(text="Checking the image", icon="SORTTIME")
        elif found.preview is not None and (icon := thumbnails.icon(str(found.preview), ours=True)):
            column.label(text="This will be sent:")
            column.template_icon(icon_value=icon, scale=_PREVIEW_ROWS)
