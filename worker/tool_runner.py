# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a mesh tool in a background Blender, step by step. This is the host's side; `mesh_tools` is the child's.

Blender's QuadriFlow can't be interrupted, so each method of remeshing is a request of its own with a time limit. A
background Blender that takes longer is ended, and the next method is tried.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ..control import NO_CONTROL, Control
from ..errors import MeshToolError, Message, WorkerError
from ..tool_settings import NEEDS_TEXTURES, Tool
from .worker_process import MAX_TIME_LIMIT, WorkerProcess

_log = logging.getLogger(__name__)

TIME_LIMIT: Final = 300.0
"""Seconds for one step of a tool: baking 4096 × 4096 pixels takes about a minute on two slow cores."""
TIME_LIMIT_PER_MB: Final = 3.0
"""Seconds for each megabyte of the mesh and its textures."""
METHODS: Final[Mapping[str, Message]] = {
    "QUADRIFLOW": Message("QuadriFlow"),
    "VOXEL_QUADRIFLOW": Message("Voxel Remesh and QuadriFlow"),
    "DECIMATE": Message("Decimate"),
}
"""How quads can be made, the best way first."""
QUADS_TIME_LIMITS: Final[Mapping[str, float]] = dict.fromkeys(METHODS, 60.0)
"""Seconds for each method; 100,000 triangles take 5 to 10. `QUADS_TIME_LIMIT_PER_MB` is added."""
QUADS_TIME_LIMIT_PER_MB: Final = 1.0
"""Seconds for each megabyte of the mesh: a million triangles have about 100, and take 30 to 60 seconds."""
_STEPS: Final[Mapping[Tool, str]] = {
    Tool.CHECK: "check_mesh",
    Tool.CLEAN_UP: "clean_up",
    Tool.SIMPLIFY: "simplify",
    Tool.PRINT: "print",
    Tool.LODS: "lods",
    Tool.EXPORT: "export",
}
"""The task of the worker that does all of a tool's work. Remeshing has several."""


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """What a tool is to do."""

    tool: Tool
    settings: Mapping[str, Any]
    source: Path
    """A .blend with the objects, see `mesh_tools.blend_exchange`."""
    name: str
    """The model's name, for what is made of it."""
    file: str = ""
    """The name of the file that the tool writes, if it writes one."""
    transform: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    """From the objects' space to meters as they stand in the scene: the rows of a 3 × 3 matrix."""
    images: tuple[tuple[str, str], ...] = ()
    """Images whose pixels are not in `source`: their names, and the files with the pixels (numpy's format)."""
    folder: Path | None = None
    """Where the tool writes; by default, beside `source`."""
    root: str = ""
    """The object in `source` that the tool replaces; empty if the transforms are relative to it already."""

    def path(self, name: str) -> Path:
        """Returns the path of a file that the tool writes."""
        return (self.folder or self.source.parent) / name


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool made."""

    blend: Path | None = None
    """A .blend with the new objects; None if it makes none."""
    parts: tuple[tuple[str, str], ...] = ()
    """See `convert_model.large_parts`."""
    notes: tuple[Message, ...] = ()
    """What was done, for the artist."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Numbers and short texts, which are stored on the new object."""
    files: tuple[Path, ...] = ()
    """The files that it wrote, beside the .blend."""
    objects: tuple[str, ...] = ()
    """The names of the new objects, first the one that takes the original's place; empty if that is their root."""


def run(
    worker: WorkerProcess,
    request: ToolRequest,
    control: Control = NO_CONTROL,
    *,
    quads_time_limits: Mapping[str, float] = QUADS_TIME_LIMITS,
) -> ToolResult:
    """Run a tool. Returns what it made. Blocks; not for the main thread.

    `quads_time_limits`: seconds for each of METHODS.
    Raises MeshToolError, CancelledError.
    """
    target = request.path("result.blend")
    if request.tool is Tool.REMESH:
        return _remesh(worker, request, target, control, quads_time_limits)
    reply = _step(worker, request, _STEPS[request.tool], control, target=str(target))
    return _result(reply, target)


def _remesh(
    worker: WorkerProcess, request: ToolRequest, target: Path, control: Control, time_limits: Mapping[str, float]
) -> ToolResult:
    prepared, quads = (request.path(name) for name in ("prepared.blend", "quads.blend"))
    reply = _step(worker, request, "remesh_prepare", control.span(0.0, 0.1), target=str(prepared))
    notes = [Message.from_json(note) for note in reply["notes"]]
    facts = dict(reply["facts"])
    megabytes = prepared.stat().st_size / 1e6
    for method, label in METHODS.items():
        try:
            made = _step(
                worker,
                request,
                "remesh_quads",
                control.span(0.1, 0.4),
                time_limits[method] + QUADS_TIME_LIMIT_PER_MB * megabytes,
                source=str(prepared),
                target=str(quads),
                method=method,
            )
            break
        except MeshToolError as error:
            _log.warning("%s: %s failed: %s", request.name, method, error)
            notes.append(Message("{method} was not used: {reason}", {"method": label, "reason": error.message}))
            last = error
    else:
        raise last
    reply = _step(
        worker,
        request,
        "remesh_finish",
        control.span(0.4, 1.0),
        source=str(quads),
        original=str(prepared),
        target=str(target),
    )
    notes.insert(0, Message("Method: {method}", {"method": METHODS[method]}))
    notes += [Message.from_json(note) for note in (*made["notes"], *reply["notes"])]
    facts |= {**made["facts"], **reply["facts"], "method": method}
    return _result(reply | {"notes": [note.to_json() for note in notes], "facts": facts}, target)


def _step(
    worker: WorkerProcess,
    request: ToolRequest,
    task: str,
    control: Control,
    limit: float | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Returns the result of one task. `limit`: seconds; by default, the size of the source decides."""
    if limit is None:
        limit = min(TIME_LIMIT + TIME_LIMIT_PER_MB * request.source.stat().st_size / 1e6, MAX_TIME_LIMIT)
    body: dict[str, Any] = {
        "do": task,
        "source": str(request.source),
        "settings": dict(request.settings),
        "name": request.name,
        "transform": request.transform,
        "file": str(request.path(request.file)) if request.file else "",
    }
    if "source" not in more:  # what belongs to the first one only
        numbered = bool(request.root) and request.tool not in NEEDS_TEXTURES
        body |= {"images": request.images, "root": request.root, "number_materials": numbered}
    try:
        return worker.run(body | more, control, timeout=limit)
    except WorkerError as error:  # its advice is about a model file
        raise MeshToolError(error.message.template, **error.message.arguments) from error


def _result(reply: Mapping[str, Any], target: Path) -> ToolResult:
    return ToolResult(
        target if reply.get("objects") else None,
        tuple((kind, name) for kind, name in reply.get("parts", ())),
        tuple(Message.from_json(note) for note in reply.get("notes", ())),
        reply.get("facts", {}) | ({"report": reply["report"]} if "report" in reply else {}),
        tuple(target.parent / name for name in reply.get("files", ())),
        tuple(reply.get("objects", ())),
    )
