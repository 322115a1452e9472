# SPDX-License-Identifier: GPL-3.0-or-later
"""The main panel in the 3D viewport's sidebar: service, image, quality, the Generate button, and the job list."""

from __future__ import annotations

from typing import Any, Final

import bpy

from .. import background_task, preferences, preferences_layout
from ..api.quality import QUALITIES
from ..bl_ids import PANEL_BUTTON, SCENE_SETTINGS, Op
from ..errors import Action, ErrorInfo, ImageTo3DError, KeyMissingError, KeyRejectedError
from ..jobs.config import FREE, KEY_PAGE, LOCAL, MODELSLAB, Config
from ..property_definitions import QUALITY
from ..redraw import TAB
from ..text_lines import is_narrow, wrapped
from ..translation import tr, tr_message
from . import forecast, image_row, job_list, view_fields
from .buttons import button
from .presets import IMAGE_TO_3D_PT_presets

_BUTTON_HEIGHT: Final = 1.5


class SidebarPanel:
    """Base class of the add-on's panels."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB
    layout: bpy.types.UILayout


class IMAGE_TO_3D_PT_main(SidebarPanel, bpy.types.Panel):
    bl_idname = "IMAGE_TO_3D_PT_main"
    bl_label = "Image to 3D"

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        IMAGE_TO_3D_PT_presets.draw_panel_header(self.layout)

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        settings = getattr(context.scene, SCENE_SETTINGS)
        config = preferences.read_config()
        obstacle = config.why_not_ready()
        _draw_service(layout, context, config)
        _draw_setup(layout, context, config, obstacle)
        image_row.draw(layout, context, settings)
        if config.takes_views:
            view_fields.draw(layout, context, settings)
        _draw_quality(layout, context, settings)
        _draw_generate(layout, context, settings)
        if obstacle is None:
            forecast.draw(layout, context)
        job_list.draw(layout, context)


def _draw_service(layout: bpy.types.UILayout, context: bpy.types.Context, config: Config) -> None:
    """Draw the menu of the services, the account's balance if there is room, the results and the preferences."""
    saved, balance = preferences.get(), background_task.account.status.value
    narrow = is_narrow(context)
    row = layout.row()
    if saved is not None and narrow:  # without its icon, the name fits
        row.prop_menu_enum(saved, "service", text=preferences.SERVICE_NAMES[config.service])
    elif saved is not None:
        row.prop(saved, "service", text="")
    else:  # enabled for this session only
        row.label(text=preferences.SERVICE_NAMES[config.service])
    if balance and config.service not in FREE and not narrow:
        amount = row.row()
        amount.alignment = "RIGHT"
        amount.active = False
        amount.label(text=balance, translate=False)
    buttons = layout.row(align=True) if narrow else row.row(align=True)
    buttons.operator(Op.SHOW_RESULTS, text="Results" if narrow else "", icon="IMGDISPLAY")
    buttons.operator(Op.OPEN_PREFERENCES, text="", icon="PREFERENCES")


def _draw_setup(
    layout: bpy.types.UILayout, context: bpy.types.Context, config: Config, obstacle: ImageTo3DError | None
) -> None:
    """Draw what is missing before the first model, and the buttons that change that; nothing if all is there."""
    if config.service == LOCAL:
        _draw_local_setup(layout, context, config, obstacle)
        return
    status = background_task.account.status
    rejected = status.code == KeyRejectedError.code
    checking = status.running and not status.text  # the box stays until it is known that the key works
    if obstacle is None and not rejected and not checking:
        return
    box = layout.box().column()
    if isinstance(obstacle, KeyMissingError) and config.service == MODELSLAB:
        text = tr("{service} needs an API key.", service=preferences.SERVICE_NAMES[MODELSLAB])
        wrapped(box, context, text, icon="INFO", in_box=True)
    elif obstacle is not None:
        wrapped(box, context, tr_message(obstacle.message), icon="INFO", in_box=True)
    elif checking:
        wrapped(box, context, tr("Checking the API key"), icon="SORTTIME", in_box=True)
    else:
        wrapped(box, context, tr("The API key was rejected."), icon="ERROR", alert=True, in_box=True)
    buttons = box.column(align=True)
    if obstacle is not None and obstacle.action is Action.ALLOW_ONLINE:
        _setup_button(buttons, context, Op.ALLOW_ONLINE, "Allow Online Access…", "INTERNET")
    elif obstacle is None or isinstance(obstacle, KeyMissingError):
        _setup_button(buttons, context, Op.OPEN_PREFERENCES, "Enter API Key…", "LOCKED")
        if config.service == MODELSLAB:
            _setup_button(buttons, context, "wm.url_open", "Get an API Key…", "URL").url = KEY_PAGE
    else:
        _setup_button(buttons, context, Op.OPEN_PREFERENCES, "Open Preferences…", "PREFERENCES")
    _setup_button(buttons, context, Op.USE_OFFLINE_PREVIEW, "", "HOME")


def _setup_button(layout: bpy.types.UILayout, context: bpy.types.Context, operator: str, text: str, icon: str) -> Any:
    return button(layout, context, operator, text, icon="NONE" if is_narrow(context) else icon, in_box=True)


def _draw_local_setup(
    layout: bpy.types.UILayout, context: bpy.types.Context, config: Config, obstacle: ImageTo3DError | None
) -> None:
    """Draw what is missing before the artist's own server can be used: its address, or that it answers."""
    saved, status = preferences.get(), background_task.local_server.status
    first_test = status.running and not status.text
    if obstacle is None and not status.failed and not first_test:
        return
    box = layout.box().column()
    if obstacle is not None and not config.local_url:
        wrapped(box, context, tr("Enter the address of your server."), icon="INFO", in_box=True)
    elif obstacle is not None:
        wrapped(box, context, tr_message(obstacle.message), icon="INFO", in_box=True)
    elif status.running:
        wrapped(box, context, tr("Contacting the server"), icon="SORTTIME", in_box=True)
    elif isinstance(status.text, ErrorInfo):
        wrapped(box, context, tr_message(status.text.message), icon="ERROR", alert=True, in_box=True)
        wrapped(box, context, tr_message(status.text.advice), in_box=True)
    if saved is not None:
        box.prop(saved, "local_url", text="", placeholder=preferences_layout.local_url_placeholder(config))
    buttons = box.column(align=True)
    if obstacle is not None and obstacle.action is Action.ALLOW_ONLINE:
        _setup_button(buttons, context, Op.ALLOW_ONLINE, "Allow Online Access…", "INTERNET")
    elif obstacle is None:
        _setup_button(buttons, context, Op.TEST_LOCAL_SERVER, "Test Again", "FILE_REFRESH")
    _setup_button(buttons, context, Op.OPEN_PREFERENCES, "Open Preferences…", "PREFERENCES")


def _draw_quality(layout: bpy.types.UILayout, context: bpy.types.Context, settings: Any) -> None:
    """Draw a button for each level. None is pressed if a value was changed."""
    buttons = layout.column(align=True) if is_narrow(context) else layout.row(align=True)
    for quality in QUALITIES:
        buttons.prop_enum(settings, QUALITY, quality.value)


def _draw_generate(layout: bpy.types.UILayout, context: bpy.types.Context, settings: Any) -> None:
    row = layout.row(align=True)
    row.scale_y = _BUTTON_HEIGHT
    row.context_pointer_set(PANEL_BUTTON, settings)
    button(row, context, Op.GENERATE, icon="MESH_MONKEY", icons_beside=1)
    row.operator(Op.CHOOSE_BATCH, text="", icon="RENDERLAYERS")
