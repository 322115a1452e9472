# SPDX-License-Identifier: GPL-3.0-or-later
"""The job list: Blender's list widget with a row for each job and batch, and the buttons beside it."""

from __future__ import annotations

import time
from typing import Any, Final

import bpy

from .. import job_rows, job_view
from ..bl_ids import JOB_LIST, JOB_LIST_MENU, LIST_ROWS, SELECTED_ROW, Op
from ..jobs import progress
from ..jobs.batch import Batch, BatchProgress
from ..jobs.job import Job, State
from ..scene import thumbnails
from ..text_lines import is_narrow, wrapped
from ..translation import tr, tr_message
from . import job_details
from .buttons import button

_ROWS: Final = 3
_MAX_ROWS: Final = 5
"""The list grows with its rows to this number, then it scrolls: what is below it stays where it is."""
_BAR: Final = 3.4
_BATCH_BAR: Final = 4.4
"""Width of a progress bar in a row, in widths of a button."""
_INDENT: Final = 0.8

_ICONS: Final = {
    State.QUEUED: "SORTTIME",
    State.READY: "IMPORT",
    State.PLACED: "CHECKMARK",
    State.CANCELLED: "CANCEL",
    State.FAILED: "ERROR",
    State.UNCONFIRMED: "QUESTION",
}
"""What stands at the right of a row while no bar does."""
_NEEDS_ATTENTION: Final = frozenset({State.FAILED, State.UNCONFIRMED})
"""Drawn in red."""


class IMAGE_TO_3D_UL_jobs(bpy.types.UIList):
    bl_idname = JOB_LIST

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        _data: Any,
        item: Any,
        _icon: int,
        _active_data: Any,
        _active_property: str,
        index: int = 0,
        _flag: int = 0,
    ) -> None:
        shown = job_rows.row(index)
        if shown is None:
            return
        row = layout.row(align=True)
        if shown.depth:
            row.separator(factor=_INDENT * shown.depth)
        narrow = is_narrow(context)
        job, batch = job_view.job(shown.key), job_view.batch(shown.key)
        if shown.kind is job_rows.Kind.OTHER_FILES:
            _draw_triangle(row, shown.key)
            _draw_other_files(row, narrow)
        elif batch is not None:
            _draw_batch(row, batch, narrow)
        elif job is not None:
            _draw_job(row, job, narrow)
        else:  # an image of a batch whose job does not exist yet
            row.label(text=item.name, icon="IMAGE_DATA", translate=False)
            owner = job_view.batch(shown.batch)
            _draw_state(row, State.CANCELLED if owner is not None and owner.cancelled else State.QUEUED)


class IMAGE_TO_3D_MT_jobs(bpy.types.Menu):
    bl_idname = JOB_LIST_MENU
    bl_label = "Jobs"

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        layout.operator_context = "INVOKE_DEFAULT"  # some ask first
        layout.operator(Op.IMPORT_ALL, icon="IMPORT")
        failed = job_view.count(State.FAILED)
        options: dict[str, Any] = {"text": tr("Retry Failed ({count})", count=failed)} if failed else {}
        layout.operator(Op.RETRY_ALL, icon="FILE_REFRESH", **options)
        layout.operator(Op.CANCEL_ALL, icon="CANCEL")
        layout.separator()
        layout.operator(Op.CLEAR_FINISHED, icon="CHECKMARK")
        layout.operator(Op.SHOW_RESULTS, text="Results…", icon="IMGDISPLAY")
        layout.operator(Op.OPEN_RESULTS, icon="FILE_FOLDER")


