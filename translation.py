# SPDX-License-Identifier: GPL-3.0-or-later
"""Translates texts that are composed at runtime: labels with numbers or names in them, messages, and errors.

Blender itself translates a text that is passed on unchanged: the names and descriptions of properties, the labels and
tooltips of operators and panels, and `layout.label(text="…")`. A name that an artist chose is drawn with
`translate=False`, else an object named "Light" would be translated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy

from .errors import ErrorInfo, Message


def tr(template: str, **arguments: Any) -> str:
    """Returns a text of the interface in its language. `template` names its arguments in braces: "{count} images".

    An argument can be a Message itself.
    """
    return _translated(Message(template, arguments), bpy.app.translations.pgettext_iface)


def tr_message(message: Message | ErrorInfo) -> str:
    """Returns a message, or an error with its advice, in the interface's language."""
    return _translated(message, bpy.app.translations.pgettext_iface)


def tr_report(message: Message | ErrorInfo | str, **arguments: Any) -> str:
    """Returns what an operator reports, in the language of reports. A `str` is a template for the arguments."""
    shown = Message(message, arguments) if isinstance(message, str) else message
    return _translated(shown, bpy.app.translations.pgettext_rpt)


def _translated(message: Message | ErrorInfo, translate: Callable[[str], str]) -> str:
    if isinstance(message, ErrorInfo):
        parts = (_translated(part, translate) for part in (message.message, message.advice) if part)
        return " ".join(parts)
    arguments = {
        name: _translated(value, translate) if isinstance(value, Message | ErrorInfo) else value
        for name, value in message.arguments.items()
    }
    return str(Message(translate(message.template), arguments)) if message.template else ""
