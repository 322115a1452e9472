# SPDX-License-Identifier: GPL-3.0-or-later
"""Translates what the add-on shows (internationalization, i18n, localization).

Each file translations/<locale>.json has the texts of one language: the English text and its translation. Blender gets
the texts of the language that its interface has, and gets others when the artist chooses another language. A text that
Blender's own catalog has is translated by that catalog.

Blender itself translates a text that is passed on unchanged: the names and descriptions of properties, the labels and
tooltips of operators and panels, and `layout.label(text="…")`. `tr` and the like translate a text that is composed at
runtime: a label with numbers or names in it, a message, an error. A name that an artist chose is drawn with
`translate=False`, else an object named "Light" would be translated.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import bpy

from .errors import ErrorInfo, Message

FOLDER: Final = Path(__file__).parent / "translations"
CONTEXTS: Final = ("*", "Operator")
"""Blender looks up labels of operators and the texts of their buttons in the second context, all else in the first."""
_BY_LANGUAGE: Final = {"de": "de_DE", "es": "es", "fr": "fr_FR", "ja": "ja_JP"}
"""The file for a language in other countries: "de_AT". Chinese and Portuguese differ too much."""

_subscription: Final = object()
"""Owns the subscription to the interface's language."""


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


def file_for(locale: str) -> Path | None:
    """Returns the file with the texts for one of Blender's locales; None if there is none, as for English."""
    names = (locale, _BY_LANGUAGE.get(locale.partition("_")[0], ""))
    return next((file for name in names if name and (file := FOLDER / f"{name}.json").is_file()), None)


def _load() -> None:
    """Give Blender the texts of the interface's language."""
    locale = bpy.app.translations.locale
    bpy.app.translations.unregister(__package__)
    file = file_for(locale)
    if file is not None:
        import json

        texts = json.loads(file.read_bytes())
        found = {(context, english): text for english, text in texts.items() for context in CONTEXTS}
        bpy.app.translations.register(__package__, {locale: found})


def follow_language() -> None:
    """Load the texts again whenever the artist chooses another language. Blender forgets this when it loads a file."""
    bpy.msgbus.clear_by_owner(_subscription)
    language = (bpy.types.PreferencesView, "language")
    bpy.msgbus.subscribe_rna(key=language, owner=_subscription, args=(), notify=_load)


def register() -> None:
    _load()
    follow_language()


def unregister() -> None:
    bpy.msgbus.clear_by_owner(_subscription)
    bpy.app.translations.unregister(__package__)
