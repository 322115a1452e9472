# SPDX-License-Identifier: GPL-3.0-or-later
"""Watching the jobs while the artist goes on working.

One modal operator drains the queue's events on a timer and passes every input on. Blender writes no
auto-save while a modal operator runs, so this one steps aside every few seconds: it ends, and an app
timer starts it again a moment later. There is never more than one, however many jobs there are, and
none when there is nothing to watch.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final

import bpy

from .. import engine
from ..bl_ids import Op
from ..panels import overlay, redraw

_log = logging.getLogger(__name__)

TICK: Final = 0.1
"""Seconds between two looks at the queue."""
MAX_RUN: Final = 5.0
"""Seconds after which the operator steps aside for Blender's auto-save."""
PAUSE: Final = 0.1
"""Seconds until it is started again."""
UNREGISTER_GRACE: Final = 0.5
"""Seconds that Blender gets to clear away an operator that was unregistered while it ran."""
NO_WINDOW: Final = 2.0
"""Seconds until it is tried again where Blender has no window to run an operator in."""
PLACEHOLDERS: Final = 2.0
"""Seconds between two redraws of the viewports, which cost more, for the progress at the placeholders."""
PROGRESS: Final = 1.0
"""Seconds between two redraws of the sidebar where only progress and the time left differ."""


@dataclass(slots=True, eq=False)
class Run:
    """One stretch of watching, from one stepping aside to the next. Times of the monotonic clock."""

    timer: bpy.types.Timer
    began: float
    drawn: float = 0.0
    viewports_drawn: float = 0.0


_run: Run | None = None
"""The present one. Kept here and not in the operator, which Blender frees when it likes."""

_rest_until = 0.0
"""Before this time of the monotonic clock no operator may begin to watch."""


class MonitorMixin:
    """What an operator needs to watch; `generate` and `watch` share it."""

    def monitor(self, context: bpy.types.Context) -> set[str]:
        """Become the one that watches; FINISHED where another one does or there is nothing to watch."""
        global _run
        if is_running() or not engine.busy() or context.window is None:
            return {"FINISHED"}
        manager = context.window_manager
        _run = Run(manager.event_timer_add(TICK, window=context.window), time.monotonic())
        self._run = _run
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        run = self._run
        if _run is not run:  # another file was loaded, or the add-on is being disabled
            return {"FINISHED", "PASS_THROUGH"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        now = time.monotonic()
        changed = engine.drain()
        for notice in engine.notices():
            self.report({"WARNING" if notice.warning else "INFO"}, str(notice.message))
        done = not engine.busy()
        if changed or done or now - run.drawn > PROGRESS:
            run.drawn = now
            redraw.sidebars(context.window_manager)
        if now - run.viewports_drawn > PLACEHOLDERS and overlay.shown():
            run.viewports_drawn = now
            redraw.viewports(context.window_manager)
        if done or now - run.began > MAX_RUN:
            _yield_for_autosave()
            start()
            return {"FINISHED", "PASS_THROUGH"}
        return {"PASS_THROUGH"}

    def cancel(self, _context: bpy.types.Context) -> None:
        """Blender ends it: its window is closed, or a file is loaded. The jobs go on, so watching does."""
        if _run is self._run:
            _yield_for_autosave()
            start()

    _run: Any = None
    report: Any


class IMAGE_TO_3D_OT_monitor(MonitorMixin, bpy.types.Operator):
    """Show the progress of the jobs and put the models into the scene"""

    bl_idname = Op.MONITOR
    bl_label = "Watch Jobs"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        return self.monitor(context)

    def execute(self, _context: bpy.types.Context) -> set[str]:
        engine.drain(budget=1.0)
        return {"FINISHED"}


def is_running() -> bool:
    """Whether an operator watches now."""
    return _run is not None


def start() -> None:
    """Have the jobs watched from a moment on. Harmless where they are, or where there is nothing to watch."""
    if not bpy.app.background and not bpy.app.timers.is_registered(_begin):
        pause = max(PAUSE, _rest_until - time.monotonic())
        bpy.app.timers.register(_begin, first_interval=pause, persistent=True)


def restart() -> None:
    """Another file was loaded, which ends modal operators: forget the one that watched and start anew."""
    global _run
    _run = None  # its timer went with the file
    start()


def stop() -> None:
    """Watch no longer; the add-on is being disabled.

    Blender then only marks the running operator's handler as dead, and up to 4.3 it breaks down when
    another modal operator begins before an event has made it clear the dead one away. So the timer
    goes on for a moment: its next event does that, and nothing new begins before.
    """
    global _run, _rest_until
    if bpy.app.timers.is_registered(_begin):
        bpy.app.timers.unregister(_begin)
    run, _run = _run, None
    if run is not None:
        _rest_until = time.monotonic() + 2 * UNREGISTER_GRACE
        bpy.app.timers.register(partial(_remove, run.timer), first_interval=UNREGISTER_GRACE)


def _yield_for_autosave() -> None:
    global _run
    run, _run = _run, None
    if run is not None:
        _remove(run.timer)


def _remove(timer: bpy.types.Timer) -> None:
    bpy.context.window_manager.event_timer_remove(timer)


def _begin() -> float | None:
    """App timer: start the operator that watches."""
    if is_running() or not engine.busy():
        return None
    windows = bpy.context.window_manager.windows
    if not windows:
        return NO_WINDOW
    with bpy.context.temp_override(window=windows[0]):
        bpy.ops.image_to_3d.monitor("INVOKE_DEFAULT")  # type: ignore[attr-defined]
    return None


_register_classes, _unregister_classes = bpy.utils.register_classes_factory((IMAGE_TO_3D_OT_monitor,))


def register() -> None:
    _register_classes()


def unregister() -> None:
    stop()
    _unregister_classes()
