# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators for a batch in the list: each passes a command on to the queue, opens its files, or shows its jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import bpy
from bpy.props import StringProperty

from .. import engine, job_view
from ..bl_ids import BATCH_PAGE, EXPANDED_BATCH, Op
from ..jobs.batch import Batch, BatchProgress
from .define import batch_operator
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


def _cancel_question(batch: Batch, progress: BatchProgress) -> tuple[str, str]:
    jobs = progress.waiting + progress.running
    charged = f" You may still be charged for the {progress.running} that have started." if progress.running else ""
    return (
        f"{batch.name}: {jobs} of {progress.total} have not ended.{charged}",
        f"Cancel {jobs} Jobs" if jobs > 1 else "Cancel 1 Job",
    )


@batch_operator(Op.PAUSE_BATCH, "Pause", why_not=_why_not_pause)
def pause_batch(_context: bpy.types.Context, batch: Batch) -> None:
    """Start no further job of this batch. Jobs that have started continue"""
    engine.queue().pause_batch(batch.id, True)


@batch_operator(Op.RESUME_BATCH, "Resume", why_not=_why_not_resume)
def resume_batch(_context: bpy.types.Context, batch: Batch) -> None:
    """Start the waiting jobs of this batch again"""
    engine.queue().pause_batch(batch.id, False)


@batch_operator(Op.CANCEL_BATCH, "Cancel Batch", why_not=_why_not_cancel, question=_cancel_question)
def cancel_batch(_context: bpy.types.Context, batch: Batch) -> None:
    """Cancel all jobs of this batch that have not ended. The service may still charge for work it has started"""
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


@batch_operator(Op.EXPAND_BATCH, "Show Jobs")
def expand_batch(context: bpy.types.Context, batch: Batch) -> None:
    """Show or hide the jobs of this batch"""
    manager = context.window_manager
    shown = getattr(manager, EXPANDED_BATCH) == batch.id
    setattr(manager, EXPANDED_BATCH, "" if shown else batch.id)
    setattr(manager, BATCH_PAGE, 0)


class IMAGE_TO_3D_OT_batch_menu(bpy.types.Operator):
    """Report, folder, and what else can be done with this batch"""

    bl_idname = Op.BATCH_MENU
    bl_label = "Batch"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    if TYPE_CHECKING:
        batch_id: str
    else:
        batch_id: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        batch, progress = job_view.batch(self.batch_id), job_view.batch_progress(self.batch_id)
        if batch is None or progress is None:
            self.report({"WARNING"}, "The batch is no longer in the list")
            return {"CANCELLED"}
        entries = (
            (Op.OPEN_REPORT, "", "DOCUMENTS"),
            (Op.OPEN_BATCH_FOLDER, "", "FILE_FOLDER"),
            (Op.RETRY_BATCH, _why_not_retry(batch, progress), "FILE_REFRESH"),
            (Op.CANCEL_BATCH, _why_not_cancel(batch, progress), "CANCEL"),
            (Op.REMOVE_BATCH, _why_not_remove(batch, progress), "X"),
        )

        def draw(menu: bpy.types.UIPopupMenu, _context: bpy.types.Context) -> None:
            for idname, reason, icon in entries:
                row = menu.layout.row()
                row.enabled = not reason
                row.operator_context = "INVOKE_DEFAULT"
                row.operator(idname, icon=icon).batch_id = batch.id

        context.window_manager.popup_menu(draw, title=batch.name)
        return {"FINISHED"}
