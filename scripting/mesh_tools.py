# SPDX-License-Identifier: GPL-3.0-or-later
"""Mesh tools for scripts: a function for each, and the handle of one that runs.

The settings of each function are those of the tool's dataclass in `tool_settings`, by name.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import bpy

from .. import mesh_tasks, tool_engine, waiting
from ..errors import ErrorInfo, Message
from ..mesh_tasks import MeshTask
from ..operators import monitor
from ..tool_settings import Tool
from .jobs import main_thread_only


class MeshToolHandle:
    """A mesh tool that runs on an object, for scripts. Its properties always have the latest values."""

    def __init__(self, task: MeshTask) -> None:
        self._task: Final = task

    def __repr__(self) -> str:
        state = "failed" if self.error else "done" if self.done else f"{self.progress:.0%}"
        return f"<{self.tool} of {self._task.request.name!r}: {state}>"

    @property
    def tool(self) -> Tool:
        """Which tool it is; it equals texts such as "REMESH"."""
        return self._task.tool

    @property
    def progress(self) -> float:
        """The finished fraction, 0 to 1."""
        return 1.0 if self._task.result is not None else self._task.progress

    @property
    def done(self) -> bool:
        """Whether it has ended, successfully or not, and its result is in the scene if there is one."""
        return self._task.done

    @property
    def error(self) -> ErrorInfo | None:
        """What went wrong; None if nothing did. `str()` formats it."""
        return self._task.error

    @property
    def objects(self) -> tuple[bpy.types.Object, ...]:
        """The new objects in the scene, the one in place of the original first; empty until they are there."""
        return tuple(bpy.data.objects[name] for name in self._task.placed if name in bpy.data.objects)

    @property
    def notes(self) -> tuple[Message, ...]:
        """What it did, and why; `str()` formats each. Empty until it has ended."""
        return self._task.result.notes if self._task.result is not None else ()

    @property
    def facts(self) -> Mapping[str, Any]:
        """What it measured, by name (docs/mesh-tools.md). Empty until it has ended."""
        return self._task.result.facts if self._task.result is not None else {}

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that it wrote; empty until it has ended."""
        return self._task.files

    def wait(self, timeout: float | None = None) -> MeshToolHandle:
        """Wait until it has ended, and its result is in the scene. Returns the handle. Blocks; main thread only.

        If a tool in use keeps the result out of the scene, this returns as well, and the result arrives later.
        Raises TimeoutError after `timeout` seconds; the mesh tool continues.
        """
        main_thread_only()
        try:
            waiting.finish_tool(self._task, timeout)
        finally:
            monitor.start()
        return self

    def cancel(self) -> None:
        """Cancel it. The object stays as it is."""
        mesh_tasks.cancel(self._task)


def check_mesh(obj: bpy.types.Object, *, wait: bool = False, timeout: float | None = None) -> MeshToolHandle:
    """Measure an object's mesh. Nothing is changed; `facts["report"]` has what was found.

    This and the other functions work on any object with faces, as it is on the screen. They return at once, and the
    background Blender does the work; with `wait`, they return when the result is in the scene (or raise TimeoutError
    after `timeout` seconds). The handle's `error` says whether it succeeded. Main thread only. They raise
    ParameterError and MeshToolError before anything is started.
    """
    return _start(Tool.CHECK, obj, wait, timeout, None, {})


def clean_up(
    obj: bpy.types.Object, *, wait: bool = False, timeout: float | None = None, **settings: Any
) -> MeshToolHandle:
    """Repair an object's mesh, with its UVs and textures kept."""
    return _start(Tool.CLEAN_UP, obj, wait, timeout, None, settings)


def simplify(
    obj: bpy.types.Object, *, wait: bool = False, timeout: float | None = None, **settings: Any
) -> MeshToolHandle:
    """Reduce an object's triangles to `ratio` of them, with its UVs and textures kept."""
    return _start(Tool.SIMPLIFY, obj, wait, timeout, None, settings)


def remesh(
    obj: bpy.types.Object, *, wait: bool = False, timeout: float | None = None, **settings: Any
) -> MeshToolHandle:
    """Replace an object's triangles by about `faces` quads, with new UVs and baked textures."""
    return _start(Tool.REMESH, obj, wait, timeout, None, settings)


def make_printable(
    obj: bpy.types.Object,
    *,
    folder: str | os.PathLike[str] | None = None,
    wait: bool = False,
    timeout: float | None = None,
    **settings: Any,
) -> MeshToolHandle:
    """Make a watertight copy of an object, and write it to a file for 3D printing in `folder`.

    By default, the file is written to the model's folder in the results folder, else beside the .blend.
    """
    return _start(Tool.PRINT, obj, wait, timeout, folder, settings)


def make_lods(
    obj: bpy.types.Object, *, wait: bool = False, timeout: float | None = None, **settings: Any
) -> MeshToolHandle:
    """Make levels of detail of an object: LOD0 to LOD3."""
    return _start(Tool.LODS, obj, wait, timeout, None, settings)


def export_model(
    obj: bpy.types.Object,
    *,
    folder: str | os.PathLike[str] | None = None,
    wait: bool = False,
    timeout: float | None = None,
    **settings: Any,
) -> MeshToolHandle:
    """Write an object to a file for a game engine in `folder`; by default as `make_printable`."""
    return _start(Tool.EXPORT, obj, wait, timeout, folder, settings)


def _start(
    tool: Tool,
    obj: bpy.types.Object,
    wait: bool,
    timeout: float | None,
    folder: str | os.PathLike[str] | None,
    settings: Mapping[str, Any],
) -> MeshToolHandle:
    main_thread_only()
    target = Path(os.path.abspath(os.path.expanduser(folder))) if folder is not None else None
    handle = MeshToolHandle(tool_engine.start(tool, obj, settings, folder=target))
    if wait:
        return handle.wait(timeout)
    monitor.start()
    return handle
