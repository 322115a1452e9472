# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the result of a mesh tool into the scene, as one undo step, in the place of the object that it was made from.

The original stays, hidden, in the same collections. Mode and selection are left alone; only if the original is
selected or active, its replacement is, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import bpy

from ..bl_ids import MODEL_RECORD
from ..errors import MeshToolError, Message
from ..jobs.provenance import REPORT, TOOL, mesh_report, store
from ..mesh_report import MeshReport
from ..tool_settings import NEEDS_TEXTURES, Tool
from ..translation import tr
from . import append_blend, hand_over, place_model, versions

if TYPE_CHECKING:
    from ..worker.tool_runner import ToolResult

LABELS: Final[Mapping[Tool, str]] = {
    Tool.CHECK: "Check Mesh",
    Tool.CLEAN_UP: "Clean Up Mesh",
    Tool.SIMPLIFY: "Simplify",
    Tool.REMESH: "Remesh to Quads",
    Tool.PRINT: "Make Printable",
    Tool.LODS: "Make LODs",
    Tool.EXPORT: "Export Model",
}
"""The tools' names, for buttons and undo steps."""
_SUFFIXES: Final[Mapping[Tool, str]] = {
    Tool.CLEAN_UP: "Clean",
    Tool.SIMPLIFY: "Simplified",
    Tool.REMESH: "Quads",
    Tool.PRINT: "Print",
}
"""What follows the original's name in that of the result. LODs have their own names."""


def find(uid: int) -> bpy.types.Object | None:
    """Returns the object with a `session_uid`; None if it was deleted."""
    return next((item for item in bpy.data.objects if item.session_uid == uid), None)


def why_not_now(root: bpy.types.Object) -> str:
    """Returns why a result can't replace this object at the moment; empty if it can."""
    edited = next((item for item in versions.family(root) if item.mode != "OBJECT"), None)
    if edited is not None:
        return tr("Waiting until {name} is in Object Mode", name=edited.name)
    return place_model.why_not_now(bpy.context)


def place(
    root: bpy.types.Object,
    tool: Tool,
    settings: Mapping[str, Any],
    result: ToolResult,
    *,
    materials: Sequence[int] = (),
    undo_step: bool = True,
) -> list[bpy.types.Object]:
    """Place a tool's result where `root` is, and hide `root`. Returns the new objects, the first one in its place.

    A result without objects is only noted on `root`. `materials`: those that stand-ins replace (see
    `hand_over.HandedOver`). Raises WorkerError, MeshToolError.
    """
    scene = _scene_of(root)
    report = _report(root, tool, result)
    facts = {name: value for name, value in result.facts.items() if name != REPORT}
    objects: list[bpy.types.Object] = []
    if result.blend is not None:
        objects, _ = append_blend.append(result.blend, result.objects)
        try:
            hand_over.share_materials(objects, materials)
            _insert(objects, root, scene, only_first=tool is Tool.LODS)
        except Exception:
            versions.remove(objects)
            raise
        if tool in _SUFFIXES:
            original = versions.versions_of(root, scene)[0]
            objects[0].name = f"{original.name} {_SUFFIXES[tool]}"
    noted = objects[0] if objects else root
    if objects:
        notes = [note.to_json() for note in result.notes]
        store(noted, TOOL, {"name": str(tool), "notes": notes, **_plain(settings), **_plain(facts)})
    if report is not None:
        store(noted, REPORT, report.to_json())
    if undo_step and (objects or report is not None):  # a file alone changes nothing in the scene
        bpy.ops.ed.undo_push(message=tr(LABELS[tool]))
    return objects


def summary(name: str, tool: Tool, result: ToolResult, files: Sequence[Path]) -> Message:
    """Returns what a tool has done, as one message: its first note, and the file that it wrote."""
    text = Message("{tool}: {name}", {"tool": Message(LABELS[tool]), "name": name})
    if result.notes:
        text = Message("{text} · {note}", {"text": text, "note": result.notes[0]})
    return Message("{text} · {file}", {"text": text, "file": files[0].name}) if files else text


def _report(root: bpy.types.Object, tool: Tool, result: ToolResult) -> MeshReport | None:
    """Returns the mesh report of a result; None if it is not known.

    A tool that was not given the textures did not change them: they are those of the original's report.
    """
    report, before = MeshReport.from_json(result.facts.get(REPORT)), mesh_report(root)
    if report is None or tool in NEEDS_TEXTURES:
        return report
    if before is None:
        return None
    return replace(report, materials=before.materials, texture_sizes=before.texture_sizes)


def _insert(
    objects: list[bpy.types.Object], root: bpy.types.Object, scene: bpy.types.Scene, *, only_first: bool
) -> None:
    """Put the objects in the place of `root`. `only_first`: the others are hidden."""
    layer = place_model.view_layer(scene)
    new = objects[0]
    local = [each for each in root.users_collection if each.library is None and each.override_library is None]
    collections = local or [scene.collection]
    for item in objects:
        for collection in collections:
            collection.objects.link(item)
    for item in objects[1:]:
        item.parent = new
        store(item, versions.PART, 1)
    record: Any = root.get(MODEL_RECORD)
    if hasattr(record, "to_dict"):
        new[MODEL_RECORD] = record.to_dict()
        for name in (TOOL, REPORT):
            store(new, name, None)
    in_layer = any(item == root for item in layer.objects)
    selected, active = in_layer and root.select_get(view_layer=layer), layer.objects.active == root
    versions.add(new, root, scene)
    _ = layer.objects.active  # accessing this syncs the view layer with the new objects
    for number, item in enumerate(objects):
        hidden = only_first and number > 0
        item.hide_render = hidden
        if in_layer:
            item.select_set(selected and number == 0, view_layer=layer)
            item.hide_set(hidden, view_layer=layer)
            versions.follow_local_views(item, root)
    if active:
        layer.objects.active = new


def _scene_of(root: bpy.types.Object) -> bpy.types.Scene:
    """Returns the scene that has the object: the open one, if it does. Raises MeshToolError if none has."""
    scenes = root.users_scene  # not by name: a library override has the name of the linked object
    if not scenes:
        raise MeshToolError("{name} is no longer in any scene.", advice="", name=root.name)
    return bpy.context.scene if bpy.context.scene in scenes else scenes[0]


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what a custom property can hold."""
    kept = {name: value for name, value in values.items() if value is not None}
    return {name: _plain(value) if isinstance(value, Mapping) else value for name, value in kept.items()}
