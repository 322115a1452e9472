# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws buttons with a shorter label where the sidebar has no room for the usual one: Blender would cut it off."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Final

import bpy

from ..text_lines import button_room, fits

SHORTER: Final[Mapping[str, str]] = {
    "Allow Online Access": "Online Access",
    "Allow Online Access…": "Online Access…",
    "Change Daily Limit…": "Daily Limit…",
    "Check Again": "Check",
    "Download Again": "Download",
    "Enter API Key…": "API Key…",
    "Generate from Image": "Generate",
    "Get an API Key…": "Get Key…",
    "Import at Cursor": "Import",
    "Keep Only This": "Keep",
    "Open Preferences": "Preferences",
    "Open Preferences…": "Preferences…",
    "Test Connection": "Test",
    "Try Offline Preview": "Offline Preview",
    "Use These Settings": "Use Settings",
}
"""A label, and the one in its place where there is no room for it."""


def button(
    layout: bpy.types.UILayout,
    context: bpy.types.Context,
    operator: str,
    text: str = "",
    *,
    icon: str = "NONE",
    in_box: bool = False,
    buttons: int = 1,
    icons_beside: int = 0,
) -> Any:
    """Draw a button. Returns its operator's properties. `text`: in place of the operator's label.

    `buttons`: how many share its row. `icons_beside`: how many buttons with an icon alone follow in the row.
    """
    full = text or _label(operator)
    if shorter(full) != full:
        room = button_room(context, icon=icon, in_box=in_box, buttons=buttons, icons_beside=icons_beside)
        if not fits(context, _translated(full), room):
            text = shorter(full)
    return layout.operator(operator, icon=icon, **({"text": text} if text else {}))


def shorter(label: str) -> str:
    """Returns the label for where there is little room."""
    return SHORTER.get(label, label)


@functools.cache
def _label(operator: str) -> str:
    """Returns the label of an operator in English."""
    module, _, name = operator.partition(".")
    return str(getattr(getattr(bpy.ops, module), name).get_rna_type().name)


def _translated(label: str) -> str:
    """Returns a button's label as Blender translates it."""
    return bpy.app.translations.pgettext_iface(label, "Operator")
