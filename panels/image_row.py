# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the chosen image in the main panel: thumbnail, field, where it can come from, and what is known of it."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, Final

import bpy

from ..bl_ids import SOURCES_MENU, WARNINGS_PANEL, Op
from ..errors import one_line
from ..scene import thumbnails
from ..text_lines import is_narrow
from ..translation import tr, tr_message
from .image_warnings import check_of, preview_icon

_ROWS: Final = 3.0
"""The thumbnail's height in rows, those of the field and the two lines below it."""
_NARROW_ROWS: Final = 4.0
_WIDTH: Final = 3.4
"""The width of the thumbnail's column, in widths of a button."""


def draw(layout: bpy.types.UILayout, context: bpy.types.Context, settings: Any) -> None:
    """Draw the image's field; once an image is chosen also its thumbnail, name, size, and what the check found."""
    image, source = settings.image.strip(), settings.source_image
    narrow = is_narrow(context)
    if not image and source is None:
        _draw_field(layout, settings, narrow)
        return
    chosen = thumbnails.icon(image) if source is None else thumbnails.image_icon(source)
    icon = preview_icon(settings) or chosen
    column = layout.column()
    if narrow:
        if icon:
            column.template_icon(icon_value=icon, scale=_NARROW_ROWS)
    elif icon:
        row = layout.row()
        beside = row.column()
        beside.ui_units_x = _WIDTH
        beside.template_icon(icon_value=icon, scale=_ROWS)
        column = row.column()
    _draw_field(column, settings, narrow)
    facts = column.column(align=True)
    facts.scale_y = 0.85
    if source is None:
        facts.label(text=one_line(PurePath(image.replace("\\", "/")).name), translate=False)
    _draw_facts(facts, context, settings)


def _draw_field(layout: bpy.types.UILayout, settings: Any, narrow: bool) -> None:
    row = layout.row(align=True)
    if settings.source_image is None:
        row.prop(settings, "image", text="", placeholder="Image" if narrow else "Image file or URL")
    else:
        row.prop(settings, "source_image", text="")
    row.operator(Op.CHOOSE_IMAGE, text="", icon="FILE_FOLDER")
    row.menu(SOURCES_MENU, text="", icon="DOWNARROW_HLT")


def _draw_facts(layout: bpy.types.UILayout, context: bpy.types.Context, settings: Any) -> None:
    """Draw a line with the image's size and what the check found. Its height is the same before and after that."""
    found, source = check_of(settings), settings.source_image
    row = layout.row()
    if found is not None and found.warnings:
        row.alert = True
        # A popover button is not red in 5.2, this one is.
        row.operator("wm.call_panel", text=tr_message(found.title), icon="ERROR").name = WARNINGS_PANEL
        return
    row.active = False
    if source is not None:
        width, height = source.size if source.has_data else (0, 0)
        row.label(text=tr("{width} × {height}", width=width, height=height) if width else "", translate=False)
    elif found is None:
        row.label(text="")
    elif found.running or found.size is None:
        row.label(text="Checking the image")
    else:
        width, height = found.size
        if is_narrow(context):
            text = tr("{width} × {height}", width=width, height=height)
            row.label(text=text, icon="CHECKMARK", translate=False)
            return
        row.label(text=tr("{width} × {height}, clear subject", width=width, height=height), translate=False)
