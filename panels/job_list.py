# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the job list: each job's image, state, error, and the buttons for it."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Mapping
from typing import Any, Final

import bpy

from .. import job_view
from ..bl_ids import LIST_PAGE, Op
from ..errors import Action, ErrorInfo
from ..jobs import progress
from ..jobs.batch import Batch
from ..jobs.job import Job, State
from ..scene import target_scene, thumbnails
from ..translation import tr_message
from . import batch_row

BUTTONS: Final[Mapping[Action, tuple[Op, str]]] = {
    Action.OPEN_PREFERENCES: (Op.OPEN_PREFERENCES, "PREFERENCES"),
    Action.ALLOW_ONLINE: (Op.ALLOW_ONLINE, "INTERNET"),
    Action.RETRY: (Op.RETRY, "FILE_REFRESH"),
    Action.DOWNLOAD_AGAIN: (Op.DOWNLOAD_AGAIN, "IMPORT"),
    Action.IMPORT_AGAIN: (Op.IMPORT_AGAIN, "FILE_REFRESH"),
    Action.CHECK_AGAIN: (Op.CHECK_AGAIN, "VIEWZOOM"),
}
"""The button for what an error advises."""

_SETTING_ACTIONS: Final = frozenset({Action.OPEN_PREFERENCES, Action.ALLOW_ONLINE})
"""These change a setting; the job needs a retry afterward."""

_NAME_SHARE: Final = 0.36
"""The fraction of a row's width for the name."""


def draw(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Draw the current page of the list of jobs and batches; nothing if there are none."""
    shown, page, pages = job_view.page(getattr(context.window_manager, LIST_PAGE))
    if not shown:
        return
    width = characters(context)
    paused = job_view.paused()
    if paused is not None:
        left, reason = paused
        line = layout.row()
        line.label(text=f"New jobs start in {left}", icon="SORTTIME")
        line.operator(Op.TRY_NOW)
        wrapped(layout, reason, width, icon="BLANK1")
    held = job_view.held()
    if held:
        wrapped(layout, tr_message(held), width, icon="SORTTIME")
        layout.operator(Op.OPEN_PREFERENCES, text="Change Daily Limit…", icon="PREFERENCES")
    column = layout.column(align=False)

    def draw_job(place: bpy.types.UILayout, job: Job) -> None:
        # What pauses all queued jobs is shown once.
        _draw_job(place, job, width, "" if (paused or held) and job.state is State.QUEUED else str(job.note))

    for row in shown:
        if isinstance(row, Batch):
            batch_row.draw(column, row, draw_job)
        else:
            draw_job(column, row)
    if pages > 1:
        batch_row.draw_pager(layout, LIST_PAGE, page, pages)
    if job_view.failed() > 1:
        layout.operator(Op.RETRY_ALL, text=f"Retry Failed ({job_view.failed()})", icon="FILE_REFRESH")


def characters(context: bpy.types.Context) -> int:
    """Returns about how many characters fit on a line of the panel."""
    scale = context.preferences.system.ui_scale
    return max(20, int(context.region.width / (scale * 6.6)) - 6)


def wrapped(layout: bpy.types.UILayout, text: str, width: int, icon: str = "NONE") -> None:
    """Draw a text on as many lines as it needs; a label would cut it off."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(textwrap.wrap(text, width)[:6]):
        column.label(text=line, icon=icon if number == 0 else "BLANK1" if icon != "NONE" else "NONE")


def _draw_job(layout: bpy.types.UILayout, job: Job, width: int, note: str) -> None:
    if job.error is not None and not job.running:
        box = layout.box().column(align=True)
        _draw_row(box, job)
        wrapped(box, str(job.error), width - 2)
        _draw_error_buttons(box, job, job.error)
    else:
        _draw_row(layout, job)
        if not note and job.state is State.READY:
            note = target_scene.other_file_label(job)
        note = note or tr_message(progress.no_mesh_note(job.details))
        if note:
            wrapped(layout, note, width, icon="INFO")


def _draw_row(layout: bpy.types.UILayout, job: Job) -> None:
    split = layout.split(factor=_NAME_SHARE)
    image = job.thumbnail_path
    thumbnail = thumbnails.icon(str(image), ours=True) if image else 0
    if thumbnail:
        split.label(text=job.name, icon_value=thumbnail)
    else:
        split.label(text=job.name, icon="IMAGE_DATA")
    row = split.row(align=True)
    if job.running:
        _draw_progress(row, job)
        _button(row, Op.CANCEL_JOB, job, "X")
        return
    if job.state is State.READY:
        _button(row, Op.IMPORT_HERE, job, "IMPORT", text=None)
    else:
        label = row.row()
        label.active = False
        label.label(text=progress.LABELS[job.state])
    if job.video_file:
        _button(row, Op.OPEN_VIDEO, job, "PLAY")
    if job.state is State.PLACED:
        _button(row, Op.OPEN_FOLDER, job, "FILE_FOLDER")
        _button(row, Op.IMPORT_HERE, job, "IMPORT")
    if job.state is State.CANCELLED:
        _button(row, Op.RETRY, job, "FILE_REFRESH")
    if job_view.batch(job.batch) is None:  # a job of a batch leaves the list with it
        _button(row, Op.DISMISS, job, "X")


def _draw_progress(row: bpy.types.UILayout, job: Job) -> None:
    now = time.time()
    row.progress(factor=progress.fraction_and_eta(job, now)[0], text=tr_message(progress.status_text(job, now)))


def _draw_error_buttons(layout: bpy.types.UILayout, job: Job, error: ErrorInfo) -> None:
    """Draw the buttons for what the error advises."""
    row = layout.row(align=True)
    if error.action in BUTTONS:
        operator, icon = BUTTONS[error.action]
        _button(row, operator, job, icon, text=None)
    if error.action is Action.DOWNLOAD_AGAIN and job.model_file:
        _button(row, Op.IMPORT_AGAIN, job, "FILE_REFRESH", text=None)
    if error.action in _SETTING_ACTIONS:
        _button(row, Op.RETRY, job, "FILE_REFRESH", text=None)
    if job.state is State.UNCONFIRMED:
        _button(row, Op.SEND_AGAIN, job, "EXPORT", text=None)
    if job.model_file:
        _button(row, Op.OPEN_FOLDER, job, "FILE_FOLDER")


def _button(layout: bpy.types.UILayout, operator: Op, job: Job, icon: str, text: str | None = "") -> None:
    """Draw a button for one job. `text`: None for the operator's label, "" for the icon alone."""
    options: dict[str, Any] = {} if text is None else {"text": text}
    button = layout.operator(operator, icon=icon, **options)
    if hasattr(button, "job_id"):
        button.job_id = job.id
