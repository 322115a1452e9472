# SPDX-License-Identifier: GPL-3.0-or-later
"""The monitor: a modal operator that applies the jobs' events on a timer while the artist keeps working.

It is a modal operator because the product's users asked for one; an app timer would need none of the workarounds here.
Blender writes no auto-save while a modal operator runs, so this one ends every few seconds, and an app timer starts it
again a moment later. There is never more than one, however many jobs there are, and none without work.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final

import bpy

from .. import engine, job_view, redraw
from ..bl_ids import Op
from ..scene import placeholder
from ..translation import tr_report

TICK: Final = 0.1
"""Seconds between two ticks."""
MAX_RUN: Final = 5.0
"""Seconds after which the operator ends for Blender's auto-save."""
RESTART_DELAY: Final = 0.1
"""Seconds until it is started again."""
UNREGISTER_GRACE: Final = 0.5
"""Seconds that Blender gets to remove an operator that was unregistered while it ran."""
NO_WINDOW_RETRY: Final = 2.0
"""Seconds until the next try while Blender has no window to run an operator in."""
VIEWPORT_INTERVAL: Final = 2.0
"""Seconds between two redraws of the viewports (expensive), for the progress at the placeholders."""
SIDEBAR_INTERVAL: Final = 1.0
"""Seconds between two redraws of the sidebar if only progress and the time left changed."""


@dataclass(slots=True, eq=False)
class Run:
    """One run of the operator, until it ends for auto-save. Times are monotonic."""

    timer: bpy.types.Timer
    started: float
    drawn: float = 0.0
    viewports_drawn: float = 0.0


_run: Run | None = None
"""The current one. Stored here and not in the operator, which Blender can free at any time."""

_no_start_before = 0.0
"""Monotonic time before which no monitor may start."""


class MonitorMixin:
    """Makes an operator able to become the monitor: those that start jobs, and `monitor` itself."""

    def monitor(self, context: bpy.types.Context) -> set[str]:
        """Become the monitor. Returns FINISHED if there is one already, or nothing to monitor."""
        global _run
        if _run is not None or not engine.busy() or context.window is None:
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
        notices = job_view.take_notices()
        for notice in notices:
            self.report({"WARNING" if notice.warning else "INFO"}, tr_report(notice.message))
        done = not engine.busy()
        if changed or done or now - run.drawn > SIDEBAR_INTERVAL:
            run.drawn = now
            redraw.sidebars(context.window_manager)
        if now - run.viewports_drawn > VIEWPORT_INTERVAL and placeholder.any_shown(job.id for job in job_view.jobs()):
            run.viewports_drawn = now
            redraw.viewports(context.window_manager)
        # Blender shows what a modal operator reports only if it ends at the same time.
        if done or notices or now - run.started > MAX_RUN:
            _yield_for_autosave()
            start()
            return {"FINISHED", "PASS_THROUGH"}
        return {"PASS_THROUGH"}

    def cancel(self, _context: bpy.types.Context) -> None:
        """Blender ends the operator: its window was closed, or a file is loaded. Start another one."""
        if _run is self._run:
            _yield_for_autosave()
            start()

    _run: Any = None
    report: Any


class IMAGE_TO_3D_OT_monitor(MonitorMixin, bpy.types.Operator):
    """Show the progress of the jobs, and place finished models in the scene"""

    bl_idname = Op.MONITOR
    bl_label = "Monitor Jobs"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        return self.monitor(context)

    def execute(self, _context: bpy.types.Context) -> set[str]:
        engine.drain(budget=1.0)
        return {"FINISHED"}


def start() -> None:
    """Start the monitor soon. Harmless if it is running, or there is nothing to monitor."""
    if not bpy.app.background and not bpy.app.timers.is_registered(_start_operator):
        pause = max(RESTART_DELAY, _no_start_before - time.monotonic())
        bpy.app.timers.register(_start_operator, first_interval=pause, persistent=True)


def restart() -> None:
    """Another file was loaded, which ends modal operators: start a new monitor."""
    global _run
    _run = None  # its timer was removed with the file
    start()


def stop() -> None:
    """Stop the monitor: the add-on is being disabled.

    Blender then only marks the running operator's handler as dead, and up to 4.3 it crashes if another modal operator
    starts before an event made it remove the dead one. So the timer continues for a moment: its next event does that,
    and no monitor starts before.
    """
    global _run, _no_start_before
    if bpy.app.timers.is_registered(_start_operator):
        bpy.app.timers.unregister(_start_operator)
    run, _run = _run, None
    if run is not None:
        _no_start_before = time.monotonic() + 2 * UNREGISTER_GRACE
        bpy.app.timers.register(partial(_remove, run.timer), first_interval=UNREGISTER_GRACE)


def _yield_for_autosave() -> None:
    global _run
    run, _run = _run, None
    if run is not None:
        _remove(run.timer)


def _remove(timer: bpy.types.Timer) -> None:
    bpy.context.window_manager.event_timer_remove(timer)


def _start_operator() -> float | None:
    """App timer: start the monitor."""
    if _run is not None or not engine.busy():
        return None
    windows = bpy.context.window_manager.windows
    if not windows:
        return NO_WINDOW_RETRY
    with bpy.context.temp_override(window=windows[0]):
        bpy.ops.image_to_3d.monitor("INVOKE_DEFAULT")  # type: ignore[attr-defined]
    return None
