# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to happen when the add-on starts, and when a file is loaded or saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import bpy
from bpy.app.handlers import persistent

from . import engine, preferences
from .operators import cleanup_actions, monitor

_LOOK_BACK: Final = 1.0
"""Seconds after the start until earlier jobs are looked for: Blender's own start comes first."""
_SHORTLY: Final = 0.5
"""Seconds between two looks."""
_PATIENCE: Final = 20
"""How many more times it is looked whether some were found."""

_looks = 0


@persistent
def _loaded(*_: object) -> None:
    engine.file_loaded()
    monitor.restart()


@persistent
def _saved(*_: object) -> None:
    engine.file_saved()


def _look_back() -> float | None:
    """App timer: go on with what an earlier Blender left unfinished. Ends soon where there is nothing."""
    global _looks
    if _looks == 0:
        if engine.folder().is_dir():
            engine.warm()
            if not engine.warmed():
                return _SHORTLY
        if preferences.chosen().clean_up_by_itself:
            cleanup_actions.clean_up()
        if not engine.unfinished_before():
            return None
        engine.queue().adopt()
    _looks += 1
    if engine.busy():
        monitor.start()
        return None
    return _SHORTLY if _looks <= _PATIENCE else None


_HANDLERS: Final[tuple[tuple[list[Callable[..., Any]], Callable[..., Any]], ...]] = (
    (bpy.app.handlers.load_post, _loaded),
    (bpy.app.handlers.save_post, _saved),
)


def register() -> None:
    global _looks
    from .scene import target_scene

    target_scene.register()
    for handlers, function in _HANDLERS:
        handlers.append(function)
    if not bpy.app.background:
        _looks = 0
        bpy.app.timers.register(_look_back, first_interval=_LOOK_BACK, persistent=True)


def unregister() -> None:
    from .scene import target_scene

    if bpy.app.timers.is_registered(_look_back):
        bpy.app.timers.unregister(_look_back)
    for handlers, function in _HANDLERS:
        if function in handlers:
            handlers.remove(function)
    target_scene.unregister()
