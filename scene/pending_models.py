# SPDX-License-Identifier: GPL-3.0-or-later
"""The models that are ready and wait to be placed, and the placeholders that reserve their places.

Everything happens in small steps, when it does not disturb the artist. Main thread only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import bpy
from mathutils import Vector

from ..errors import Action, ErrorInfo, ImageTo3DError, Message
from ..jobs.job import Job, State
from ..log import logger
from ..translation import tr
from . import append_blend, free_spot, place_model, placeholder, placeholder_images, target_scene, undo

if TYPE_CHECKING:
    from ..jobs.queue import Queue

_NOT_PLACED: Final = ErrorInfo(
    "placing",
    Message("The model could not be placed."),
    Message("See Blender's console, then import again."),
    action=Action.IMPORT_AGAIN,
)

_TICK_BUDGET: Final = 0.003
"""Seconds of the main thread for updating placeholders in one step."""

_ready: dict[str, None] = {}
"""Ids of jobs to place as soon as that does not disturb, in order."""
_stale_placeholders: dict[str, None] = {}
"""Ids of jobs whose placeholders have to be updated, in order."""
_removed_jobs: set[str] = set()
"""Ids of jobs that were removed from the list: a file that was saved before may still have their placeholders."""
_removed_placeholders: set[str] = set()
"""Ids of jobs whose placeholders were removed."""
_locations: dict[str, tuple[int, tuple[float, ...]]] = {}
"""By job id, where the artist wants a model that waited: the session uid of the scene, and the location."""
_unsaved: set[str] = set()
"""Ids of jobs whose models are in the open file and were not saved with it yet."""


def any_pending() -> bool:
    """Whether there is anything to do."""
    return bool(_ready or _stale_placeholders or undo.happened() or placeholder_images.busy())


def is_pending(job_id: str) -> bool:
    """Whether a job's model will be placed by itself, as soon as that is possible."""
    return job_id in _ready


def blocked() -> bool:
    """Whether ready models have to wait for something that the artist does."""
    return bool(place_model.why_not_now(bpy.context))


def job_changed(before: Job | None, job: Job) -> None:
    """A job is new, or has changed."""
    if job.state is State.READY and job.place_by_itself:
        _ready[job.id] = None
    elif job.state is not State.READY:
        _ready.pop(job.id, None)
        _locations.pop(job.id, None)
    new_image = before is None or before.thumbnail_file != job.thumbnail_file
    if _wants_placeholder(job) and (new_image or State.CANCELLED in (before and before.state, job.state)):
        _stale_placeholders[job.id] = None


def job_removed(job_id: str, job: Job | None) -> None:
    """A job was removed from the list. `job`: its last snapshot."""
    _ready.pop(job_id, None)
    _locations.pop(job_id, None)
    _removed_jobs.add(job_id)
    if job is None or _wants_placeholder(job):
        _stale_placeholders[job_id] = None


def add_placeholder(
    job: Job, scene: bpy.types.Scene, *, image: Path | str | bytes = "", undo_step: bool = True
) -> None:
    """Add the job's placeholder, if its settings say so, with an undo step of its own if wanted.

    `image`: what the job was started with; a file is shown at once.
    """
    if not _wants_placeholder(job):
        return
    layer = place_model.view_layer(scene)
    location = Vector(job.target_scene.location)
    if not job.target_scene.exact_location:
        location = free_spot.beside(location, placeholder.expected_size(job), layer)
    placeholder.add(job, place_model.active_collection(scene, layer), location)
    if isinstance(image, Path):
        placeholder_images.want(job, image)
    if undo_step:
        bpy.ops.ed.undo_push(message=tr("Placeholder for {name}", name=job.name))


def step(jobs: Callable[[str], Job | None], queue: Queue) -> bool:
    """Do a part of the work, if that does not disturb. Returns whether something looks different then."""
    if not any_pending() or place_model.why_not_now(bpy.context):
        return False
    placeholder_images.work(queue.worker)
    _stale_placeholders.update(dict.fromkeys(placeholder_images.take()))
    if undo.happened():
        _follow_undo(jobs, queue)
        return True
    if _stale_placeholders:
        return _update_placeholders(jobs)
    job = jobs(next(iter(_ready))) if _ready else None
    return job is not None and _place_next(job, queue)


def place_later(job: Job, scene: bpy.types.Scene, at: Sequence[float]) -> None:
    """Place a finished job's model in `scene` at `at`, whatever its target scene was, as soon as that is possible."""
    _locations[job.id] = scene.session_uid, tuple(at)
    _ready[job.id] = None


def place_here(
    job: Job,
    scene: bpy.types.Scene,
    queue: Queue,
    *,
    at: Sequence[float] | None = None,
    empty: bpy.types.Object | None = None,
) -> None:
    """Place a finished job's model in `scene`, whatever its target scene was.

    `at` replaces the location where it was started; `empty` is the placeholder that it replaces.
    Raises ImageTo3DError.
    """
    _ready.pop(job.id, None)
    _locations.pop(job.id, None)
    spare = placeholder.find(job.id) if empty is None else None
    if spare is not None:
        placeholder.remove(spare)
    names = tuple(item.name for item in place_model.place(job, scene, placeholder=empty, at=at))
    _mark_placed(job.id, names, queue)


