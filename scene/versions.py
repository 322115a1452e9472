# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of one object: the original and what mesh tools made of it, of which one is shown.

All of them stand at the same place, in the same collections. Which belong together, and which are hidden, is in their
records (see jobs.provenance): a hidden version is not a variation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import bpy

from ..bl_ids import LOD
from ..jobs.job import new_id
from ..jobs.provenance import JOB, having_record, record_text, store, value

VERSIONS: Final = "versions"
"""In the record: an id that all versions of an object share."""
NUMBER: Final = "version"
"""In the record: 0 for the original, and a higher number for each later version."""
HIDDEN: Final = "version_hidden"
"""In the record: 1 for all but the version that is shown."""
PART: Final = "version_part"
"""In the record: 1 for the objects below the first one that a tool made."""
MAX_NUMBER: Final = 10_000

_MADE: Final = frozenset({"MESH", "EMPTY"})
"""Types of the objects that models and results consist of."""
_places: dict[int, tuple[Any, tuple[int, int]]] = {}
"""By `session_uid`: what `place_among` returned last, and for which state of the file."""
_KEPT: Final = 100
_revision = 0
"""Incremented when versions were added, shown or removed."""


def versions_of(root: bpy.types.Object, scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """Returns all versions of an object in a scene, including itself, the original first.

    A duplicate that the artist made of a version has no others: these belong to what it was made from.
    """
    wanted = record_text(root, VERSIONS)
    if not wanted:
        return [root]
    found = {number(root): root}
    for item in having_record(scene.objects):
        if record_text(item, VERSIONS) == wanted:
            first = found.setdefault(number(item), item)
            if item.session_uid < first.session_uid:  # objects that are newer, or named later, are the duplicates
                found[number(item)] = item
    return [found[each] for each in sorted(found)] if found[number(root)] == root else [root]


def may_have_others(root: bpy.types.Object) -> bool:
    """Whether an object had other versions, which may have been deleted since. Costs nothing."""
    return bool(record_text(root, VERSIONS))


def place_among(root: bpy.types.Object, scene: bpy.types.Scene) -> tuple[int, int]:
    """Returns an object's position among its versions, from 0, and how many there are. For panels.

    A scene of thousands of objects is searched only after objects came or left.
    """
    if not may_have_others(root):
        return 0, 1
    state = (scene.session_uid, len(bpy.data.objects), _revision, record_text(root, VERSIONS), number(root))
    known = _places.get(root.session_uid)
    if known is None or known[0] != state:
        group = versions_of(root, scene)
        known = _places[root.session_uid] = (state, (group.index(root), len(group)))
        if len(_places) > _KEPT:
            del _places[next(iter(_places))]
    return known[1]


def number(root: bpy.types.Object) -> int:
    """Returns the number of a version: 0 for an original."""
    found = value(root, NUMBER)
    return found if isinstance(found, int) and 0 <= found <= MAX_NUMBER else 0


def is_hidden(root: bpy.types.Object) -> bool:
    """Whether another version is shown in place of this one."""
    return bool(value(root, HIDDEN) == 1)


def add(new: bpy.types.Object, root: bpy.types.Object, scene: bpy.types.Scene) -> None:
    """Make `new` a version of `root`, and show it in the place of the one that is shown."""
    group = versions_of(root, scene)
    take_place(new, next((item for item in group if not is_hidden(item)), root))
    if len(group) == 1:  # also that of a duplicate
        store(root, VERSIONS, new_id())
    store(new, NUMBER, max(map(number, group)) + 1)
    store(new, VERSIONS, record_text(root, VERSIONS))
    store(new, HIDDEN, None)  # it has a copy of the record of `root`, which a script may process while it is hidden
    for item in group:
        hide(item, True)


def show(shown: bpy.types.Object, others: list[bpy.types.Object]) -> None:
    """Show one version where the one that is shown now stands, and hide the others."""
    before = next((item for item in others if item != shown and not is_hidden(item)), None)
    if before is not None:
        take_place(shown, before)
        for item in family(shown):
            follow_local_views(item, before)
    for item in others:
        hide(item, item != shown)


def take_place(new: bpy.types.Object, old: bpy.types.Object) -> None:
    """Give an object the parent, transform and animation of another one, and the children that do not belong to it."""
    own = set(family(old))
    for child in old.children:
        if child not in own and child != new and child.parent_type == "OBJECT":
            child.parent = new
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


def follow_local_views(new: bpy.types.Object, root: bpy.types.Object) -> None:
    """Show an object in each local view that shows `root`."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            space = area.spaces.active
            if isinstance(space, bpy.types.SpaceView3D) and space.local_view is not None:
                new.local_view_set(space, root.local_view_get(space))


def hide(root: bpy.types.Object, hidden: bool) -> None:
    """Hide a version in viewports and renders, or show it."""
    for item in family(root):
        level: Any = item
        item.hide_viewport = hidden
        item.hide_render = hidden or level.get(LOD, 0) != 0  # of levels of detail, only the finest one is rendered
    store(root, HIDDEN, 1 if hidden else None)
    _changed()


def keep(kept: bpy.types.Object, group: list[bpy.types.Object]) -> None:
    """Show one version and remove the others, with what only they use."""
    show(kept, group)
    every = dict.fromkeys(item for root in group if root != kept for item in family(root) if item != kept)
    going = [item for item in every if item in group or item.type in _MADE]  # a light is the artist's
    for child in [child for item in going for child in item.children if child != kept and child not in going]:
        child.parent = kept  # the artist's own: it stands at the same place
    remove(going)
    for name in (VERSIONS, NUMBER, HIDDEN):
        store(kept, name, None)
    _changed()


def remove(going: list[bpy.types.Object]) -> None:
    """Remove objects, with the meshes, materials and images that nothing else uses."""
    data = [item.data for item in going if item.data is not None]
    materials = [material for item in data if isinstance(item, bpy.types.Mesh) for material in item.materials]
    images = [
        getattr(node, "image", None)
        for material in materials
        if material is not None and material.node_tree is not None
        for node in material.node_tree.nodes
    ]
    bpy.data.batch_remove(going)
    for group in (data, materials, images):
        unused = {item.session_uid: item for item in group if item is not None and item.users == 0}
        bpy.data.batch_remove(list(unused.values()))


def family(root: bpy.types.Object) -> Iterator[bpy.types.Object]:
    """Yields the object and the children that belong to it: those of a generated model, or of a tool's result."""
    yield root
    is_model = bool(record_text(root, JOB))
    yield from (child for child in root.children_recursive if is_model or value(child, PART) == 1)


def _changed() -> None:
    global _revision
    _revision += 1
