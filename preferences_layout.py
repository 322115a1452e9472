# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the add-on's preferences, under the headings Account and Results.

What is reported about a field has a line of its own that is always there, so nothing moves when it comes.
"""

from __future__ import annotations

import os
from typing import Any, Final

import bpy

from . import background_task
from .api.http.urls import is_unencrypted
from .api.parameters import ACCOUNT
from .bl_ids import Op
from .errors import NO_MESSAGE, ErrorInfo, KeyRejectedError, Message, OnlineAccessError
from .jobs.config import CUSTOM, KEY_PAGE, LOCAL, MODELSLAB, OFFLINE, Config
from .local_servers.dialects import DIALECTS
from .property_definitions import kept_name, switch_of
from .text_lines import checkbox_room, fits, wrapped
from .translation import tr, tr_message

KEY_VARIABLE: Final = "MODELSLAB_API_KEY"
URL_VARIABLE: Final = "IMAGE_TO_3D_BASE_URL"
LOCAL_URL_VARIABLE: Final = "IMAGE_TO_3D_LOCAL_URL"
LOCAL_TOKEN_VARIABLE: Final = "IMAGE_TO_3D_LOCAL_TOKEN"

_MARGINS: Final = 90
"""Points of the window's width that the fields can't use: margins, boxes, the scroll bar."""
_LABEL_SHARE: Final = 0.4
"""The fraction of the width that a property split leaves for the labels."""


def draw(
    layout: bpy.types.UILayout, context: bpy.types.Context, saved: Any, config: Config, default_results: str
) -> None:
    """Draw the preferences `saved`. `default_results`: the results folder that is used if none is entered."""
    layout.use_property_split = True
    layout.use_property_decorate = False
    header, body = layout.panel("image_to_3d_account")
    header.label(text="Account")
    if body is not None:
        body.prop(saved, "service")  # a menu: buttons for four services would cut off their names
        if saved.service == LOCAL:
            _draw_local_server(body.column(), context, saved, config)
        else:
            _draw_account(body.column(), saved, config)
    header, body = layout.panel("image_to_3d_results")
    header.label(text="Results")
    if body is not None:
        _draw_results(body.column(), saved, config, default_results)


def _draw_account(layout: bpy.types.UILayout, saved: Any, config: Config) -> None:
    if saved.service == OFFLINE:
        _hint(layout, "Rough shape from the outline. No AI.")
        layout.separator()
        layout.prop(saved, "job_limit")
        return
    if saved.service == CUSTOM:
        address = os.environ.get(URL_VARIABLE, "")
        layout.prop(saved, "base_url", placeholder=address or "https://…")
        if is_unencrypted(saved.base_url or address):
            _warning(layout, "Your key and images are sent unencrypted to this server.")
        elif address and not saved.base_url:
            _hint(layout, tr("Using {variable}.", variable=URL_VARIABLE))
    row = layout.row(align=True)
    row.prop(saved, "api_key")
    test = row.row(align=True)
    test.ui_units_x = 3.5
    test.operator(Op.TEST_KEY, text="Test")
    _draw_key_status(layout, saved)
    if isinstance(config.why_not_ready(), OnlineAccessError):
        _warning(layout, "Online access is disabled.")
        _field_column(layout).operator(Op.ALLOW_ONLINE, text="Allow Online Access…", icon="INTERNET")
    if saved.service == MODELSLAB:
        _field_column(layout).operator("wm.url_open", text="Get an API Key…", icon="URL").url = KEY_PAGE
    layout.separator()
    layout.prop(saved, "job_limit")
    row = layout.row(align=True, heading="Daily Limit")
    row.prop(saved, "use_daily_limit", text="")
    amount = row.row()
    amount.active = saved.use_daily_limit
    amount.prop(saved, "daily_limit", text="")
    for name in sorted(ACCOUNT, reverse=True):
        layout.prop(saved, name)


def _draw_key_status(layout: bpy.types.UILayout, saved: Any) -> None:
    """Draw one line about the key: whether it works, else where it is kept."""
    status = background_task.account.status
    if status.running:
        _hint(layout, "Checking the API key", icon="SORTTIME")
    elif status.code == KeyRejectedError.code:
        _warning(layout, "Rejected by the service.")
    elif status.failed:
        _warning(layout, "The service could not be asked.")
    elif status.text:
        _hint(layout, tr_message(status.text), icon="CHECKMARK")
    elif saved.api_key:
        _hint(layout, "Stored as plain text.")
    elif os.environ.get(KEY_VARIABLE):
        _hint(layout, tr("Using {variable}.", variable=KEY_VARIABLE))
    else:
        _hint(layout, "No API key is entered.")


def _draw_local_server(layout: bpy.types.UILayout, context: bpy.types.Context, saved: Any, config: Config) -> None:
    row = layout.row(align=True)
    row.prop(saved, "local_url", placeholder=local_url_placeholder(config))
    test = row.row(align=True)
    test.ui_units_x = 3.5
    test.operator(Op.TEST_LOCAL_SERVER, text="Test")
    _draw_connection(layout, context, saved, config)
    layout.prop(saved, "local_dialect")
    layout.prop(saved, "local_model", placeholder="Usual Model")
    layout.prop(saved, "local_token")
    layout.prop(saved, "local_time_limit")
    layout.separator()
    _hint(layout, "The server makes one model after the other.")


def local_url_placeholder(config: Config) -> str:
    """Returns what an empty field for the address of the artist's own server shows."""
    dialect = DIALECTS.get(config.local_dialect)
    return config.local_url or f"127.0.0.1:{8080 if dialect is None else dialect.default_port}"


