# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators for the job list. Each passes a command on to the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import bpy
from bpy.props import EnumProperty, IntProperty

from .. import engine, job_view, redraw
from ..bl_ids import BATCH_PAGE, LIST_PAGE, Op
from ..jobs.commands import Command
from ..jobs.job import Job, State
from ..scene import place_model
from .define import job_operator, operator


@job_operator(Op.CANCEL_JOB, "Cancel")
def cancel(_context: bpy.types.Context, job: Job) -> None:
    """Cancel this job. The service may still charge for work it has started"""
    engine.queue().cancel(job.id)


@job_operator(Op.RETRY, "Retry")
def retry(_context: bpy.types.Context, job: Job) -> None:
    """Continue this job where it stopped"""
    engine.queue().command(job.id, Command.RETRY)


@operator(Op.RETRY_ALL, "Retry Failed")
def retry_all(_context: bpy.types.Context) -> None:
    """Retry all failed jobs where they stopped. You are not charged twice"""
    for job in job_view.single_jobs():
        if job.state is State.FAILED:
            engine.queue().command(job.id, Command.RETRY)


@operator(Op.TRY_NOW, "Try Now")
def try_now(_context: bpy.types.Context) -> None:
    """Do not wait any longer. The service may ask for another pause"""
    engine.try_now()


@job_operator(Op.CHECK_AGAIN, "Check Again")
def check_again(_context: bpy.types.Context, job: Job) -> None:
    """Search your account's generated models for this job. Free"""
    engine.queue().command(job.id, Command.CHECK_AGAIN)


@job_operator(Op.SEND_AGAIN, "Send Again", confirm=True)
def send_again(_context: bpy.types.Context, job: Job) -> None:
    """Send the request again. If the first one did arrive, you may be charged twice"""
    engine.queue().command(job.id, Command.SEND_AGAIN)


@job_operator(Op.DOWNLOAD_AGAIN, "Download Again")
def download_again(_context: bpy.types.Context, job: Job) -> None:
    """Request new links from the service and download the model again. Free"""
    engine.queue().command(job.id, Command.DOWNLOAD_AGAIN)


@job_operator(Op.IMPORT_AGAIN, "Import Again")
def import_again(_context: bpy.types.Context, job: Job) -> None:
    """Import the downloaded model file again"""
    engine.queue().command(job.id, Command.IMPORT_AGAIN)


@job_operator(Op.IMPORT_HERE, "Import at Cursor", why_not=place_model.why_not_now)
def import_here(context: bpy.types.Context, job: Job) -> None:
    """Add the model to this scene at the 3D cursor"""
    engine.place_here(job, context.scene, at=context.scene.cursor.location)


@job_operator(Op.DISMISS, "Remove from List")
def dismiss(_context: bpy.types.Context, job: Job) -> None:
    """Remove the job from the list. Its files are kept in the results folder"""
    engine.queue().dismiss(job.id)


@operator(Op.CLEAR_FINISHED, "Clear Finished")
def clear_finished(_context: bpy.types.Context) -> None:
    """Remove all done and cancelled jobs and batches from the list. Their files are kept in the results folder"""
    for job in job_view.single_jobs():
        if job.finished:
            engine.queue().dismiss(job.id)
    for batch in job_view.batches():
        if all(job.finished for job in job_view.batch_jobs(batch.id)):
            engine.queue().remove_batch(batch.id)


class IMAGE_TO_3D_OT_turn_page(bpy.types.Operator):
    """Show another page of the job list, or of a batch in it"""

    bl_idname = Op.TURN_PAGE
    bl_label = "Turn Page"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    if TYPE_CHECKING:
        page: int
        of: str
    else:
        page: IntProperty(min=0, options={"HIDDEN", "SKIP_SAVE"})
        of: EnumProperty(items=((LIST_PAGE, "List", ""), (BATCH_PAGE, "Batch", "")), options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        setattr(context.window_manager, self.of, self.page)
        redraw.sidebars(context.window_manager)
        return {"FINISHED"}
