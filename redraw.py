# SPDX-License-Identifier: GPL-3.0-or-later
"""Redraws only what shows the jobs: redrawing the whole window costs many times as much."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import bpy

TAB: Final = "Image to 3D"
"""The sidebar's tab."""


def sidebars(manager: bpy.types.WindowManager) -> None:
    """Redraw our tab in the sidebar of every 3D viewport, and open preferences."""
    for region in _regions(manager, ("VIEW_3D", "UI"), ("PREFERENCES", "WINDOW")):
        tab = getattr(region, "active_panel_category", TAB) if region.type == "UI" else TAB
        if region.width > 1 and tab in (TAB, "UNSUPPORTED"):
            region.tag_redraw()


def viewports(manager: bpy.types.WindowManager) -> None:
    """Redraw the 3D viewports, for the progress at the placeholders."""
    for region in _regions(manager, ("VIEW_3D", "WINDOW")):
        region.tag_redraw()


def _regions(manager: bpy.types.WindowManager, *kinds: tuple[str, str]) -> Iterator[bpy.types.Region]:
    """Yields all open regions of these kinds: the type of their area, and their own."""
    for window in manager.windows:
        for area in window.screen.areas:
            yield from (region for region in area.regions if (area.type, region.type) in kinds)
