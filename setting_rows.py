# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of a table of settings: the fields of a dataclass, each with its wording and range.

Validation, Blender properties, command line options and the docs are generated from the rows of `placement` and
`tool_settings`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field, fields
from typing import Any, Final, NamedTuple

from .errors import Message, ParameterError, one_line


class Choice(NamedTuple):
    """One value of a setting that has a list of them."""

    value: str
    label: str
    description: str


class Setting(NamedTuple):
    """One setting: its wording and range. Its name, type and default are the field's."""

    label: str
    description: str
    group: str = ""
    """Where the panel shows it."""
    choices: tuple[Choice, ...] = ()
    length: bool = False
    """A length in scene units."""
    minimum: float = 0.0
    maximum: float | None = None
    soft_maximum: float | None = None
    """Where a slider ends; larger values can still be typed."""
    panel_default: Any = None
    """The default in the panel, if it differs from the one for scripts."""
    when_on: float | None = None
    """For a number that is off at 0: the value that the panel suggests when it is switched on."""
    only_with: tuple[str, str] | None = None
    """The setting and its value without which this one has no effect, so the panel does not show it."""


def setting(default: Any, *args: Any, **options: Any) -> Any:
    """Returns a field of a dataclass that is a setting. `args` and `options`: those of `Setting`."""
    return field(default=default, metadata={"setting": Setting(*args, **options)})


def shared(table: type[Any], name: str, **changes: Any) -> Any:
    """Returns a field of a dataclass for a setting of another one: the same row, except for `changes`."""
    row, default = settings_of(table)[name], defaults_of(table)[name]
    return field(default=default, metadata={"setting": row._replace(**changes)})


def settings_of(table: type[Any]) -> dict[str, Setting]:
    """Returns every setting of a dataclass by name, in the order to show them."""
    return {each.name: each.metadata["setting"] for each in fields(table)}


def defaults_of(table: type[Any]) -> dict[str, Any]:
    """Returns the default of every setting of a dataclass."""
    return {each.name: each.default for each in fields(table)}


_ALLOWED: Final[Mapping[type[Any], str]] = {bool: "True or False", str: "a text", tuple: "a list of texts"}


def allowed(row: Setting, default: Any) -> Message:
    """Returns the allowed values of a setting, to follow "must be"."""
    if row.choices:
        return Message("one of {names}", {"names": ", ".join(f'"{choice.value}"' for choice in row.choices)})
    if _is_vector(default):
        return Message("three numbers")
    if type(default) in _ALLOWED:
        return Message(_ALLOWED[type(default)])
    whole = isinstance(default, int)
    limits = {"minimum": f"{row.minimum:,g}"}
    if row.maximum is None:
        return Message("an integer from {minimum}" if whole else "a number from {minimum}", limits)
    limits["maximum"] = f"{row.maximum:,g}"
    template = "an integer from {minimum} to {maximum}" if whole else "a number from {minimum} to {maximum}"
    return Message(template, limits)


def checked(table: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a script's values for settings of a dataclass. Raises ParameterError that names setting and range."""
    rows, defaults = settings_of(table), defaults_of(table)
    for name in values:
        if name not in rows:
            raise ParameterError(
                'There is no setting "{name}"; there are {names}.', name=one_line(name), names=", ".join(rows)
            )
    return {name: check(name, value, rows[name], defaults[name]) for name, value in values.items()}


def check(name: str, value: Any, row: Setting, default: Any) -> Any:
    """Returns a setting's value in the form of its default. Raises ParameterError if it is not allowed."""
    if row.choices:
        # A number, such as a texture's size, may be given as one.
        value = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        fits = value in [choice.value for choice in row.choices]
    elif _is_vector(default):
        numbers = value if isinstance(value, list | tuple) else ()
        fits = len(numbers) == 3 and all(isinstance(x, int | float) and math.isfinite(x) for x in numbers)
    elif isinstance(default, tuple):
        fits = isinstance(value, list | tuple) and all(isinstance(text, str) for text in value)
    elif isinstance(default, bool | str):
        fits = isinstance(value, type(default))
    else:
        number = int if isinstance(default, int) else int | float
        most = math.inf if row.maximum is None else row.maximum
        fits = isinstance(value, number) and not isinstance(value, bool)
        fits = fits and math.isfinite(value) and row.minimum <= value <= most
    if not fits:
        raise ParameterError(
            "{name} is {value}, but must be {allowed}.",
            name=name,
            value=one_line(repr(value), 80),
            allowed=allowed(row, default),
        )
    return tuple(value) if isinstance(value, list) else value


def _is_vector(default: Any) -> bool:
    return isinstance(default, tuple) and bool(default) and isinstance(default[0], float)
