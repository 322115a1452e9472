# SPDX-License-Identifier: GPL-3.0-or-later
"""Redrawing no more than shows the jobs: a redraw of the whole window costs many times as much."""

from __future__ import annotations

from typing import Final

import bpy

CATEGORY: Final = "Image to 3D"
"""The sidebar's tab."""


def sidebars(manager: bpy.types.WindowManager) -> None:
    """Redraw our tab in every 3D viewport's sidebar, and the preferences, where they are open."""
    for window in manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                kind = "UI"
            elif area.type == "PREFERENCES":
                kind = "WINDOW"
            else:
                continue
            for region in area.regions:
                if region.type == kind and region.width > 1 and _shows_us(region):
                    region.tag_redraw()


def viewports(manager: bpy.types.WindowManager) -> None:
    """Redraw the 3D viewports, for what is drawn at the placeholders."""
    for window in manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "WINDOW":
                        region.tag_redraw()


def _shows_us(region: bpy.types.Region) -> bool:
    return region.type != "UI" or getattr(region, "active_panel_category", CATEGORY) in (CATEGORY, "UNSUPPORTED")
