# SPDX-License-Identifier: GPL-3.0-or-later
"""Redraws only what shows the jobs: redrawing the whole window costs many times as much."""

from __future__ import annotations

from typing import Final

import bpy

TAB: Final = "Image to 3D"
"""The sidebar's tab."""


def sidebars(manager: bpy.types.WindowManager) -> None:
    """Redraw our tab in the sidebar of every 3D viewport, and open preferences."""
    for window in manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                kind = "UI"
            elif area.type == "PREFERENCES":
                kind = "WINDOW"
            else:
                continue
            for region in area.regions:
                if region.type == kind and region.width > 1 and _shows_our_tab(region):
                    region.tag_redraw()


def viewports(manager: bpy.types.WindowManager) -> None:
    """Redraw the 3D viewports, for the progress at the placeholders."""
    for window in manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "WINDOW":
                        region.tag_redraw()


def _shows_our_tab(region: bpy.types.Region) -> bool:
    return region.type != "UI" or getattr(region, "active_panel_category", TAB) in (TAB, "UNSUPPORTED")
