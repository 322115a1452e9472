# SPDX-License-Identifier: GPL-3.0-or-later
"""The warnings about the chosen image: what makes a bad model probable."""

from __future__ import annotations

from typing import Any

import bpy

from .. import image_check
from ..bl_ids import SCENE_SETTINGS, WARNINGS_PANEL
from ..image_check import ImageCheck
from ..scene import image_sources, thumbnails
from ..text_lines import wrapped
from ..translation import tr_message


class IMAGE_TO_3D_PT_image_warnings(bpy.types.Panel):
    """Show what makes a bad model probable"""

    bl_idname = WARNINGS_PANEL
    bl_label = "Image Warnings"
    bl_space_type = "VIEW_3D"
    bl_region_type = "HEADER"  # a popover
    bl_ui_units_x = 16

    def draw(self, context: bpy.types.Context) -> None:
        found = check_of(getattr(context.scene, SCENE_SETTINGS))
        for warning in found.warnings if found is not None else ():
            wrapped(self.layout, context, tr_message(warning), icon="ERROR", width=300)


def preview_icon(settings: Any) -> int:
    """Returns the icon id of the image as it will be sent; 0 if it is sent as it is, or if that is not known yet."""
    options, found = settings.placement, check_of(settings)
    if not (options.cut_out or options.crop) or found is None or found.preview is None:
        return 0
    return thumbnails.icon(str(found.preview), ours=True)


def check_of(settings: Any) -> ImageCheck | None:
    """Returns what is known of the scene's image; None if it was not checked."""
    image = settings.image.strip()
    if not image or image_sources.is_url(image):
        return None
    options = settings.placement
    return image_check.result(image_sources.absolute(image), cut_out=options.cut_out, crop=options.crop)
