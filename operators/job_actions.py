# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators for the job list. Each passes a command on to the queue."""

from __future__ import annotations

import bpy

from .. import engine, job_view
from ..bl_ids import Op
from ..jobs.commands import Command
from ..jobs.config import FREE
from ..jobs.job import Job, State
from ..scene import place_model
from ..translation import tr
from .define import Question, job_operator, operator


def _may_be_charged(job: Job) -> bool:
    """Whether the service may have charged for a job: its request was sent, and not refused."""
    return bool(job.sent) and job.service not in FREE


def _why_not_cancel(job: Job) -> str:
    return "" if job.running else "The job has ended"


def _ask_cancel(job: Job) -> Question | None:
    if not job.running or not _may_be_charged(job):
        return None
    message = tr("The request was sent. You may still be charged.")
    return Question(tr("Cancel {name}?", name=job.name), message, tr("Cancel Job"))


def _ask_send_again(job: Job) -> Question:
    message = tr("If the first request did arrive, you are charged twice.")
    return Question(tr("Send {name} Again?", name=job.name), message, tr("Send Again"))


def _why_not_remove(job: Job) -> str:
    if job_view.batch(job.batch) is not None:
        return "The jobs of a batch leave the list with the batch"
    return "Cancel the job first" if job.running else ""


def _ask_remove(job: Job) -> Question | None:
    if job.finished or not _may_be_charged(job):
        return None
    if job.state is State.UNCONFIRMED:
        message = tr("You may have been charged for this model. Without the job, it can't be looked for.")
    else:
        message = tr("This model was charged and is not in a scene. Its files are kept in the results folder.")
    return Question(tr("Remove {name}?", name=job.name), message, tr("Remove"))


@job_operator(Op.CANCEL_JOB, "Cancel", refuses=_why_not_cancel, question=_ask_cancel)
def cancel(_context: bpy.types.Context, job: Job) -> None:
    """Cancel this job. A paid service may still charge for it"""
    engine.queue().cancel(job.id)


@job_operator(Op.RETRY, "Retry")
def retry(_context: bpy.types.Context, job: Job) -> None:
    """Continue this job where it stopped"""
    engine.queue().command(job.id, Command.RETRY)


def _none_failed(_context: bpy.types.Context) -> str:
    return "" if job_view.count(State.FAILED) else "No job has failed"


@operator(Op.RETRY_ALL, "Retry Failed", why_not=_none_failed)
def retry_all(_context: bpy.types.Context) -> None:
    """Retry all failed jobs where they stopped, those of batches too. You are not charged twice"""
    for job in job_view.jobs():
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


@job_operator(Op.SEND_AGAIN, "Send Again", question=_ask_send_again)
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


@job_operator(Op.DISMISS, "Remove from List", refuses=_why_not_remove, question=_ask_remove)
def dismiss(_context: bpy.types.Context, job: Job) -> None:
    """Remove the job from the list. Its files are kept in the results folder"""
    engine.queue().dismiss(job.id)
