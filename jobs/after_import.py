# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the mesh tool that a job's settings want on its model, before the model is placed.

The tool never costs the model: if it fails, the model arrives as it was generated, with a note that says why. What the
tool made is in the job's folder, beside the prepared .blend of the original.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..atomic_file import replace as replace_file
from ..errors import NO_MESSAGE, CancelledError, ImageTo3DError, Message, StorageError, WorkerError
from ..placement import SETTINGS
from ..setting_rows import checked
from ..tool_settings import TABLES, Export, Tool
from ..worker.tool_runner import ToolRequest, ToolResult, run
from .job import TOOL_OUTCOME, Job, State, TargetScene
from .progress import tool_notes
from .retry import MAX_WORKER_ATTEMPTS
from .step_context import StepContext, StepResult

_log = logging.getLogger(__name__)

_FOLDER: Final = "~tool"
"""For the temporary files, in the job's folder."""
_STEMS: Final[Mapping[Tool, str]] = {
    Tool.CLEAN_UP: "model-clean",
    Tool.REMESH: "model-quads",
    Tool.PRINT: "model-print",
}
"""The names of the files that each tool makes."""
_FILES_ONLY: Final = asdict(Export(engine="OTHER", file_format="GLB", textures="PACKED"))
"""How the model is exported if it is placed in no scene."""


class Outcome(NamedTuple):
    """What became of a job's tool."""

    tool: Tool
    settings: Mapping[str, Any]
    result: ToolResult
    """Without a .blend if the tool failed."""


def process(job: Job, context: StepContext) -> StepResult:
    """Run the tool on the prepared model."""
    try:
        if job.conversions > MAX_WORKER_ATTEMPTS:
            raise WorkerError(
                "Blender, or its background Blender, ended {count} times while the tool was running.",
                count=job.conversions - 1,
            )
        job = _with_result(job, context)
    except CancelledError:
        raise
    except ImageTo3DError as error:
        _log.warning("%s: %s failed: %s", job.id, job.placement.tool, error)
        job = with_failure(job, error.message)
    return StepResult(job.moved(State.READY, conversions=0))


def with_failure(job: Job, reason: Message) -> Job:
    """Returns the job with a note that its tool failed; unchanged if it has none."""
    tool = job.placement.tool
    if tool is None:
        return job
    note = Message("{tool} failed: {reason} The model is as it was generated.", {"tool": label(tool), "reason": reason})
    repairs = [*(job.details.get("repairs") or ()), note.to_json()]
    return replace(
        job, details={**job.details, TOOL_OUTCOME: {"name": str(tool), "error": note.to_json()}, "repairs": repairs}
    )


def without_outcome(job: Job) -> Job:
    """Returns the job as it is before its tool runs."""
    details = {name: value for name, value in job.details.items() if name != TOOL_OUTCOME}
    return replace(job, details=details, tool_file="", made_files=())


def outcome_of(job: Job) -> Outcome | None:
    """Returns what became of the job's tool; None if it has none, or did not run yet.

    Whatever has another type than it should counts as missing: a results folder may come from anywhere.
    """
    stored = job.details.get(TOOL_OUTCOME)
    if not isinstance(stored, Mapping) or stored.get("name") not in list(_STEMS):
        return None
    parts, facts, settings = (stored.get(name) for name in ("parts", "facts", "settings"))
    result = ToolResult(
        job.folder / job.tool_file if job.tool_file else None,
        tuple(
            (str(each[0]), str(each[1])) for each in _list(parts) if isinstance(each, list | tuple) and len(each) == 2
        ),
        tuple(tool_notes(job.details)),
        facts if isinstance(facts, Mapping) else {},
        tuple(job.folder / name for name in job.made_files),
    )
    return Outcome(Tool(stored["name"]), settings if isinstance(settings, Mapping) else {}, result)


def failure_of(job: Job) -> Message:
    """Returns why the job's tool failed; empty if it did not, or has not run."""
    stored = job.details.get(TOOL_OUTCOME)
    error = stored.get("error") if isinstance(stored, Mapping) else None
    return Message.from_json(error) if isinstance(error, Mapping) else NO_MESSAGE


def label(tool: Tool) -> Message:
    """Returns a tool's name, as the setting shows it."""
    choices = SETTINGS["after_import"].choices
    return Message(next(choice.label for choice in choices if choice.value == tool))


def _with_result(job: Job, context: StepContext) -> Job:
    """Run the tool, and move what it made into the job's folder. Returns the job with it. Raises ImageTo3DError."""
    tool = job.placement.tool
    assert tool is not None, "resume_state() checked it"
    wants_export = tool is not Tool.PRINT and job.target_scene == TargetScene()  # files are all that it is for
    if job.blend_path is None or not job.blend_path.is_file():
        raise StorageError("The prepared model is no longer in the job's folder.")
    settings = asdict(TABLES[tool](**checked(TABLES[tool], job.placement.tool_settings)))
    folder = job.folder / _FOLDER
    file_format = str(settings.get("file_format", "")).lower()
    file = job.file_name(_STEMS[tool], file_format) if file_format else ""
    root = str(job.details.get("root") or "")
    request = ToolRequest(tool, settings, job.blend_path, job.name, file, folder=folder, root=root)
    control = context.control
    try:
        shutil.rmtree(folder, ignore_errors=True)  # an interrupted run has left it
        folder.mkdir()
        result = run(context.worker, request, control.span(0.0, 0.9) if wants_export else control)
        made = list(result.files)
        if wants_export and result.blend is not None:
            name = job.file_name(_STEMS[tool], "glb")
            export = ToolRequest(Tool.EXPORT, _FILES_ONLY, result.blend, job.name, name)
            made += run(context.worker, export, control.span(0.9, 1.0)).files
        blend = _move(result.blend, job.folder / job.file_name(_STEMS[tool], "blend")) if result.blend else ""
        files = tuple(_move(each, job.folder / each.name) for each in made)
    except OSError as error:
        raise StorageError("The results folder can't be written: {reason}.", cause=error) from error
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)
    outcome = {
        "name": str(tool),
        "settings": settings,
        "notes": [note.to_json() for note in result.notes],
        "facts": dict(result.facts),
        "parts": [list(part) for part in result.parts],
    }
    return replace(job, tool_file=blend, made_files=files, details={**job.details, TOOL_OUTCOME: outcome})


def _move(source: Path, target: Path) -> str:
    """Move a file, over one of an interrupted run. Returns its new name. Raises OSError."""
    replace_file(source, target)
    return target.name


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
