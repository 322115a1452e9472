# SPDX-License-Identifier: GPL-3.0-or-later
"""The warnings about the chosen image: what makes a bad model probable."""

from __future__ import annotations

from typing import Any

import bpy

from .. import image_check
from ..image_check import ImageCheck
from ..scene import image_sources, thumbnails
from . import text_lines


def draw_warnings(layout: bpy.types.UILayout, context: bpy.types.Context, settings: Any) -> None:
    """Draw what makes a bad model probable, if the chosen image was checked."""
    found = check_of(settings)
    for warning in found.warnings if found is not None else ():
        text_lines.wrapped(layout, context, str(warning), icon="ERROR")


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
