# SPDX-License-Identifier: GPL-3.0-or-later
"""The main panel in the 3D viewport's sidebar: service, image, the Generate button, and the job list."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, Final

import bpy

from .. import background_task, preferences
from ..bl_ids import SCENE_SETTINGS, SOURCES_MENU, Op
from ..errors import Action, ImageTo3DError, one_line
from ..jobs.config import OFFLINE, Config
from ..redraw import TAB
from ..scene import thumbnails
from ..translation import tr_message
from . import forecast, image_warnings, job_list, text_lines

_THUMBNAIL_ROWS: Final = 3.0
_THUMBNAIL_SHARE: Final = 0.28
"""The fraction of the panel's width for the thumbnail."""


class SidebarPanel:
    """Base class of the add-on's panels."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB
    layout: bpy.types.UILayout


class IMAGE_TO_3D_PT_main(SidebarPanel, bpy.types.Panel):
    bl_idname = "IMAGE_TO_3D_PT_main"
    bl_label = "Image to 3D"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        settings = getattr(context.scene, SCENE_SETTINGS)
        config = preferences.read_config()
        obstacle = config.why_not_ready()
        _draw_service(layout, config)
        _draw_image(layout, settings)
        image_warnings.draw_warnings(layout, context, settings)
        row = layout.row()
        row.scale_y = 1.6
        row.enabled = obstacle is None and (bool(settings.image.strip()) or settings.source_image is not None)
        row.operator(Op.GENERATE, icon="MESH_MONKEY" if obstacle is None else "ERROR")
        if obstacle is None:
            forecast.draw(layout, context)
        layout.operator(Op.CHOOSE_BATCH, text="Batch…", icon="FILE_FOLDER")
        if obstacle is not None:
            _draw_obstacle(layout, context, obstacle)
        job_list.draw(layout, context)


def _draw_service(layout: bpy.types.UILayout, config: Config) -> None:
    text = preferences.SERVICE_NAMES[config.service]
    balance = background_task.account.status.value
    if config.service == OFFLINE:
        text += " (not AI)"
    elif balance:
        text += f" · {balance}"
    row = layout.row()
    row.label(text=text, icon="URL" if config.service != OFFLINE else "HOME")
    row.operator(Op.OPEN_PREFERENCES, text="", icon="PREFERENCES", emboss=False)


def _draw_image(layout: bpy.types.UILayout, settings: Any) -> None:
    image, source = settings.image.strip(), settings.source_image
    chosen = thumbnails.icon(image) if source is None else thumbnails.image_icon(source)
    thumbnail = image_warnings.preview_icon(settings) or chosen
    if thumbnail:
        split = layout.split(factor=_THUMBNAIL_SHARE)
        split.template_icon(icon_value=thumbnail, scale=_THUMBNAIL_ROWS)
        layout = split.column()
        layout.label(text=PurePath(image.replace("\\", "/")).name if source is None else one_line(source.name))
    row = layout.row(align=True)
    if source is None:
        row.prop(settings, "image", text="", placeholder="Image file or URL")
    else:
        row.prop(settings, "source_image", text="")
    row.operator(Op.CHOOSE_IMAGE, text="", icon="FILE_FOLDER")
    row.menu(SOURCES_MENU, text="", icon="DOWNARROW_HLT")


def _draw_obstacle(layout: bpy.types.UILayout, context: bpy.types.Context, obstacle: ImageTo3DError) -> None:
    """Draw why nothing can be generated now, and the buttons that change that."""
    box = layout.box().column()
    text_lines.wrapped(box, context, tr_message(obstacle.message), icon="INFO", in_box=True)
    buttons = box.column(align=True)
    if obstacle.action is Action.ALLOW_ONLINE:
        buttons.operator(Op.ALLOW_ONLINE, text="Allow Online Access…", icon="INTERNET")
    else:
        buttons.operator(Op.OPEN_PREFERENCES, text="Open Preferences…", icon="PREFERENCES")
    buttons.operator(Op.USE_OFFLINE_PREVIEW, icon="HOME")
