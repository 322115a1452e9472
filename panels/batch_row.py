# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws a batch in the job list: one row with its progress, which expands to a page of its jobs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

import bpy

from .. import job_view
from ..bl_ids import BATCH_PAGE, EXPANDED_BATCH, Op
from ..jobs.batch import Batch, BatchItem, BatchProgress
from ..jobs.job import Job, State
from ..jobs.progress import LABELS, format_duration


def draw(layout: bpy.types.UILayout, batch: Batch, draw_job: Callable[[bpy.types.UILayout, Job], None]) -> None:
    """Draw a batch, and a page of its jobs if it is expanded. `draw_job` draws one job."""
    progress = job_view.batch_progress(batch.id)
    if progress is None:
        return
    manager = bpy.context.window_manager
    expanded = getattr(manager, EXPANDED_BATCH) == batch.id
    box = layout.box().column(align=True)
    _draw_title(box, batch, progress, expanded)
    row = box.row(align=True)
    row.progress(factor=progress.fraction, text=summary(batch, progress))
    if progress.finished and progress.failed:
        row.operator(Op.RETRY_BATCH, text="", icon="FILE_REFRESH").batch_id = batch.id
    if expanded:
        _draw_jobs(box, batch, getattr(manager, BATCH_PAGE), draw_job)


def summary(batch: Batch, progress: BatchProgress) -> str:
    """Returns a batch's progress as a text: "12 of 40 · 2 failed · 3:10 left"."""
    parts = [f"{progress.done} of {progress.total}"]
    parts += [f"{progress.failed} failed"] if progress.failed else []
    parts += [f"{progress.cancelled} cancelled"] if progress.cancelled else []
    left = job_view.batch_seconds_left(batch.id)
    if batch.paused and progress.waiting:
        parts.append("paused")
    elif left is not None and not progress.finished:
        parts.append(f"{format_duration(left)} left")
    return " · ".join(parts)


def _draw_title(layout: bpy.types.UILayout, batch: Batch, progress: BatchProgress, expanded: bool) -> None:
    row = layout.row(align=True)
    name = row.row(align=True)
    name.alignment = "LEFT"
    icon = "DISCLOSURE_TRI_DOWN" if expanded else "DISCLOSURE_TRI_RIGHT"
    name.operator(Op.EXPAND_BATCH, text=batch.name, icon=icon, emboss=False).batch_id = batch.id
    buttons = row.row(align=True)
    buttons.alignment = "RIGHT"
    if progress.waiting and batch.paused:
        buttons.operator(Op.RESUME_BATCH, text="", icon="PLAY").batch_id = batch.id
    elif progress.waiting:
        buttons.operator(Op.PAUSE_BATCH, text="", icon="PAUSE").batch_id = batch.id
    last = Op.REMOVE_BATCH if progress.finished else Op.CANCEL_BATCH
    buttons.operator(last, text="", icon="X").batch_id = batch.id
    buttons.operator(Op.BATCH_MENU, text="", icon="DOWNARROW_HLT").batch_id = batch.id


def _draw_jobs(
    layout: bpy.types.UILayout, batch: Batch, page: int, draw_job: Callable[[bpy.types.UILayout, Job], None]
) -> None:
    rows, page, pages = job_view.batch_page(batch.id, page)
    column = layout.column()
    for item, job in rows:
        if job is not None:
            draw_job(column, job)
        else:
            _draw_image(column, item, LABELS[State.CANCELLED if batch.cancelled else State.QUEUED])
    if pages > 1:
        draw_pager(layout, BATCH_PAGE, page, pages)


def _draw_image(layout: bpy.types.UILayout, item: BatchItem, label: str) -> None:
    """Draw an image whose job does not exist yet."""
    row = layout.row()
    row.active = False
    row.label(text=item.name or PurePath(item.image).stem, icon="IMAGE_DATA")
    row.label(text=label)


def draw_pager(layout: bpy.types.UILayout, of: str, page: int, pages: int) -> None:
    """Draw the buttons that turn to the page before and after. `of`: LIST_PAGE or BATCH_PAGE."""
    row = layout.row(align=True)
    back, middle, forward = row.row(align=True), row.row(), row.row(align=True)
    back.enabled, forward.enabled = page > 0, page + 1 < pages
    middle.alignment = "CENTER"
    middle.label(text=f"Page {page + 1} of {pages}")
    for side, icon, target in ((back, "TRIA_LEFT", max(page - 1, 0)), (forward, "TRIA_RIGHT", page + 1)):
        button = side.operator(Op.TURN_PAGE, text="", icon=icon)
        button.of, button.page = of, target
