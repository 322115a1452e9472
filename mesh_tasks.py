# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh tools that were started. They run one after another, in a thread that waits for a background Blender.

A task is changed by its thread and by `cancel`; the main thread takes those that have ended, and shows the others.
"""

from __future__ import annotations

import itertools
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .control import Control
from .errors import CancelledError, ErrorInfo, ImageTo3DError, Message, StorageError
from .log import logger
from .scene.hand_over import HandedOver
from .tool_settings import Tool

if TYPE_CHECKING:
    from .jobs.thread_pool import ThreadPool
    from .worker.tool_runner import ToolRequest, ToolResult
    from .worker.worker_process import WorkerProcess


@dataclass(slots=True, eq=False)
class MeshTask:
    """One run of a mesh tool on an object."""

    request: ToolRequest
    object_uid: int
    """`session_uid` of the object that the tool replaces, which undo does not change."""
    handed_over: HandedOver
    destination: Path | None = None
    """The folder for the files that the tool writes."""
    progress: float = 0.0
    started: bool = False
    result: ToolResult | None = None
    error: ErrorInfo | None = None
    placed: tuple[str, ...] = ()
    """The names of the new objects in the scene."""
    files: tuple[Path, ...] = ()
    """The files that it wrote, in the destination."""
    waiting: str = ""
    """Why the result is not in the scene yet, in the interface's language."""
    done: bool = False
    """It ended, and its result is in the scene, if there is one."""
    cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def tool(self) -> Tool:
        return self.request.tool


INTERNAL: Final = ErrorInfo(
    "mesh_tool", Message("Internal error in the add-on. See Blender's console."), Message("The object is unchanged.")
)
_pool: ThreadPool | None = None
_tasks: list[MeshTask] = []
"""Those that are not done, in the order in which they were started."""
_last: dict[int, MeshTask] = {}
"""The last one that has ended of each object, by `session_uid`: what the panel tells of it."""
_KEPT: Final = 100


def tasks() -> list[MeshTask]:
    """Returns the tasks that are not done, the oldest first."""
    return list(_tasks)


def of_object(uid: int) -> MeshTask | None:
    """Returns the first task of an object, by `session_uid`; None if it has none."""
    return next((task for task in _tasks if task.object_uid == uid), None)


def last_of(uid: int) -> MeshTask | None:
    """Returns the last task of an object that has ended and was not cancelled, by `session_uid`; None if none has."""
    return _last.get(uid)


def start(task: MeshTask, worker: Callable[[], WorkerProcess]) -> None:
    """Run a task as soon as the ones before it have ended. Returns at once."""
    global _pool
    from .jobs.thread_pool import ThreadPool

    _pool = _pool or ThreadPool("mesh tools", 1)
    _tasks.append(task)
    _pool.submit(lambda: _run(task, worker))


def cancel(task: MeshTask) -> None:
    """Cancel a task: its background Blender is ended, and its files are removed."""
    task.cancelled.set()


def finish(task: MeshTask, *more_uids: int) -> None:
    """A task's result is in the scene, or it failed or was cancelled: remove its temporary files.

    `more_uids`: of the objects that it made.
    """
    task.done = True
    for uid in () if task.cancelled.is_set() else (task.object_uid, *more_uids):
        _last.pop(uid, None)
        _last[uid] = task
    while len(_last) > _KEPT:
        del _last[next(iter(_last))]
    if task in _tasks:
        _tasks.remove(task)
    # In a thread: the main thread would stand still for some milliseconds.
    arguments = {"path": task.request.source.parent, "ignore_errors": True}
    threading.Thread(target=shutil.rmtree, kwargs=arguments, name="image_to_3d mesh tool files", daemon=True).start()


def forget() -> None:
    """Cancel all tasks: another file was loaded, or the engine was stopped."""
    _last.clear()
    for task in tasks():
        cancel(task)


def ended(task: MeshTask) -> bool:
    """Whether a task's thread is done with it."""
    return task.result is not None or task.error is not None


def write_pixels(request: ToolRequest, handed_over: HandedOver) -> ToolRequest:
    """Write the pixels that are not in the source .blend beside it. Returns the request with their files."""
    if not handed_over.pixels:
        return request
    import numpy as np

    images = []
    for number, (name, (width, height), pixels) in enumerate(handed_over.pixels):
        file = request.source.with_name(f"pixels-{number}.npy")
        np.save(file, pixels.reshape(height, width, -1))
        images.append((name, str(file)))
    return replace(request, images=tuple(images))


def deliver(files: Sequence[Path], folder: Path) -> tuple[Path, ...]:
    """Move files into a folder, several into a new one in it. Returns where they are. Nothing is overwritten.

    `files`: the first one is in a folder with all others, or above them: what refers to each other stays together.
    Raises StorageError.
    """
    if not files:
        return ()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if len(files) == 1:
            target = _unused(folder, files[0].stem, files[0].suffix)
            shutil.move(files[0], target)
            return (target,)
        inner = _unused(folder, files[0].stem, "")
        inner.mkdir()
        for name in dict.fromkeys(file.relative_to(files[0].parent).parts[0] for file in files):
            shutil.move(files[0].parent / name, inner / name)
        return tuple(inner / file.relative_to(files[0].parent) for file in files)
    except OSError as error:
        raise StorageError(
            "The file can't be written: {reason}.", advice="Choose another folder.", cause=error
        ) from error


def _unused(folder: Path, stem: str, suffix: str) -> Path:
    """Returns a path in the folder that does not exist: with a number, if necessary."""
    names = itertools.chain((stem,), (f"{stem}-{number}" for number in itertools.count(2)))
    return next(path for name in names if not (path := folder / f"{name}{suffix}").exists())


def _run(task: MeshTask, worker: Callable[[], WorkerProcess]) -> None:
    def report(fraction: float) -> None:
        task.progress = max(task.progress, fraction)

    from .worker.tool_runner import run

    try:
        task.started = True
        control = Control(task.cancelled.is_set, report)
        control.check()
        request = write_pixels(task.request, task.handed_over)
        result = run(worker(), request, control)
        control.check()
        if task.destination is not None:
            task.files = deliver(result.files, task.destination)
        task.result = result
    except CancelledError as error:
        task.error = error.info()
        task.cancelled.set()
    except ImageTo3DError as error:
        logger(__name__).warning("%s of %s failed: %s", task.tool, task.request.name, error)
        task.error = error.info()
    except Exception:
        logger(__name__).exception("%s of %s failed", task.tool, task.request.name)
        task.error = INTERNAL