def _draw_connection(layout: bpy.types.UILayout, context: bpy.types.Context, saved: Any, config: Config) -> None:
    """Draw what the last test of the connection has found, else where the address comes from."""
    status, obstacle = background_task.local_server.status, config.why_not_ready()
    if isinstance(obstacle, OnlineAccessError):
        _warning(layout, "Online access is disabled.")
        _field_column(layout).operator(Op.ALLOW_ONLINE, text="Allow Online Access…", icon="INTERNET")
    elif not config.local_url:
        _hint(layout, "No address is entered.")
    elif obstacle is not None and not config.results_refused:
        _wrapped(layout, context, obstacle.info(), failed=True)
    elif status.running:
        _hint(layout, "Contacting the server", icon="SORTTIME")
    elif status.text:
        _wrapped(layout, context, status.text, failed=status.failed)
    elif not saved.local_url:
        _hint(layout, tr("Using {variable}.", variable=LOCAL_URL_VARIABLE))
    else:
        _hint(layout, "The connection was not tested yet.")
    if is_unencrypted(config.local_url):
        _warning(layout, "Images are sent unencrypted to this server.")


def _wrapped(
    layout: bpy.types.UILayout, context: bpy.types.Context, text: Message | ErrorInfo, *, failed: bool
) -> None:
    """Draw a message below a field, on as many lines as it needs: an error in red, its advice in gray."""
    width = (context.region.width / context.preferences.system.ui_scale - _MARGINS) * (1.0 - _LABEL_SHARE)
    advice = text.advice if isinstance(text, ErrorInfo) else NO_MESSAGE
    message = text.message if isinstance(text, ErrorInfo) else text
    lines = _field_column(layout).column()
    said = lines.column()
    said.active = failed
    icon = "ERROR" if failed else "CHECKMARK"
    wrapped(said, context, tr_message(message), icon=icon, alert=failed, width=width)
    if advice:
        more = lines.column()
        more.active = False
        wrapped(more, context, tr_message(advice), icon="BLANK1", width=width)


def _draw_results(layout: bpy.types.UILayout, saved: Any, config: Config, default_results: str) -> None:
    layout.prop(saved, "results_folder", placeholder=default_results)
    if config.results_refused:
        _warning(layout, config.results_refused)
    layout.separator()
    for name in ("keep_days", "keep_gigabytes"):
        draw_switched(layout, saved, name)
    layout.prop(saved, "clean_up_at_start")
    layout.separator()
    row = _field_column(layout)
    row.operator(Op.MEASURE_RESULTS, icon="FILE_REFRESH")
    row.operator(Op.CLEAN_UP, text="Clean Up…", icon="TRASH")
    _field_column(layout).operator(Op.MOVE_RESULTS, icon="FOLDER_REDIRECT")
    status = background_task.storage.status
    if status.running:
        _hint(layout, "Checking the results", icon="SORTTIME")
    elif status.failed:
        _warning(layout, tr_message(status.text))
    else:
        _hint(layout, tr_message(status.text), icon="INFO" if status.text else "NONE")


def draw_switched(layout: bpy.types.UILayout, owner: Any, name: str) -> None:
    """Draw a number that is off at 0: a checkbox with its label, and the number, gray while it is off."""
    switch = switch_of(name)
    on = getattr(owner, switch)
    shown = name if on else kept_name(name)
    if layout.use_property_split:
        row = layout.row(align=True, heading=owner.bl_rna.properties[name].name)
        row.prop(owner, switch, text="")
    else:  # too narrow for both in a line
        draw_checkbox(layout, owner, switch)
        row = layout
    number = row.row()
    number.active = on
    number.prop(owner, shown, text="")


def draw_checkbox(layout: bpy.types.UILayout, owner: Any, name: str) -> None:
    """Draw a checkbox in the sidebar; its label is on several lines where it would be cut off."""
    context, label = bpy.context, tr(owner.bl_rna.properties[name].name)
    room = checkbox_room(context)
    if fits(context, label, room):
        layout.prop(owner, name)
        return
    row = layout.row(align=True)
    row.prop(owner, name, text="")
    wrapped(row, context, label, width=room / context.preferences.system.ui_scale)


def _field_column(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    """Returns a row in the column of the fields."""
    split = layout.split(factor=_LABEL_SHARE)
    split.label()
    return split.row()


def _hint(layout: bpy.types.UILayout, text: str, icon: str = "INFO") -> None:
    """Draw a gray line below a field."""
    row = _field_column(layout)
    row.active = False
    row.label(text=text, icon=icon)


def _warning(layout: bpy.types.UILayout, text: str) -> None:
    """Draw a red line below a field."""
    row = _field_column(layout)
    row.alert = True
    row.label(text=text, icon="ERROR")
