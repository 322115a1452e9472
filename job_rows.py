# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the job list: which there are, in which order, and which one is selected. Main thread only.

Blender's list widget shows a collection property, which stores no more than names to search for. What a row stands for
is in a list beside it. Both are brought up to date when the jobs' events are applied, never by drawing. A row stays
where it is for good, and the selection follows the job, whatever number its row has.
"""

from __future__ import annotations

import enum
from collections.abc import Container
from os.path import basename, splitext
from typing import Any, Final, NamedTuple

import bpy
from bpy.props import CollectionProperty, IntProperty

from . import job_view
from .bl_ids import LIST_ROWS, SELECTED_ROW
from .jobs.batch import Batch, BatchItem
from .jobs.job import Job, State
from .scene import job_objects, pending_models, target_scene

OTHER_FILES: Final = "other files"
"""The key of the row that stands for all jobs of other .blend files."""


class Kind(enum.Enum):
    """What a row stands for."""

    JOB = enum.auto()
    """A job, or an image of a batch whose job does not exist yet."""
    BATCH = enum.auto()
    OTHER_FILES = enum.auto()


class Row(NamedTuple):
    """A row of the list."""

    key: str
    """The id of the job or batch, or OTHER_FILES."""
    kind: Kind
    depth: int = 0
    """How far it is indented."""
    batch: str = ""
    """The id of the batch that it belongs to."""


class IMAGE_TO_3D_JobRow(bpy.types.PropertyGroup):
    """A row of the list, as Blender's widget knows it: its built-in `name` is what can be searched for."""


_rows: list[Row] = []
_numbers: dict[str, int] = {}
"""The rows' numbers by key."""
_names: list[str] = []
"""The rows' names, as the collection has them."""
_items: dict[str, BatchItem] = {}
"""By job id: the images of the expanded batches."""
_elsewhere: list[Job | Batch] = []
"""What belongs to other files, newest first."""
_expanded: set[str] = set()
"""Keys of the rows that show what belongs to them."""
_selected = ""
"""The key of the selected row."""
_shown_revision = -1
"""The revision of `job_view` that the rows show; -1: they have to be built again."""
_filling = False
"""The selected row's number is being set here, and not by the artist."""


# --- read by panels and operators ------------------------------------------------------------------------------


def any_rows() -> bool:
    """Whether there is anything in the list."""
    return bool(_rows)


def row(number: int) -> Row | None:
    """Returns the row with a number; None if there is none."""
    return _rows[number] if 0 <= number < len(_rows) else None


def rows() -> tuple[Row, ...]:
    """Returns all rows, in their order."""
    return tuple(_rows)


def selected() -> Row | None:
    """Returns the selected row; None if none is."""
    return row(getattr(_manager(), SELECTED_ROW))


def is_expanded(key: str) -> bool:
    """Whether the row with this key shows what belongs to it."""
    return key in _expanded


def other_files() -> int:
    """Returns the number of jobs that belong to other files."""
    return sum(len(entry.items) if isinstance(entry, Batch) else 1 for entry in _elsewhere)


def waiting(*, of_other_files: bool) -> list[Job]:
    """Returns the jobs whose model is ready and will not be placed by itself, oldest first."""
    others = {job.id for entry in _elsewhere for job in _jobs_of(entry)}
    return [
        job
        for job in job_view.jobs()
        if job.state is State.READY and (job.id in others) == of_other_files and not pending_models.is_pending(job.id)
    ]


def name_of(job: Job) -> str:
    """Returns how a job is called in the list: as its model in the scene, so that both can be matched."""
    model = job_objects.model(job)
    return job.name if model is None else model.name


# --- written by the engine and by operators --------------------------------------------------------------------


def refresh() -> None:
    """Bring the rows up to date: all if one came or left, else those with another name. Mostly there is none."""
    global _shown_revision
    collection = getattr(_manager(), LIST_ROWS, None)
    if collection is None:
        return
    renamed = job_view.take_renamed()
    if _shown_revision == job_view.revision() and len(collection) == len(_rows):
        for number in sorted(_numbers[key] for key in renamed if key in _numbers):
            _names[number] = collection[number].name = _name(_rows[number], bpy.data.objects)
        return
    _shown_revision = job_view.revision()
    _rows[:] = _build()
    _numbers.clear()
    _numbers.update((each.key, number) for number, each in enumerate(_rows))
    existing = set(bpy.data.objects.keys())
    names = [_name(each, existing) for each in _rows]
    if len(collection) != len(_names):  # another file was loaded, which has other rows
        collection.clear()
        _names.clear()
    while len(_names) > len(names):
        collection.remove(len(_names) - 1)
        _names.pop()
    for number, (item, name) in enumerate(zip(collection, names, strict=False)):
        if _names[number] != name:
            item.name = name
    for name in names[len(_names) :]:
        collection.add().name = name
    _names[:] = names
    _show_selection()


