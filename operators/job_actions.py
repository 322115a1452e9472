# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators for a job in the list. Each passes a command on to the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import bpy
from bpy.props import IntProperty, StringProperty

from .. import engine, job_view, redraw
from ..bl_ids import LIST_PAGE, Op
from ..errors import ImageTo3DError
from ..jobs.job import Job, State
from ..jobs.progress import model_summary
from . import monitor


def refresh(context: bpy.types.Context, budget: float = engine.TICK_BUDGET) -> None:
    """Show at once what a command changed, and have the rest monitored."""
    engine.drain(budget)
    redraw.sidebars(context.window_manager)
    monitor.start()


class JobOperator:
    """Base class of operators for one job."""

    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    if TYPE_CHECKING:
        job_id: str
        report: Any
    else:
        job_id: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: Any) -> str:
        """Returns the tooltip: what the operator does, and what is known about the job's model."""
        job = job_view.job(properties.job_id)
        summary = model_summary(job.details) if job is not None else ""
        return "\n".join(text for text in (cls.__doc__ or "", summary) if text)

    def execute(self, context: bpy.types.Context) -> set[str]:
        job = job_view.job(self.job_id)
        if job is None:
            self.report({"WARNING"}, "The job is no longer in the list")
            return {"CANCELLED"}
        try:
            self.act(context, job)
        except ImageTo3DError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        refresh(context)
        return {"FINISHED"}

    def act(self, context: bpy.types.Context, job: Job) -> None:
        raise NotImplementedError


class IMAGE_TO_3D_OT_cancel_job(JobOperator, bpy.types.Operator):
    """Cancel this job. The service may still charge for work it has started"""

    bl_idname = Op.CANCEL_JOB
    bl_label = "Cancel"

    def act(self, _context: bpy.types.Context, job: Job) -> None:
        engine.queue().cancel(job.id)


class IMAGE_TO_3D_OT_retry(JobOperator, bpy.types.Operator):
    """Continue this job where it stopped"""

    bl_idname = Op.RETRY
    bl_label = "Retry"

    def act(self, _context: bpy.types.Context, job: Job) -> None:
        engine.queue().retry(job.id)


class IMAGE_TO_3D_OT_retry_all(bpy.types.Operator):
    """Retry all failed jobs where they stopped. You are not charged twice"""

    bl_idname = Op.RETRY_ALL
    bl_label = "Retry Failed"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        for job in job_view.jobs():
            if job.state is State.FAILED:
                engine.queue().retry(job.id)
        refresh(context, budget=1.0)
        return {"FINISHED"}


class IMAGE_TO_3D_OT_check_again(JobOperator, bpy.types.Operator):
    """Search your account's generated models for this job. Free"""

    bl_idname = Op.CHECK_AGAIN
    bl_label = "Check Again"

    def act(self, _context: bpy.types.Context, job: Job) -> None:
        engine.queue().check_again(job.id)


class IMAGE_TO_3D_OT_send_again(JobOperator, bpy.types.Operator):
    """Send the request again. If the first one did arrive, you may be charged twice"""

    bl_idname = Op.SEND_AGAIN
    bl_label = "Send Again"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_confirm(self, event)

    def act(self, _context: bpy.types.Context, job: Job) -> None:
        engine.queue().send_again(job.id)


class IMAGE_TO_3D_OT_download_again(JobOperator, bpy.types.Operator):
    """Request new links from the service and download the model again. Free"""

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
    """Add the model to this scene at the 3D cursor"""

    bl_idname = Op.IMPORT_HERE
    bl_label = "Import at Cursor"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        from ..scene import place_model

        if reason := place_model.why_not_now(context):
            cls.poll_message_set(reason)
            return False
        return True

    def act(self, context: bpy.types.Context, job: Job) -> None:
        engine.place_here(job, context.scene, at=context.scene.cursor.location)


class IMAGE_TO_3D_OT_dismiss(JobOperator, bpy.types.Operator):
    """Remove the job from the list. Its files are kept in the results folder"""

    bl_idname = Op.DISMISS
    bl_label = "Remove from List"

    def act(self, _context: bpy.types.Context, job: Job) -> None:
        engine.queue().dismiss(job.id)


class IMAGE_TO_3D_OT_clear_finished(bpy.types.Operator):
    """Remove all done and cancelled jobs from the list. Their files are kept in the results folder"""

    bl_idname = Op.CLEAR_FINISHED
    bl_label = "Clear Finished"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        for job in job_view.jobs():
            if job.finished:
                engine.queue().dismiss(job.id)
        refresh(context, budget=1.0)
        return {"FINISHED"}


class IMAGE_TO_3D_OT_turn_page(bpy.types.Operator):
    """Show another page of the job list"""

    bl_idname = Op.TURN_PAGE
    bl_label = "Turn Page"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    if TYPE_CHECKING:
        page: int
    else:
        page: IntProperty(min=0, options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        setattr(context.window_manager, LIST_PAGE, self.page)
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
