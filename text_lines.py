# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws a text on as many lines as it needs: a label would cut it off. Measured with the interface's font."""

from __future__ import annotations

import functools
import itertools
import re
from typing import Final

import blf
import bpy

_NARROW: Final = 230
"""A sidebar of less than this many points has no room for a bar in a row, and for buttons beside a list."""
_MARGINS: Final = 54
"""Points of the sidebar's width that a text can't use: the tabs, the panel's margins, and the label's own."""
_BOX: Final = 12
"""Points that the frame of a box takes."""
_ICON: Final = 26
"""Points that an icon takes, with the gap before the text."""
_FIELD: Final = 36
"""Points of a number field where nothing is written: its ends, and a gap between label and number."""
_BUTTON: Final = 4
"""Points of a button's width at its ends where nothing is written."""
_BUTTON_IN_BOX: Final = 20
"""Points by which a button is narrower in a box."""
_BUTTON_ICON: Final = 24
"""Points that the icon of a button takes."""
_ICON_BUTTON: Final = 21
"""Points that a button with an icon alone takes."""
_CHECKBOX: Final = 20
"""Points that a checkbox takes."""
_FONT: Final = 0
_SPACES: Final = re.compile(r"[ \t\r\n]+")
"""A line can break here. Non-breaking spaces, which keep a number and its unit together, are none of these."""
_SIZE: Final = re.compile(r"(?<=\d) × (?=\d)")
"""Within a size, no line breaks."""
_PARTS: Final = re.compile(r"[^/\\]*[/\\]+|[^/\\]+")
"""What stands between the slashes of a path or URL, and the slashes behind it."""
_LETTERS: Final = re.compile(r"[(\[{«“„「『（]*.\xa0*[)\]}».,:;!?…”、。，．：；！？・ー」』）]*", re.DOTALL)
"""A letter with the punctuation that no line may begin or end with."""


def is_narrow(context: bpy.types.Context) -> bool:
    """Whether the sidebar is too narrow for two things beside each other."""
    return context.region.width / context.preferences.system.ui_scale < _NARROW


def fits_in_field(context: bpy.types.Context, text: str) -> bool:
    """Whether a label and its value fit into a field that is as wide as the sidebar."""
    return fits(context, text, context.region.width - (_MARGINS + _FIELD) * context.preferences.system.ui_scale)


def button_room(
    context: bpy.types.Context, *, icon: str = "NONE", in_box: bool = False, buttons: int = 1, icons_beside: int = 0
) -> float:
    """Returns how wide the label of a button can be, in pixels. `buttons`: how many share the sidebar's width.

    `icons_beside`: how many buttons with an icon alone are in the same row.
    """
    taken = _MARGINS + (_BUTTON_IN_BOX if in_box else 0) + icons_beside * _ICON_BUTTON
    ends = _BUTTON + (_BUTTON_ICON if icon != "NONE" else 0)
    scale = context.preferences.system.ui_scale
    return (context.region.width - taken * scale) / buttons - ends * scale


def checkbox_room(context: bpy.types.Context) -> float:
    """Returns how wide the label of a checkbox can be, in pixels."""
    return float(context.region.width - (_MARGINS + _CHECKBOX) * context.preferences.system.ui_scale)


def fits(context: bpy.types.Context, text: str, room: float) -> bool:
    """Whether a text that is translated already is no wider than this, in pixels."""
    preferences = context.preferences
    return _width_of_line(text, preferences.ui_styles[0].widget.points * preferences.system.ui_scale) <= room


def wrapped(
    layout: bpy.types.UILayout,
    context: bpy.types.Context,
    text: str,
    *,
    icon: str = "NONE",
    alert: bool = False,
    in_box: bool = False,
    width: float = 0.0,
) -> None:
    """Draw a text that is translated already. `alert`: in red. `in_box`: the layout is that of a box.

    `width`: points for the text and its icon; 0 for what the sidebar has.
    """
    preferences = context.preferences
    scale = preferences.system.ui_scale
    points = preferences.ui_styles[0].widget.points
    room = width * scale or context.region.width - (_MARGINS + (_BOX if in_box else 0)) * scale
    room -= _ICON * scale if icon != "NONE" else 0
    column = layout.column(align=True)
    column.scale_y = 0.8
    column.alert = alert
    for number, line in enumerate(_lines(text, room, points * scale)):
        shown = icon if number == 0 or icon == "NONE" else "BLANK1"
        column.label(text=line, icon=shown, translate=False)


@functools.lru_cache(maxsize=64)
def _lines(text: str, width: float, size: float) -> tuple[str, ...]:
    """Returns the lines of a text that are no wider than `width` pixels; a longer word has lines of its own."""
    blf.size(_FONT, size)
    lines, line = [], ""
    for word in _breakable(text, width):
        longer = f"{line} {word}" if line and not word.startswith("\0") else line + word.lstrip("\0")
        if line and _width(longer) > width:
            lines.append(line)
            longer = word.lstrip("\0")
        line = longer
    return (*lines, line)


def _breakable(text: str, width: float) -> list[str]:
    """Returns the pieces between which a line can break. A piece that starts with NUL continues the word before.

    A word that is wider than a line breaks after slashes (a path, a URL), and else at any letter (Japanese, Chinese).
    """
    pieces: list[str] = []
    for word in _SPACES.split(_SIZE.sub("\xa0×\xa0", text.strip())):
        if _width(word) <= width:
            pieces.append(word)
        else:
            parts = [[part] if _width(part) <= width else _LETTERS.findall(part) for part in _PARTS.findall(word)]
            first, *others = itertools.chain.from_iterable(parts)
            pieces += [first, *(f"\0{part}" for part in others)]
    return pieces


@functools.lru_cache(maxsize=256)
def _width_of_line(text: str, size: float) -> float:
    blf.size(_FONT, size)
    return _width(text)


def _width(text: str) -> float:
    width, _height = blf.dimensions(_FONT, text)
    return float(width)
