# SPDX-License-Identifier: GPL-3.0-or-later
"""Validates the settings that a .blend brought, before anything reads them. A .blend may come from a stranger.

Blender checks the type of a stored value only in part: text that is not UTF-8 raises an error whenever it is read, a
reference to data in the place of a group of settings makes Blender read foreign memory, and numbers keep any value.
What does not fit its property is removed, so that the property has its default.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import bpy

from ..bl_ids import SCENE_SETTINGS
from ..log import logger

MAX_TEXT: Final = 4096
"""Characters of a stored text; the longest path that an OS allows."""
_UNFIT: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters; among them those that reverse the order in which a path or a URL is shown."""


def clean(
    scene: bpy.types.Scene, group: type[bpy.types.PropertyGroup], *, renamed: Mapping[str, str], removed: Iterable[str]
) -> None:
    """Remove every stored setting of a scene that does not fit its property in `group`.

    `renamed`: old names of settings and today's. `removed`: names that are not settings of a scene.
    """
    # Blender 5.0 moved them from the custom properties to properties of their own.
    container: Any = getattr(scene, "bl_system_properties_get", lambda: scene)()
    if container is None or SCENE_SETTINGS not in container:
        return
    stored = _group_in(container)
    if stored is None:
        logger(__name__).warning("the settings of %s are not readable, and were removed", scene.name)
        del container[SCENE_SETTINGS]
        return
    names = set(stored.keys())
    for old in names.intersection(renamed):
        stored[renamed[old]] = stored.pop(old)
    for name in names.intersection(removed):
        del stored[name]
    _clean_group(stored, group.bl_rna.properties)


def _group_in(container: Any) -> Any:
    """Returns the stored group of settings; None if something else is stored, or names that are not text."""
    try:
        stored = container[SCENE_SETTINGS]
        return stored if _is_group(stored) and stored.keys() is not None else None
    except UnicodeDecodeError:
        return None


def _is_group(value: Any) -> bool:
    """Whether a stored value is a group of others: data also has keys, those of its custom properties."""
    return hasattr(value, "keys") and not isinstance(value, bpy.types.ID)


def _clean_group(stored: Any, properties: Any) -> None:
    for name in list(stored.keys()):
        known = properties.get(name)
        if known is not None and not _fits(stored, name, known):
            logger(__name__).info("the setting %s has no valid value, and was removed", name)
            del stored[name]


def _fits(stored: Any, name: str, known: Any) -> bool:
    """Whether the stored value is valid for its property. A group that is valid itself is cleaned."""
    try:
        value = stored[name]
    except UnicodeDecodeError:
        return False
    if isinstance(value, str):
        return known.type == "STRING" and len(value) <= MAX_TEXT and not _UNFIT.search(value)
    match known.type:
        case "BOOLEAN":
            return isinstance(value, int)
        case "INT":
            return isinstance(value, int) and known.hard_min <= value <= known.hard_max
        case "FLOAT":
            is_number = isinstance(value, int | float) and math.isfinite(value)
            return is_number and known.hard_min <= value <= known.hard_max
        case "ENUM":
            return isinstance(value, int) and value in [item.value for item in known.enum_items]
        case "POINTER" if _is_data(known.fixed_type):
            return isinstance(value, getattr(bpy.types, known.fixed_type.identifier))
        case "POINTER" if _is_group(value):
            _clean_group(value, known.fixed_type.properties)
            return True
    return False


def _is_data(struct: Any) -> bool:
    """Whether a pointer property refers to data such as a collection, rather than to a group of settings."""
    while struct is not None and struct.identifier != "ID":
        struct = struct.base
    return struct is not None
