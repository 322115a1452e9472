# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done with a job in the list. Each of these only passes the wish on to the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import bpy
from bpy.props import IntProperty, StringProperty

from .. import engine
from ..bl_ids import Op
from ..errors import ImageTo3DError
from ..jobs.job import Job, State
from ..panels import redraw
from ..properties import PAGE
from . import monitor

OVER = frozenset({State.PLACED, State.CANCELLED})
"""Jobs that nobody has to do anything about any more."""


class JobOperator:
    """An operator for the job whose id it is given."""

    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    if TYPE_CHECKING:
        job_id: str
        report: Any
    else:
        job_id: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        job = engine.job(self.job_id)
        if job is None:
            self.report({"WARNING"}, "The job is not in the list any more")
            return {"CANCELLED"}
        try:
            self.act(context, job)
        except ImageTo3DError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        engine.drain()
        redraw.sidebars(context.window_manager)
        monitor.start()
        return {"FINISHED"}

    def act(self, context: bpy.types.Context, job: Job) -> None:
        raise NotImplementedError


class IMAGE_TO_3D_OT_cancel_job(JobOperator, bpy.types.Operator):
    """Stop waiting for this model. What the service has begun may have to be paid for all the same"""

    bl_idname = Op.CANCEL_JOB
    bl_label = "Cancel"

    def act(self, _context: bpy.types.Context, job: Job) -> None:
        engine.queue().cancel(job.id)


class IMAGE_TO_3D_OT_retry(JobOperator, bpy.types.Operator):
    """Try again from where it failed"""

    bl_idname = Op.RETRY
    bl_label = "Retry"

    def act(self, _context: bpy.types.Context, job: Job) -> None:
        engine.queue().retry(job.id)


class IMAGE_TO_3D_OT_retry_all(bpy.types.Operator):
    """Try again all jobs that failed, each from where it got to. What was paid for is not paid for again"""

    bl_idname = Op.RETRY_ALL
    bl_label = "Retry All"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        for job in engine.jobs():
            if job.state is State.FAILED:
                engine.queue().retry(job.id)
        engine.drain(budget=1.0)
        redraw.sidebars(context.window_manager)
        monitor.start()
        return {"FINISHED"}


class IMAGE_TO_3D_OT_check_again(JobOperator, bpy.types.Operator):
    """Look for the model in the service's list of what your account has generated. Costs nothing"""

    bl_idname = Op.CHECK_AGAIN
    bl_label = "Look Again"

    def act(self, _context: bpy.types.Context, job: Job) -> None:
        engine.queue().check_again(job.id)


class IMAGE_TO_3D_OT_send_again(JobOperator, bpy.types.Operator):
    """Ask the service for the model once more. If the first request did arrive, both have to be paid for"""

    bl_idname = Op.SEND_AGAIN
    bl_label = "Submit Again"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_confirm(self, event)

    def act(self, _context: bpy.types.Context, job: Job) -> None:
        engine.queue().send_again(job.id)


class IMAGE_TO_3D_OT_download_again(JobOperator, bpy.types.Operator):
    """Ask the service for fresh links and download the model again. Costs nothing"""

    bl_idname = Op.DOWNLOAD_AGAIN
    bl_label = "Download Again"

    def act(self, _context: bpy.types.Context, job: Job) -> None:
        engine.queue().download_again(job.id)


class IMAGE_TO_3D_OT_import_again(JobOperator, bpy.types.Operator):
    """Import the downloaded model file again"""

    bl_idname = Op.IMPORT_AGAIN
    bl_label = "Import Again"

    def act(self, _context: bpy.types.Context, job: Job) -> None:
        engine.queue().import_again(job.id)


class IMAGE_TO_3D_OT_import_here(JobOperator, bpy.types.Operator):
    """Put the model into this scene, at the 3D cursor as it is now unless its settings say otherwise"""

    bl_idname = Op.IMPORT_HERE
    bl_label = "Import Here"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        from ..scene import place_model

        if reason := place_model.can_place_now(context):
            cls.poll_message_set(reason)
            return False
        return True

    def act(self, context: bpy.types.Context, job: Job) -> None:
        engine.place_here(job, context.scene, at=context.scene.cursor.location)


class IMAGE_TO_3D_OT_dismiss(JobOperator, bpy.types.Operator):
    """Take the job off the list. Its files stay in the results folder"""

    bl_idname = Op.DISMISS
    bl_label = "Dismiss"

    def act(self, _context: bpy.types.Context, job: Job) -> None:
        engine.queue().dismiss(job.id)


class IMAGE_TO_3D_OT_clear_finished(bpy.types.Operator):
    """Take all jobs that are done or cancelled off the list. Their files stay in the results folder"""

    bl_idname = Op.CLEAR_FINISHED
    bl_label = "Clear Finished"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        for job in engine.jobs():
            if job.state in OVER:
                engine.queue().dismiss(job.id)
        engine.drain(budget=1.0)
        redraw.sidebars(context.window_manager)
        return {"FINISHED"}


class IMAGE_TO_3D_OT_turn_page(bpy.types.Operator):
    """Show other jobs of the list"""

    bl_idname = Op.TURN_PAGE
    bl_label = "Turn Page"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    if TYPE_CHECKING:
        page: int
    else:
        page: IntProperty(min=0, options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        setattr(context.window_manager, PAGE, self.page)
        redraw.sidebars(context.window_manager)
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory(
    (
        IMAGE_TO_3D_OT_cancel_job,
        IMAGE_TO_3D_OT_retry,
        IMAGE_TO_3D_OT_retry_all,
        IMAGE_TO_3D_OT_check_again,
        IMAGE_TO_3D_OT_send_again,
        IMAGE_TO_3D_OT_download_again,
        IMAGE_TO_3D_OT_import_again,
        IMAGE_TO_3D_OT_import_here,
        IMAGE_TO_3D_OT_dismiss,
        IMAGE_TO_3D_OT_clear_finished,
        IMAGE_TO_3D_OT_turn_page,
    )
)
