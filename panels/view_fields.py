# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the fields for images of other sides of the subject, for a service that takes them."""

from __future__ import annotations

from typing import Any, Final

import bpy

from ..api.parameters import VIEWS
from ..bl_ids import Op
from ..property_definitions import view_property
from ..text_lines import is_narrow
from ..translation import tr

_PANEL: Final = "IMAGE_TO_3D_views"
_LABEL: Final = 0.45
"""The share of a narrow row that its label takes."""


def draw(layout: bpy.types.UILayout, context: bpy.types.Context, settings: Any) -> None:
    """Draw a closed panel with a field for each side. Its title says how many images are chosen."""
    header, body = layout.panel(_PANEL, default_closed=True)
    count = sum(bool(getattr(settings, view_property(side))) for side in VIEWS)
    if count:
        header.label(text=tr("Views ({count})", count=count), translate=False)
    else:
        header.label(text="Views")
    if body is None:
        return
    narrow = is_narrow(context)
    column = body.column(align=True)
    column.use_property_split = not narrow
    column.use_property_decorate = False
    for side in VIEWS:
        row, name = column.row(align=True), view_property(side)
        if narrow:
            row = row.split(factor=_LABEL, align=True)
            row.label(text=settings.bl_rna.properties[name].name)
            row = row.row(align=True)
            row.prop(settings, name, text="")
        else:
            row.prop(settings, name)
        row.operator(Op.CHOOSE_IMAGE, text="", icon="FILE_FOLDER").view = side
    body.separator(factor=0.3)
