# SPDX-License-Identifier: GPL-3.0-or-later
"""How wide a panel is, and texts that are wrapped to that width."""

from __future__ import annotations

import functools
from typing import Any, Final

import blf
import bpy

_NARROW: Final = 230
"""Width of a sidebar, in pixels at scale 1, below which it has no room for two things in a line."""
_BORDER: Final = 76
"""Pixels at scale 1 that tabs, margins and a box take from a sidebar's width."""
_ICON: Final = 20
"""Pixels at scale 1."""


def is_narrow(context: bpy.types.Context) -> bool:
    """Whether the sidebar is so narrow that a label beside a field would be cut off."""
    return context.region.width < _NARROW * context.preferences.system.ui_scale


def draw_wrapped(
    layout: bpy.types.UILayout, context: bpy.types.Context, text: str, *, icon: str = "NONE", width: float = 0.0
) -> None:
    """Draw a text on as many lines as it needs. `width`: pixels at scale 1; 0 for the sidebar's."""
    scale = context.preferences.system.ui_scale
    room = (width or context.region.width / scale - _BORDER) - (_ICON if icon != "NONE" else 0)
    size = _points(context.preferences)
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(lines_of(text, int(room), size)):
        blank = "NONE" if icon == "NONE" else "BLANK1"
        column.label(text=line, icon=blank if number else icon, translate=False)


def _points(preferences: Any) -> float:
    """Returns the size of the interface's font."""
    return float(preferences.ui_styles[0].widget.points)


@functools.lru_cache(512)
def lines_of(text: str, room: int, size: float) -> tuple[str, ...]:
    """Returns a text in lines of at most `room` pixels, in the interface's font of `size` points."""
    measure: Any = blf.dimensions
    blf.size(0, size)
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and measure(0, longer)[0] > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return tuple(lines)
