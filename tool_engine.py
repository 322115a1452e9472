# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts mesh tools on objects in the scene, and brings their results into it. Main thread only.

`mesh_tasks` runs them in a thread. `engine.drain` calls `step`, which places one result when that disturbs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import bpy

from . import background_blender, job_view, mesh_tasks, preferences
from .atomic_file import make_private
from .errors import ErrorInfo, ImageTo3DError, MeshToolError, Message, StorageError
from .jobs import provenance
from .jobs.job import Notice, new_id
from .log import logger
from .mesh_tasks import MeshTask
from .scene import append_blend, hand_over, tool_results, versions
from .setting_rows import checked
from .tool_settings import NEEDS_TEXTURES, TABLES, Tool

if TYPE_CHECKING:
    from .worker.tool_runner import ToolResult
    from .worker.worker_process import WorkerProcess

FOLDER_NAME: Final = "mesh_tools"
"""The folder in the data folder for the temporary files of tools."""
KEEP_DAYS: Final = 1.0
"""What an earlier Blender left there is deleted after this."""
LARGE_RESULT: Final = 20_000_000
"""Bytes; less is read at once, in about 10 ms. Several parts would take longer in total."""
_NO_OBJECT: Final = "Select a mesh object"

_worker: WorkerProcess | None = None


def why_not(item: bpy.types.Object | None) -> str:
    """Returns why no tool can work on an object now; empty if one can."""
    root = hand_over.root_of(item)
    if root is None:
        return _NO_OBJECT
    if not root.is_editable:
        return "This object is linked from another file and can't be changed"
    return "A mesh tool is working on this object" if mesh_tasks.of_object(root.session_uid) is not None else ""


def start(
    tool: Tool, item: bpy.types.Object | None, settings: Mapping[str, Any], *, folder: Path | None = None
) -> MeshTask:
    """Start a tool on an object, or on the generated model that it belongs to. Returns at once.

    `folder`: for the files that the tool writes; by default the model's results folder, else the .blend's.
    Raises ParameterError, MeshToolError, StorageError.
    """
    from .jobs import spool
    from .worker.tool_runner import ToolRequest

    values = asdict(TABLES[tool](**checked(TABLES[tool], settings)))
    if reason := why_not(item):
        raise MeshToolError("{reason}.", advice="", reason=reason)
    root, objects = hand_over.sources(item, lods=tool is Tool.EXPORT)
    if root is None:
        raise MeshToolError("{reason}.", advice="", reason=_NO_OBJECT)
    temporary = preferences.data_folder() / FOLDER_NAME / new_id()
    try:
        make_private(preferences.data_folder())
        spool.make_folder(temporary)
        spool.clean_up_once(temporary.parent, KEEP_DAYS)
    except OSError as error:
        raise StorageError(
            "The folder {folder} can't be created: {reason}.",
            advice="Make room on the disk, then retry.",
            folder=str(temporary),
            cause=error,
        ) from error
    source = temporary / "source.blend"
    handed_over = hand_over.write(root, objects, source, textured=tool in NEEDS_TEXTURES)
    matrix = root.matrix_world.to_3x3() * bpy.context.scene.unit_settings.scale_length
    rows = tuple(number for row in matrix for number in row)
    name = root.name if tool is not Tool.LODS else _model_name(root)
    file = file_name(_model_name(root) if hand_over.is_level(root) else root.name, values)
    request = ToolRequest(tool, values, source, name, file, rows)
    task = MeshTask(request, root.session_uid, handed_over, folder or folder_of(root))
    mesh_tasks.start(task, _shared_worker)
    return task


def _model_name(root: bpy.types.Object) -> str:
    """Returns the name of the object from which the first tool made a version."""
    return versions.versions_of(root, bpy.context.scene)[0].name


