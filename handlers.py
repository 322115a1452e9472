# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's handlers: what happens when the add-on starts, and when a file is loaded or saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import bpy
from bpy.app.handlers import persistent

from . import background_task, engine, preferences, preload, properties, translation
from .jobs.provenance import having_record
from .operators import image_checks, monitor
from .scene import target_scene, undo

_FIRST_CHECK: Final = 1.0
"""Seconds after the start until earlier jobs are resumed: Blender's own start comes first."""
_RETRY_SECONDS: Final = 0.5
_ADOPTED_SECONDS: Final = 5.0
"""Between two looks whether the queue has taken over jobs."""

_cleaned_up = False


@persistent
def _loaded(*_: object) -> None:
    translation.follow_language()
    _clean_settings()
    engine.file_loaded()
    _load_results()
    monitor.restart()


def _load_results() -> None:
    """Have the results read if the file has generated models: their images are shown beside their facts."""
    if next(having_record(bpy.data.objects), None) is not None:
        engine.load_results()


@persistent
def _clean_settings(*_: object) -> None:
    """Handler after scenes were linked or appended, and app timer for the file in which the add-on was enabled."""
    for scene in bpy.data.scenes:
        properties.clean_stored(scene)


@persistent
def _saved(*_: object) -> None:
    engine.file_saved()


@persistent
def _undone(*_: object) -> None:
    undo.after()
    monitor.start()


def _resume_unfinished() -> float | None:
    """App timer: resume what an earlier Blender left unfinished. Ends soon if there is nothing."""
    global _cleaned_up
    if engine.has_data():
        preload.start()
        if not preload.finished():
            return _RETRY_SECONDS
    _load_results()
    config = preferences.read_config()
    if config.clean_up_at_start and not _cleaned_up:
        _cleaned_up = True
        background_task.clean_up(config)
    if engine.has_unfinished_jobs():
        engine.queue().adopt()
        monitor.start()
        bpy.app.timers.register(_show_adopted, first_interval=_ADOPTED_SECONDS, persistent=True)
    return None


def _show_adopted() -> float | None:
    """App timer: while other Blenders have jobs, the queue takes them over later, when these Blenders have ended."""
    busy = engine.busy()
    if busy:
        monitor.start()
    return _ADOPTED_SECONDS if busy or engine.queue().others_own_jobs else None


_HANDLERS: Final[tuple[tuple[list[Callable[..., Any]], Callable[..., Any]], ...]] = (
    (bpy.app.handlers.load_post, _loaded),
    (bpy.app.handlers.save_pre, target_scene.restore_tokens),
    (bpy.app.handlers.save_post, _saved),
    (bpy.app.handlers.undo_pre, undo.before_undo),
    (bpy.app.handlers.undo_post, _undone),
    (bpy.app.handlers.redo_post, _undone),
    (getattr(bpy.app.handlers, "blend_import_post", []), _clean_settings),  # not in 4.2
)


def _check_image(context: bpy.types.Context) -> None:
    image_checks.check_chosen_image(context)
    monitor.start()  # shows the result


def _check_account() -> None:
    if not bpy.app.background:
        engine.check_account()
        monitor.start()  # shows the result


def _test_local_server() -> None:
    if not bpy.app.background:
        background_task.test_local_server(preferences.read_config())
        monitor.start()  # shows the result


def register() -> None:
    properties.when_image_changed = _check_image
    preferences.when_key_entered = _check_account
    preferences.when_local_server_entered = _test_local_server
    for handlers, function in _HANDLERS:
        handlers.append(function)
    bpy.app.timers.register(_clean_settings, persistent=True)  # the data can't be changed yet
    if not bpy.app.background:
        bpy.app.timers.register(_resume_unfinished, first_interval=_FIRST_CHECK, persistent=True)


def unregister() -> None:
    properties.when_image_changed = None
    preferences.when_key_entered = preferences.when_local_server_entered = None
    for timer in (_clean_settings, _resume_unfinished, _show_adopted):
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)
    for handlers, function in _HANDLERS:
        if function in handlers:
            handlers.remove(function)
