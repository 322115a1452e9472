# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators for the job list as a whole: its rows, and what is done to all jobs at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import bpy
from bpy.props import StringProperty

from .. import engine, job_rows, job_view, preferences, redraw
from ..bl_ids import Op
from ..jobs.batch import BatchProgress
from ..jobs.config import FREE
from ..scene import place_model
from ..translation import tr
from .define import Question, operator
from .open_actions import open_with_system


class IMAGE_TO_3D_OT_expand_row(bpy.types.Operator):
    """Show or hide the jobs that belong to this row"""

    bl_idname = Op.EXPAND_ROW
    bl_label = "Show Jobs"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    if TYPE_CHECKING:
        key: str
    else:
        key: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        job_rows.toggle(self.key)
        redraw.sidebars(context.window_manager)
        return {"FINISHED"}


def _why_not_import(context: bpy.types.Context, *, of_other_files: bool) -> str:
    if not job_rows.waiting(of_other_files=of_other_files):
        return "No model waits to be imported"
    return place_model.why_not_now(context)


@operator(Op.IMPORT_ALL, "Import All Ready", why_not=lambda context: _why_not_import(context, of_other_files=False))
def import_all(context: bpy.types.Context) -> None:
    """Add all models that wait to this scene, in a row that starts at the 3D cursor"""
    engine.place_all(job_rows.waiting(of_other_files=False), context.scene, context.scene.cursor.location)


@operator(Op.IMPORT_OTHERS, "Import All", why_not=lambda context: _why_not_import(context, of_other_files=True))
def import_others(context: bpy.types.Context) -> None:
    """Add all ready models of other files to this scene instead, in a row that starts at the 3D cursor"""
    engine.place_all(job_rows.waiting(of_other_files=True), context.scene, context.scene.cursor.location)


def _unfinished_batches() -> list[tuple[str, BatchProgress]]:
    found = ((batch.id, job_view.batch_progress(batch.id)) for batch in job_view.batches())
    return [(batch_id, progress) for batch_id, progress in found if progress is not None and not progress.finished]


def _nothing_runs(_context: bpy.types.Context) -> str:
    running = _unfinished_batches() or any(job.running for job in job_view.single_jobs())
    return "" if running else "All jobs have ended"


def _ask_cancel_all(_context: bpy.types.Context) -> Question:
    jobs = sum(job.running for job in job_view.single_jobs())
    jobs += sum(progress.waiting + progress.running for _, progress in _unfinished_batches())
    services = {job.service for job in job_view.single_jobs() if job.running}
    batches = (job_view.batch(batch_id) for batch_id, _ in _unfinished_batches())
    services |= {batch.service for batch in batches if batch is not None}
    message = tr("You may still be charged for those that were sent.") if services - FREE else ""
    if jobs == 1:
        return Question(tr("Cancel 1 Job?"), message, tr("Cancel 1 Job"))
    return Question(tr("Cancel {count} Jobs?", count=jobs), message, tr("Cancel {count} Jobs", count=jobs))


@operator(Op.CANCEL_ALL, "Cancel All", why_not=_nothing_runs, confirm=_ask_cancel_all)
def cancel_all(_context: bpy.types.Context) -> None:
    """Cancel all jobs and batches that have not ended. A paid service may still charge for those that were sent"""
    for batch_id, _ in _unfinished_batches():
        engine.queue().cancel_batch(batch_id)
    for job in job_view.single_jobs():
        if job.running:
            engine.queue().cancel(job.id)


@operator(Op.CLEAR_FINISHED, "Clear Finished")
def clear_finished(_context: bpy.types.Context) -> None:
    """Remove all done and cancelled jobs and batches from the list. Their files are kept in the results folder"""
    for job in job_view.single_jobs():
        if job.finished:
            engine.queue().dismiss(job.id)
    for batch in job_view.batches():
        if all(job.finished for job in job_view.batch_jobs(batch.id)):
            engine.queue().remove_batch(batch.id)


@operator(Op.OPEN_RESULTS, "Open Results Folder")
def open_results(_context: bpy.types.Context) -> None:
    """Open the folder that has a folder for each job"""
    open_with_system(preferences.read_config().results, "The folder")