def file_name(name: str, settings: Mapping[str, Any]) -> str:
    """Returns the name of the file that a tool with these settings writes; "" if it writes none."""
    from .jobs.spool import file_stem

    file_format = settings.get("file_format", "")
    return f"{file_stem(name)}.{'usdc' if file_format == 'USD' else file_format.lower()}" if file_format else ""


def step() -> bool:
    """Place the result of one tool that has ended, if that does not disturb. Returns whether something looks different.

    A result whose object was deleted, also by an undo, is discarded.
    """
    for task in mesh_tasks.tasks():
        if task.cancelled.is_set() and (mesh_tasks.ended(task) or not task.started):
            _finish(task)
            return True
        if task.error is not None:
            _fail(task, task.error)
            return True
        if task.result is not None and _place(task):
            return True
    return False


def busy() -> bool:
    """Whether a tool is running, or its result is not in the scene yet."""
    return bool(mesh_tasks.tasks())


def stop() -> None:
    """Cancel all tools, and end their background Blender."""
    global _worker
    mesh_tasks.forget()
    worker, _worker = _worker, None
    if worker is not None:
        worker.stop()
    for task in mesh_tasks.tasks():  # nobody calls `step` any more
        mesh_tasks.finish(task)


def _place(task: MeshTask) -> bool:
    """Do one step of placing a result. Returns whether something looks different then."""
    assert task.result is not None
    root = tool_results.find(task.object_uid)
    if root is None:
        text = Message("{name} was deleted, so the result was discarded", {"name": task.request.name})
        job_view.add_notice(Notice(text, warning=True))
        _finish(task)
        return True
    waiting = tool_results.why_not_now(root)
    if waiting:
        changed, task.waiting = waiting != task.waiting, waiting
        return changed
    try:
        if _prefetch(task.result):
            return False  # one large part per tick: all at once would be a noticeable stall
        objects = tool_results.place(
            root, task.tool, task.request.settings, task.result, materials=task.handed_over.materials
        )
    except ImageTo3DError as error:
        _fail(task, error.info())
        return True
    except Exception:
        logger(__name__).exception("the result of %s could not be placed", task.tool)
        _fail(task, mesh_tasks.INTERNAL)
        return True
    task.placed = tuple(item.name for item in objects)
    summary = tool_results.summary(task.request.name, task.tool, task.result, task.files)
    job_view.add_notice(Notice(summary, warning=False))
    mesh_tasks.finish(task, *(item.session_uid for item in objects[:1]))
    return True


def _prefetch(result: ToolResult) -> bool:
    """Read one large part of a large result. Returns whether there was one. Raises WorkerError."""
    path = result.blend
    if path is None or path.stat().st_size < LARGE_RESULT:
        return False
    return append_blend.prefetch(path, result.parts)


def _fail(task: MeshTask, error: ErrorInfo) -> None:
    """Tell the artist why a tool has no result. The panel shows it until the object's next tool has ended."""
    task.error = error
    about = {"tool": Message(tool_results.LABELS[task.tool]), "name": task.request.name, "error": error}
    job_view.add_notice(Notice(Message("{tool} failed for {name}: {error}", about), warning=True))
    _finish(task)


def _finish(task: MeshTask) -> None:
    """A tool ended without a result in the scene."""
    if task.result is not None and task.result.blend is not None:
        append_blend.discard_prefetched(task.result.blend)
    mesh_tasks.finish(task)


def folder_of(root: bpy.types.Object) -> Path:
    """Returns the folder beside the model: that of its job, else that of the .blend, else the results folder.

    Reads the disk.
    """
    config = preferences.read_config()
    found = provenance.find_job_folder(root, config.results_folders)
    if found is not None:
        return found
    return Path(bpy.data.filepath).parent if bpy.data.filepath else config.results


def _shared_worker() -> WorkerProcess:
    """Returns the background Blender of the tools: jobs do not wait for them. Called in the tools' thread."""
    global _worker
    if _worker is None:
        from .worker.worker_process import WorkerProcess

        _worker = WorkerProcess(background_blender.launch())
    return _worker
