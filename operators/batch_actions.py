# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators for a batch in the list: each passes a command on to the queue, or opens its files."""

from __future__ import annotations

import bpy

from .. import engine
from ..bl_ids import Op
from ..jobs.batch import Batch, BatchProgress
from ..jobs.config import FREE
from ..translation import tr
from .define import Question, batch_operator
from .open_actions import open_with_system


def _why_not_pause(batch: Batch, progress: BatchProgress) -> str:
    return "No job of this batch waits" if not progress.waiting else "It is paused" if batch.paused else ""


def _why_not_resume(batch: Batch, _progress: BatchProgress) -> str:
    return "" if batch.paused else "This batch is not paused"


def _why_not_cancel(_batch: Batch, progress: BatchProgress) -> str:
    return "All jobs of this batch have ended" if progress.finished else ""


def _why_not_retry(_batch: Batch, progress: BatchProgress) -> str:
    return "" if progress.failed + progress.cancelled else "No job of this batch has failed"


def _why_not_remove(_batch: Batch, progress: BatchProgress) -> str:
    return "" if progress.finished else "Cancel this batch first: some of its jobs have not ended"


def _ask_cancel(batch: Batch, progress: BatchProgress) -> Question:
    jobs = progress.waiting + progress.running
    message = tr("{count} of {total} have not ended.", count=jobs, total=progress.total)
    if progress.running and batch.service not in FREE:
        message += " " + tr("You may still be charged for the {count} that have started.", count=progress.running)
    confirm = tr("Cancel {count} Jobs", count=jobs) if jobs > 1 else tr("Cancel 1 Job")
    return Question(tr("Cancel {name}?", name=batch.name), message, confirm)


@batch_operator(Op.PAUSE_BATCH, "Pause Batch", why_not=_why_not_pause)
def pause_batch(_context: bpy.types.Context, batch: Batch) -> None:
    """Start no further job of this batch. Jobs that have started continue"""
    engine.queue().pause_batch(batch.id, True)


@batch_operator(Op.RESUME_BATCH, "Resume", why_not=_why_not_resume)
def resume_batch(_context: bpy.types.Context, batch: Batch) -> None:
    """Start the waiting jobs of this batch again"""
    engine.queue().pause_batch(batch.id, False)


@batch_operator(Op.CANCEL_BATCH, "Cancel Batch", why_not=_why_not_cancel, question=_ask_cancel)
def cancel_batch(_context: bpy.types.Context, batch: Batch) -> None:
    """Cancel all jobs of this batch that have not ended. A paid service may still charge for work it has started"""
    engine.queue().cancel_batch(batch.id)


@batch_operator(Op.RETRY_BATCH, "Retry Failed", why_not=_why_not_retry)
def retry_batch(_context: bpy.types.Context, batch: Batch) -> None:
    """Continue the failed and cancelled jobs of this batch where they stopped. You are not charged twice"""
    engine.queue().retry_batch(batch.id)


@batch_operator(Op.REMOVE_BATCH, "Remove from List", why_not=_why_not_remove)
def remove_batch(_context: bpy.types.Context, batch: Batch) -> None:
    """Remove the batch from the list. Its files are kept in the results folder"""
    engine.queue().remove_batch(batch.id)


@batch_operator(Op.OPEN_REPORT, "Open Report")
def open_report(_context: bpy.types.Context, batch: Batch) -> None:
    """Open the report in the browser: each image beside its model, with time, size and what went wrong"""
    open_with_system(batch.folder / "report.html", "The report")


@batch_operator(Op.OPEN_BATCH_FOLDER, "Open Folder")
def open_batch_folder(_context: bpy.types.Context, batch: Batch) -> None:
    """Open the folder with the reports and the results of this batch"""
    open_with_system(batch.folder, "The folder")
