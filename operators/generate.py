# SPDX-License-Identifier: GPL-3.0-or-later
"""The Generate button: starts a job for the chosen image, with the scene's settings.

Also the base classes for all operators that start jobs.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

import bpy
from bpy.props import StringProperty

from .. import engine, job_view, preferences, redraw, waiting
from ..api.parameters import VIEWS
from ..bl_ids import PANEL_BUTTON, SCENE_SETTINGS, Op
from ..errors import ImageTo3DError
from ..jobs.batch import Batch, BatchProgress
from ..jobs.job import Job, State
from ..property_definitions import view_property
from ..scene import image_sources, target_scene
from ..translation import tr_message, tr_report
from .define import PollMixin
from .monitor import MonitorMixin, start

DOUBLE_CLICK: Final = 2.0
"""Seconds in which a second click on the button, with nothing changed, is taken for a double click."""


def why_not_ready(context: bpy.types.Context) -> str:
    """Returns why nothing can be generated in the open scene now, or an empty text."""
    obstacle = preferences.read_config().why_not_ready()
    return tr_message(obstacle.info()) if obstacle is not None else target_scene.why_not(context.scene)


class StartJobsOperator(PollMixin, MonitorMixin):
    """Base class of operators that start jobs: a click starts and monitors them, a script waits for them."""

    # Neither REGISTER nor UNDO: "Repeat Last" and "Adjust Last Operation" would pay for another model.
    bl_options: ClassVar[set[str]] = set()

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        return self.monitor(context) if self._start(context) else {"CANCELLED"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start the jobs and wait until they are done, for scripts."""
        jobs = [waiting.finish(job) for job in self._start(context)]
        start()
        for job in jobs:
            if job.error is not None:
                self.report({"ERROR"}, tr_report(job.error))
        return {"FINISHED"} if any(job.state in (State.READY, State.PLACED) for job in jobs) else {"CANCELLED"}

    def _start(self, context: bpy.types.Context) -> list[Job]:
        """Start the jobs. Returns them; none if an error was reported."""
        try:
            return self.submit_jobs(context)
        except ImageTo3DError as error:
            self.report({"ERROR"}, tr_report(error.info()))
            return []

    def submit_jobs(self, context: bpy.types.Context) -> list[Job]:
        raise NotImplementedError


class BatchOperator(PollMixin):
    """Base class of operators that start a batch: the artist is asked in a dialog, a script waits for the batch."""

    bl_options: ClassVar[set[str]] = set()
    _asked = False

    def ask(self, context: bpy.types.Context, *, title: str, confirm: str, width: int = 320) -> set[str]:
        """Show the dialog that the class draws. `execute` follows if the artist confirms."""
        self._asked = True
        return context.window_manager.invoke_props_dialog(self, width=width, title=title, confirm_text=confirm)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start the batch, and for scripts wait until it is done."""
        try:
            batch = self.submit_batch(context)
        except ImageTo3DError as error:
            self.report({"ERROR"}, tr_report(error.info()))
            return {"CANCELLED"}
        if self._asked:
            redraw.sidebars(context.window_manager)
            start()
            return {"FINISHED"}
        waiting.wait_for_batch(batch.id, lambda progress: progress.finished)
        start()
        for job in job_view.batch_jobs(batch.id):
            if job.error is not None:
                self.report({"ERROR"}, tr_report("{name}: {error}", name=job.name, error=job.error))
        progress: BatchProgress | None = job_view.batch_progress(batch.id)
        return {"FINISHED"} if progress is not None and progress.done else {"CANCELLED"}

    def submit_batch(self, context: bpy.types.Context) -> Batch:
        raise NotImplementedError

    report: Any


class _Click(NamedTuple):
    """A click on the button: what it asked for, and when (monotonic)."""

    request: object
    at: float


_last_click = _Click(None, 0.0)


def _request_of(context: bpy.types.Context, image: str) -> object:
    """Returns what the panel asks for, to be compared: a random seed is the same request each time."""
    settings = getattr(context.scene, SCENE_SETTINGS)
    source = settings.source_image
    views = tuple(getattr(settings, view_property(side)) for side in VIEWS)
    chosen = (image or settings.image, source.session_uid if source is not None else 0, views)
    try:
        return (*chosen, context.scene.session_uid, settings.parameters(), settings.placement.chosen())
    except ImageTo3DError:  # the job reports it
        return object()


class IMAGE_TO_3D_OT_generate(StartJobsOperator, bpy.types.Operator):
    """Generate a textured 3D model from the image. You can keep working; it appears in this scene when ready"""

    bl_idname = Op.GENERATE
    bl_label = "Generate from Image"

    @classmethod
    def why_not(cls, context: bpy.types.Context) -> str:
        """A script can give the image itself; the panel's button needs one that is chosen."""
        settings = getattr(context, PANEL_BUTTON, None)
        if settings is not None and not settings.image.strip() and settings.source_image is None:
            return "Choose an image first"
        return why_not_ready(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Start a job, but not a second one for a double click, which would have to be paid for."""
        global _last_click
        click = _Click(_request_of(context, self.image), time.monotonic())
        if click.request == _last_click.request and click.at - _last_click.at < DOUBLE_CLICK:
            self.report({"INFO"}, "Already started")
            return {"CANCELLED"}
        result = super().invoke(context, event)
        if "CANCELLED" not in result:
            _last_click = click
        return result

    if TYPE_CHECKING:
        image: str
    else:
        image: StringProperty(
            name="Image",
            description="Image file or public URL; empty for the one chosen in the scene",
            options={"SKIP_SAVE"},
        )

    def submit_jobs(self, context: bpy.types.Context) -> list[Job]:
        settings = getattr(context.scene, SCENE_SETTINGS)
        image, name = (image_sources.from_text(self.image), "") if self.image else image_sources.from_settings(settings)
        takes_views = not self.image and preferences.read_config().takes_views
        return [
            engine.submit(
                image,
                name=name,
                parameters=settings.parameters(),
                placement=settings.placement.chosen(),
                scene=context.scene,
                views=settings.views() if takes_views else {},
            )
        ]