def file_loaded(jobs: Iterable[Job]) -> tuple[str, ...]:
    """Another file was loaded: ready jobs that belong to it are placed now, all others wait.

    Returns the ids of the jobs whose models were in the last file, unsaved.
    """
    left = tuple(_unsaved)
    target_scene.file_loaded()
    _unsaved.clear()
    undo.forget()
    _ready.clear()
    _locations.clear()
    _stale_placeholders.clear()
    known = {job.id: job for job in jobs}
    # Placeholders of jobs that are unknown here stay: another Blender may know them.
    _stale_placeholders.update(
        (job_id, None) for job_id in placeholder.search() if job_id in known or job_id in _removed_jobs
    )
    for job in known.values():
        if job.state is State.READY and job.place_by_itself and target_scene.find(job) is not None:
            _ready[job.id] = None
    return left


def file_saved() -> tuple[str, ...]:
    """The open file was saved. Returns the ids of the jobs whose models were saved with it for the first time."""
    saved = tuple(_unsaved)
    _unsaved.clear()
    return saved


def forget() -> None:
    """Forget everything: the engine was stopped."""
    undo.forget()
    placeholder_images.forget()
    for store in (_ready, _locations, _stale_placeholders, _removed_jobs, _removed_placeholders, _unsaved):
        store.clear()


def _wants_placeholder(job: Job) -> bool:
    return job.placement.place == "PLACEHOLDER"


def _place_next(job: Job, queue: Queue) -> bool:
    """Do one step of placing a model. Returns whether something looks different then."""
    wanted, at = _locations.get(job.id, (0, None))
    chosen = next((each for each in bpy.data.scenes if each.session_uid == wanted), None)
    scene = chosen if wanted else target_scene.find(job)
    if scene is None:
        logger(__name__).info("%s waits: its target scene is not open", job.name)
        if job.blend_path is not None:
            append_blend.discard_prefetched(job.blend_path)
        del _ready[job.id]
        return True
    wants_placeholder = _wants_placeholder(job) and at is None
    empty = placeholder.find(job.id, scene) if wants_placeholder else None
    if wants_placeholder and empty is None:
        logger(__name__).info("%s waits: its placeholder was deleted", job.name)
        del _ready[job.id]
        return True
    try:
        if job.blend_path is not None and append_blend.prefetch(job.blend_path, job.details.get("parts", ())):
            return False  # one large part per tick: all at once would be a noticeable stall
        place_here(job, scene, queue, at=at, empty=empty)
    except ImageTo3DError as error:
        logger(__name__).warning("%s could not be placed: %s", job.name, error)
        queue.mark_failed_to_place(job.id, error.info())
    except Exception:
        logger(__name__).exception("%s could not be placed", job.name)
        queue.mark_failed_to_place(job.id, _NOT_PLACED)
    return True


def _mark_placed(job_id: str, objects: tuple[str, ...], queue: Queue) -> None:
    _unsaved.add(job_id)
    undo.placed(job_id, objects)
    queue.mark_placed(job_id, objects)


def _follow_undo(jobs: Callable[[str], Job | None], queue: Queue) -> None:
    """After an undo or a redo, make the jobs and the placeholders agree with what is in the scene."""
    undone, back = undo.take()
    for job_id in undone:
        _unsaved.discard(job_id)
        queue.mark_undone(job_id)
    for job_id, objects in back.items():
        _mark_placed(job_id, objects, queue)
    for job_id in placeholder.search():
        job = jobs(job_id)
        if job is not None or job_id in _removed_jobs:
            _stale_placeholders[job_id] = None
        if job is not None and job.state is State.READY and job.place_by_itself:
            _ready[job_id] = None  # its placeholder had been deleted


def _update_placeholders(jobs: Callable[[str], Job | None]) -> bool:
    """Update as many placeholders as there is time for, at least one. Returns True: something looks different then."""
    until = time.perf_counter() + _TICK_BUDGET
    searched = False
    while _stale_placeholders:
        job_id = next(iter(_stale_placeholders))
        del _stale_placeholders[job_id]
        empty = placeholder.find_cached(job_id)
        if empty is None and not searched:  # it was renamed or deleted
            placeholder.search()
            searched = True
            empty = placeholder.find_cached(job_id)
        _update_placeholder(job_id, jobs(job_id), empty)
        if time.perf_counter() > until:
            break
    return True


def _update_placeholder(job_id: str, job: Job | None, empty: bpy.types.Object | None) -> None:
    """Give a placeholder its image; remove that of a finished job, and add it again after a retry."""
    if job is None or job.state in (State.CANCELLED, State.PLACED) or undo.is_undone(job_id):
        if empty is not None:
            placeholder.remove(empty)
            _removed_placeholders.add(job_id)
    elif empty is not None:
        placeholder.show_image(job, empty)
    elif job_id in _removed_placeholders and (job.running or job_id in _ready):
        _removed_placeholders.discard(job_id)
        scene = target_scene.find(job)
        if scene is not None:
            add_placeholder(job, scene)
