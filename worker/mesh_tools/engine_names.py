# SPDX-License-Identifier: GPL-3.0-or-later
"""Names by which engines recognize levels of detail and collision meshes. docs/engines.md says where they come from.

In Blender, these are `<name>_LOD0` and `<name>_Collision`. On export, they become what the engine expects.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from ...errors import one_line

_MAX_BYTES: Final = 44
"""Blender before 5.0 keeps 63 bytes of a name; the longest addition is `UCX_…_LOD0_00`, and a number such as `.001`."""
_LEVEL: Final = re.compile(r"(.+)_LOD(\d)(?:\.\d{3,})?", re.IGNORECASE)
_COLLISION: Final = re.compile(r"(?:UCX_(.+?)(?:_\d+)?|(.+)_Collision|(.+)-(?:conv)?col(?:only)?)(?:\.\d{3,})?")
_UNSAFE: Final = re.compile(r"[^\w-]+|_(?=_)")
_NUMBER: Final = re.compile(r"\.\d{3,}$")
_DEVICE: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)
"""Names that Windows reserves."""


class Role(NamedTuple):
    """What an object is for. `model`: the name of what it belongs to; `level`: -1 if it is no level of detail."""

    model: str
    level: int = -1
    collision: bool = False


def level_name(model: str, level: int) -> str:
    """Returns the name of a level of detail, which Unity and Blender's users expect."""
    return f"{_cut(one_line(model))}_LOD{level}"


def collision_name(model: str) -> str:
    """Returns the name of a collision mesh in Blender."""
    return f"{_cut(one_line(model))}_Collision"


def role_of(name: str) -> Role:
    """Returns what an object's name says that it is for."""
    if found := _LEVEL.fullmatch(name):
        return Role(found[1], level=int(found[2]))
    if found := _COLLISION.fullmatch(name):
        model = next(group for group in found.groups() if group)
        level = _LEVEL.fullmatch(model)
        return Role(level[1] if level else model, collision=True)
    return Role(_NUMBER.sub("", name))


def exported_collision_name(engine: str, render_name: str, model: str, number: int = 0) -> str:
    """Returns the name of a collision mesh that the engine recognizes; "" if the engine recognizes none.

    `render_name`: the name of the exported mesh that it belongs to; `number`: from 0, if there are several.
    """
    if engine == "UNREAL":
        return f"UCX_{render_name}_{number:02}"
    if engine == "GODOT":
        return f"{model}{number or ''}-convcolonly"
    return ""


def safe_name(name: str) -> str:
    """Returns a name for objects, materials, images and files that every file system and engine accepts."""
    result = _cut(_UNSAFE.sub("_", one_line(name))).strip("_-") or "Model"
    return f"{result}_" if _DEVICE.fullmatch(result) else result


def unique_names(names: Iterable[str]) -> list[str]:
    """Returns a safe name for each, none twice on any file system, without the numbers that Blender appends."""
    result: list[str] = []
    for name in names:
        stem = unused = safe_name(_NUMBER.sub("", name))
        while unused.lower() in {each.lower() for each in result}:
            unused = f"{stem}_{len(result) + 1}"
        result.append(unused)
    return result


def _cut(name: str) -> str:
    return name.encode()[:_MAX_BYTES].decode("utf-8", "ignore")
