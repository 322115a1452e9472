# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the details of the selected row below the job list: what went wrong, what it waits for, and its buttons."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Final

import bpy

from .. import job_rows, job_view
from ..bl_ids import Op
from ..errors import Action, ErrorInfo
from ..jobs import progress
from ..jobs.batch import Batch, BatchProgress
from ..jobs.job import Job, State
from ..scene import pending_models, place_model, target_scene
from ..text_lines import is_narrow, wrapped
from ..translation import tr, tr_message
from .buttons import button

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


def draw(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Draw the details of the selected row; nothing if none is selected."""
    selected = job_rows.selected()
    if selected is None:
        return
    job, batch = job_view.job(selected.key), job_view.batch(selected.key)
    if selected.kind is job_rows.Kind.OTHER_FILES:
        layout.operator(Op.IMPORT_OTHERS, icon="IMPORT")
    elif batch is not None:
        _draw_batch(layout, context, batch)
    elif job is not None and job.error is not None and not job.running:
        _draw_error(layout.box(), context, job, job.error)
    elif job is not None:
        _draw_job(layout, context, job)


def summary(batch: Batch, done: BatchProgress, *, short: bool) -> str:
    """Returns a batch's progress as a text: "12 of 40 · 2 failed · 3:10 left"; without the time left if `short`."""
    parts = [tr("{done} of {total}", done=done.done, total=done.total)]
    parts += [tr("{count} failed", count=done.failed)] if done.failed else []
    parts += [tr("{count} cancelled", count=done.cancelled)] if done.cancelled else []
    left = job_view.batch_seconds_left(batch.id)
    if batch.paused and done.waiting:
        parts.append(tr("paused"))
    elif left is not None and not done.finished and not short:
        parts.append(tr("{time} left", time=progress.format_duration(left)))
    return " · ".join(parts)


def _draw_batch(layout: bpy.types.UILayout, context: bpy.types.Context, batch: Batch) -> None:
    done = job_view.batch_progress(batch.id)
    if done is None:
        return
    column = layout.column(align=True)
    column.progress(factor=done.fraction, text=summary(batch, done, short=is_narrow(context)), translate=False)
    buttons = column if is_narrow(context) else column.row(align=True)
    if done.waiting:
        pause = (Op.RESUME_BATCH, "PLAY") if batch.paused else (Op.PAUSE_BATCH, "PAUSE")
        buttons.operator(pause[0], icon=pause[1]).batch_id = batch.id
    elif done.failed + done.cancelled:
        text = tr("Retry Failed ({count})", count=done.failed + done.cancelled)
        buttons.operator(Op.RETRY_BATCH, text=text, icon="FILE_REFRESH", translate=False).batch_id = batch.id
    if batch.report:
        buttons.operator(Op.OPEN_REPORT, icon="DOCUMENTS").batch_id = batch.id


def _draw_error(layout: bpy.types.UILayout, context: bpy.types.Context, job: Job, error: ErrorInfo) -> None:
    icon = "QUESTION" if job.state is State.UNCONFIRMED else "ERROR"
    wrapped(layout, context, tr_message(error.message), icon=icon, alert=True, in_box=True)
    if error.advice:
        wrapped(layout, context, tr_message(error.advice), in_box=True)
    is_setting = error.action in _SETTING_ACTIONS
    shown = [BUTTONS[error.action]] if error.action in BUTTONS else []
    if error.action is Action.DOWNLOAD_AGAIN and job.model_file:
        shown.append((Op.IMPORT_AGAIN, "FILE_REFRESH"))
    if is_setting:
        shown.append((Op.RETRY, "FILE_REFRESH"))
    if job.state is State.UNCONFIRMED:
        shown.append((Op.SEND_AGAIN, "EXPORT"))
    _draw_buttons(layout, context, job, shown, in_box=True, below=is_setting)  # the label of a setting is long


def _draw_job(layout: bpy.types.UILayout, context: bpy.types.Context, job: Job) -> None:
    column = layout.column(align=True)
    if not progress.waits(job):  # its note says so
        line = column.row()
        line.active = False
        line.label(text=_state(job), translate=False)
    # What all jobs wait for is shown once, below.
    is_held = job.state is State.QUEUED and (job_view.paused() or job_view.held())
    note = "" if is_held or job.note == job_view.waits_for() else tr_message(job.note)
    known = (*progress.service_notes(job.details), *progress.repairs(job.details))
    for text in (note or _why_it_waits(context, job), *map(tr_message, known)):
        if text:
            wrapped(column, context, text, icon="INFO")
    if done := " · ".join(map(tr_message, progress.tool_notes(job.details))):
        wrapped(column, context, done, icon="MODIFIER")
    shown: list[tuple[Op, str]] = []
    if job.state in (State.READY, State.PLACED) and not pending_models.is_pending(job.id):
        shown.append((Op.IMPORT_HERE, "IMPORT"))
    if job.state is State.CANCELLED:
        shown.append((Op.RETRY, "FILE_REFRESH"))
    if job.video_file:
        shown.append((Op.OPEN_VIDEO, "PLAY"))
    _draw_buttons(layout, context, job, shown)


def _state(job: Job) -> str:
    """Returns a job's state, and the time left if that can be estimated: "Generating · 0:42 left"."""
    left = progress.fraction_and_eta(job, time.time())[1]
    if left is not None:
        return f"{tr(progress.LABELS[job.state])} · " + tr("{time} left", time=progress.format_duration(left))
    return tr_message(progress.status_text(job, time.time()))


def _why_it_waits(context: bpy.types.Context, job: Job) -> str:
    """Returns why a ready model is not in the scene; "" if it is not ready."""
    if job.state is not State.READY:
        return ""
    if pending_models.is_pending(job.id):
        return tr(place_model.why_not_now(context))
    elsewhere = target_scene.other_file_label(job)
    if elsewhere:
        return tr_message(elsewhere)
    if job.place_by_itself and job.placement.place == "PLACEHOLDER":
        return tr("Its placeholder was deleted.")
    return ""


def _draw_buttons(
    layout: bpy.types.UILayout,
    context: bpy.types.Context,
    job: Job,
    shown: Sequence[tuple[Op, str]],
    *,
    in_box: bool = False,
    below: bool = False,
) -> None:
    """Draw buttons beside each other, or one below the other where the labels would be cut off."""
    narrow = is_narrow(context)
    below = below or narrow
    row = layout.column(align=True) if below else layout.row(align=True)
    for operator, icon in shown:
        icon = "NONE" if narrow and in_box else icon
        made = button(row, context, operator, icon=icon, in_box=in_box, buttons=1 if below else len(shown))
        if hasattr(made, "job_id"):
            made.job_id = job.id