def file_loaded() -> None:
    """Another file was loaded: other jobs belong to it."""
    global _shown_revision
    _shown_revision = -1
    refresh()


def forget() -> None:
    """Forget which rows were expanded and selected: the engine was stopped."""
    global _selected
    _selected = ""
    _expanded.clear()
    refresh()


def select(key: str) -> None:
    """Select the row with this key, without showing anything in the scene. "" selects none."""
    global _selected
    _selected = key
    _show_selection()


def job_failed(job_id: str) -> None:
    """A job has failed: its error is shown, unless the artist has selected another row."""
    if not _selected:
        refresh()
        select(job_id)


def toggle(key: str) -> None:
    """Show or hide what belongs to a row."""
    global _shown_revision
    _expanded.symmetric_difference_update({key})
    _shown_revision = -1
    refresh()


def _build() -> list[Row]:
    _items.clear()
    _elsewhere.clear()
    known: dict[tuple[str, str, str], bool] = {}
    built: list[Row] = []
    for entry in job_view.entries():
        wanted = entry.target_scene
        scene = wanted.session, wanted.scene_token, wanted.scene_name
        if scene not in known:
            known[scene] = target_scene.is_elsewhere(entry)
        if known[scene]:
            _elsewhere.append(entry)
        else:
            built += _rows_of(entry, 0)
    if _elsewhere:
        built.append(Row(OTHER_FILES, Kind.OTHER_FILES))
        if OTHER_FILES in _expanded:
            for entry in _elsewhere:
                built += _rows_of(entry, 1)
    return built


def _rows_of(entry: Job | Batch, depth: int) -> list[Row]:
    if isinstance(entry, Job):
        return [Row(entry.id, Kind.JOB, depth)]
    rows = [Row(entry.id, Kind.BATCH, depth)]
    if entry.id in _expanded:
        _items.update((item.job_id, item) for item in entry.items)
        rows += [Row(item.job_id, Kind.JOB, depth + 1, entry.id) for item in entry.items]
    return rows


def _name(shown: Row, existing: Container[str]) -> str:
    """Returns the name of a row. `existing`: the names of the objects that there are."""
    job = job_view.job(shown.key)
    if job is not None:
        return job.objects[0] if job.objects and job.objects[0] in existing else job.name
    if shown.kind is Kind.BATCH:
        batch = job_view.batch(shown.key)
        return batch.name if batch is not None else ""
    item = _items.get(shown.key)
    return (item.name or splitext(basename(item.image))[0]) if item is not None else ""


def _jobs_of(entry: Job | Batch) -> list[Job]:
    return job_view.batch_jobs(entry.id) if isinstance(entry, Batch) else [entry]


def _show_selection() -> None:
    """Set the selected row's number. A row that left the list is no longer selected: no other one takes its place."""
    global _filling, _selected
    number = _numbers.get(_selected, -1)
    if number < 0:
        _selected = ""
    manager = _manager()
    if getattr(manager, SELECTED_ROW) != number:
        _filling = True
        try:
            setattr(manager, SELECTED_ROW, number)
        finally:
            _filling = False


def _row_chosen(manager: bpy.types.WindowManager, context: bpy.types.Context) -> None:
    """The selected row's number was set: by a click of the artist, if not by `_show_selection`."""
    global _selected
    chosen = row(getattr(manager, SELECTED_ROW))
    if _filling or chosen is None:
        return
    _selected = chosen.key
    job = job_view.job(chosen.key)
    found = job_objects.find(job, context.scene) if job is not None else None
    if found is not None:
        job_objects.show(context, found)


def _manager() -> bpy.types.WindowManager:
    return bpy.data.window_managers[0]


def _properties() -> dict[str, Any]:
    hidden: dict[str, Any] = {"options": {"SKIP_SAVE", "HIDDEN"}}
    return {
        LIST_ROWS: CollectionProperty(type=IMAGE_TO_3D_JobRow, **hidden),
        SELECTED_ROW: IntProperty(
            name="Job",
            description="Click a job to select its model or placeholder in the scene",
            default=-1,
            update=_row_chosen,
            **hidden,
        ),
    }


def register() -> None:
    bpy.utils.register_class(IMAGE_TO_3D_JobRow)
    for name, shown in _properties().items():
        setattr(bpy.types.WindowManager, name, shown)


def unregister() -> None:
    global _shown_revision
    _shown_revision = -1
    for name in (LIST_ROWS, SELECTED_ROW):
        if hasattr(bpy.types.WindowManager, name):
            delattr(bpy.types.WindowManager, name)
    bpy.utils.unregister_class(IMAGE_TO_3D_JobRow)
