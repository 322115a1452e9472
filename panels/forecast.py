# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws what models will take and cost, as far as that was learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bpy

from .. import forecast_text, job_view
from ..bl_ids import SCENE_SETTINGS


def draw(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Draw the gray line below the Generate button; nothing as long as nothing is known."""
    draw_line(layout, getattr(context.scene, SCENE_SETTINGS).parameters())


def draw_line(layout: bpy.types.UILayout, parameters: Mapping[str, Any], count: int = 1) -> None:
    """Draw what `count` models will take and cost as a gray, centered line; nothing if nothing is known."""
    text = forecast_text.line(job_view.forecast(parameters, count))
    if text:
        row = layout.row()
        row.active = False
        row.alignment = "CENTER"
        row.label(text=text, translate=False)
