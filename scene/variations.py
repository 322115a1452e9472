# SPDX-License-Identifier: GPL-3.0-or-later
"""Variations of one model: shown side by side or one at a time in the same place, and reduced to one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import bpy
from mathutils import Vector

from ..jobs.provenance import GROUP, JOB, having_record, record_text, store, value
from . import versions

GAP: Final = 1.25
"""Distance between two variations, in widths of the model."""


def model_of(item: bpy.types.Object | None) -> bpy.types.Object | None:
    """Returns the root of the generated model that an object belongs to; None if it belongs to none."""
    while item is not None:
        if value(item, JOB) and record_text(item, JOB):
            return item
        item = item.parent
    return None


def parts(root: bpy.types.Object) -> Iterator[bpy.types.Object]:
    """Returns a model's objects, the root first."""
    yield root
    yield from root.children_recursive


def group_of(root: bpy.types.Object, scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """Returns all variations of a model in a scene, including itself, oldest first."""
    group = value(root, GROUP)
    if not isinstance(group, str) or not group:
        return [root]
    models = having_record(scene.objects)
    found = [item for item in models if value(item, GROUP) == group and record_text(item, JOB)]
    found = [item for item in found if not versions.is_hidden(item)]
    return sorted(found, key=lambda item: record_text(item, JOB))


def bounds(root: bpy.types.Object) -> tuple[Vector, Vector]:
    """Returns the lowest and highest corner of a model's bounding box, in world space."""
    meshes = [item for item in parts(root) if item.type == "MESH"]
    corners = [item.matrix_world @ Vector(corner) for item in meshes for corner in item.bound_box]
    corners = corners or [root.matrix_world.translation]
    return Vector(map(min, zip(*corners, strict=True))), Vector(map(max, zip(*corners, strict=True)))


def show_only(shown: bpy.types.Object, group: list[bpy.types.Object]) -> None:
    """Show one variation at the first one's location, and hide the others."""
    home = group[0].location
    for root in group:
        root.delta_location = home - root.location if root == shown else (0.0, 0.0, 0.0)
        _hide(root, root != shown)


def show_all(group: list[bpy.types.Object]) -> None:
    """Show all variations side by side."""
    for root in group:
        root.delta_location = (0.0, 0.0, 0.0)
        _hide(root, False)


def keep(kept: bpy.types.Object, group: list[bpy.types.Object], scene: bpy.types.Scene) -> None:
    """Move one variation to the first one's location for good, and remove the others with all of their versions."""
    home = group[0].location.copy()
    for root in group:
        for version in versions.versions_of(root, scene) if root != kept else ():
            versions.remove(list(parts(version)))
    kept.delta_location = (0.0, 0.0, 0.0)
    kept.location = home
    _hide(kept, False)
    store(kept, GROUP, None)


def _hide(root: bpy.types.Object, hidden: bool) -> None:
    for item in parts(root):
        item.hide_viewport = item.hide_render = hidden