def draw(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Draw the list, its buttons, and the details of the selected row; nothing if there are no jobs."""
    if not job_rows.any_rows():
        return
    manager = context.window_manager
    narrow = is_narrow(context)
    row = layout.row()
    row.template_list(JOB_LIST, "", manager, LIST_ROWS, manager, SELECTED_ROW, rows=_ROWS, maxrows=_MAX_ROWS)
    _draw_buttons(layout.row(align=True) if narrow else row.column(align=True), narrow)
    job_details.draw(layout, context)
    paused = job_view.paused()
    if paused is not None:
        left, reason = paused
        line = layout.row()
        line.label(text=tr("New jobs start in {time}", time=left), icon="SORTTIME", translate=False)
        line.operator(Op.TRY_NOW)
        wrapped(layout, context, tr_message(reason), icon="BLANK1")
    if waits_for := job_view.waits_for():
        wrapped(layout, context, tr_message(waits_for), icon="SORTTIME")
    held = job_view.held()
    if held:
        wrapped(layout, context, tr_message(held), icon="SORTTIME")
        button(layout, context, Op.OPEN_PREFERENCES, "Change Daily Limit…", icon="PREFERENCES")


def _draw_buttons(layout: bpy.types.UILayout, narrow: bool) -> None:
    """Draw the buttons beside the list, which act on the selected row, and the menu for all jobs."""
    selected = job_rows.selected()
    job = job_view.job(selected.key) if selected is not None else None
    batch = job_view.batch(selected.key) if selected is not None else None
    if batch is not None:
        finished = batch_progress(batch).finished
        layout.operator(Op.REMOVE_BATCH if finished else Op.CANCEL_BATCH, text="", icon="X").batch_id = batch.id
        layout.operator(Op.OPEN_BATCH_FOLDER, text="", icon="FILE_FOLDER").batch_id = batch.id
    else:
        cross, folder = layout.row(align=True), layout.row(align=True)
        in_batch = job is not None and job_view.batch(job.batch) is not None
        cross.enabled = job is not None and (job.running or not in_batch)
        folder.enabled = job is not None
        job_id = job.id if job is not None else ""
        running = job is not None and job.running
        cross.operator(Op.CANCEL_JOB if running else Op.DISMISS, text="", icon="X").job_id = job_id
        folder.operator(Op.OPEN_FOLDER, text="", icon="FILE_FOLDER").job_id = job_id
    if not narrow:
        layout.separator()
    layout.menu(JOB_LIST_MENU, text="", icon="DOWNARROW_HLT")


def _draw_job(row: bpy.types.UILayout, job: Job, narrow: bool) -> None:
    image = job.thumbnail_path
    thumbnail = thumbnails.icon(str(image), ours=True) if image else 0
    icon: dict[str, Any] = {"icon_value": thumbnail} if thumbnail else {"icon": "IMAGE_DATA"}
    row.label(text=job_rows.name_of(job), translate=False, **icon)
    if progress.waits(job):
        _draw_state(row, State.QUEUED)
    elif job.running and job.state is not State.QUEUED:
        fraction, left = progress.fraction_and_eta(job, time.time())
        _draw_progress(
            row, fraction, f"{fraction:.0%}" if left is None else progress.format_duration(left), _BAR, narrow
        )
    else:
        _draw_state(row, job.state)


def _draw_batch(row: bpy.types.UILayout, batch: Batch, narrow: bool) -> None:
    _draw_triangle(row, batch.id)
    row.label(text=batch.name, translate=False)
    done = batch_progress(batch)
    if not done.finished:
        _draw_progress(row, done.fraction, f"{done.done}/{done.total}", _BATCH_BAR, narrow)
    else:
        _draw_state(row, State.FAILED if done.failed else State.PLACED if done.done else State.CANCELLED)


def batch_progress(batch: Batch) -> BatchProgress:
    """Returns how far a batch is that is in the list."""
    known = job_view.batch_progress(batch.id)
    assert known is not None, "it was in the list a moment ago"
    return known


def _draw_other_files(row: bpy.types.UILayout, narrow: bool) -> None:
    count = job_rows.other_files()
    if not narrow:
        row.label(text=tr("From Other Files ({count})", count=count), translate=False)
        return
    row.label(text="Other Files")
    right = row.row(align=True)
    right.alignment = "RIGHT"
    right.label(text=str(count), translate=False)


def _draw_triangle(row: bpy.types.UILayout, key: str) -> None:
    icon = "DISCLOSURE_TRI_DOWN" if job_rows.is_expanded(key) else "DISCLOSURE_TRI_RIGHT"
    row.operator(Op.EXPAND_ROW, text="", icon=icon, emboss=False).key = key


def _draw_progress(row: bpy.types.UILayout, fraction: float, text: str, width: float, narrow: bool) -> None:
    right = row.row(align=True)
    if narrow:
        right.alignment = "RIGHT"
        right.label(text=text, translate=False)
        return
    right.ui_units_x = width
    right.progress(factor=fraction, text=text, translate=False)


def _draw_state(row: bpy.types.UILayout, state: State) -> None:
    right = row.row(align=True)
    right.alignment = "RIGHT"
    right.alert = state in _NEEDS_ATTENTION
    right.active = right.alert or state is State.READY
    right.label(text="", icon=_ICONS.get(state, "NONE"))
