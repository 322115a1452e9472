# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of one object: the original and what mesh tools made of it, of which one is shown.

All of them stand at the same place, in the same collections. Which belong together, and which are hidden, is in their
records (see jobs.provenance): a hidden version is not a variation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import bpy

from ..jobs.job import new_id
from ..jobs.provenance import having_record, record_text, store, value

VERSIONS: Final = "versions"
"""In the record: an id that all versions of an object share."""
NUMBER: Final = "version"
"""In the record: 0 for the original, and a higher number for each later version."""
HIDDEN: Final = "version_hidden"
"""In the record: 1 for all but the version that is shown."""
MAX_NUMBER: Final = 10_000


def versions_of(root: bpy.types.Object, scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """Returns all versions of an object in a scene, including itself, the original first."""
    wanted = record_text(root, VERSIONS)
    if not wanted:
        return [root]
    found = [item for item in having_record(scene.objects) if record_text(item, VERSIONS) == wanted]
    return sorted(found, key=number)


def number(root: bpy.types.Object) -> int:
    """Returns the number of a version: 0 for an original."""
    found = value(root, NUMBER)
    return found if isinstance(found, int) and 0 <= found <= MAX_NUMBER else 0


def is_hidden(root: bpy.types.Object) -> bool:
    """Whether another version is shown in place of this one."""
    return bool(value(root, HIDDEN) == 1)


def add(new: bpy.types.Object, root: bpy.types.Object, scene: bpy.types.Scene) -> None:
    """Make `new` a version of `root`, and show it in its place."""
    if not record_text(root, VERSIONS):
        store(root, VERSIONS, new_id())
    store(new, NUMBER, max(map(number, versions_of(root, scene)), default=0) + 1)
    store(new, VERSIONS, record_text(root, VERSIONS))
    hide(root, True)


def show(shown: bpy.types.Object, others: list[bpy.types.Object]) -> None:
    """Show one version where the one that is shown now stands, and hide the others."""
    before = next((item for item in others if item != shown and not is_hidden(item)), None)
    if before is not None:
        take_place(shown, before)
    for item in others:
        hide(item, item != shown)


def take_place(new: bpy.types.Object, old: bpy.types.Object) -> None:
    """Give an object the parent, transform and animation of another one."""
    new.parent = old.parent
    if old.parent is not None:
        new.parent_type = old.parent_type
        new.parent_bone = old.parent_bone
        new.matrix_parent_inverse = old.matrix_parent_inverse
    new.rotation_mode = old.rotation_mode
    for name in ("location", "rotation_euler", "rotation_quaternion", "rotation_axis_angle", "scale"):
        setattr(new, name, getattr(old, name))
        delta = f"delta_{name}"
        if hasattr(old, delta):
            setattr(new, delta, getattr(old, delta))
    if old.animation_data is not None and old.animation_data.action is not None:
        moved: Any = new.animation_data_create()
        moved.action = old.animation_data.action
        if hasattr(moved, "action_slot"):  # from 4.4 on
            moved.action_slot = old.animation_data.action_slot  # type: ignore[attr-defined,unused-ignore]
    if old.constraints:  # their effect can't be copied
        new.matrix_world = old.matrix_world


def hide(root: bpy.types.Object, hidden: bool) -> None:
    """Hide a version in viewports and renders, or show it."""
    for item in family(root):
        item.hide_viewport = item.hide_render = hidden
    store(root, HIDDEN, 1 if hidden else None)


def family(root: bpy.types.Object) -> Iterator[bpy.types.Object]:
    """Yields the object and the children that belong to it: those of a generated model, or of a tool's result."""
    yield root
    if record_text(root, VERSIONS) and (number(root) or record_text(root, "job")):
        yield from root.children_recursive
