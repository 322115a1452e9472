# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine: owns this Blender's job queue and processes, starts jobs, and applies the queue's events to the scene.

The queue works in threads and emits events. All drivers call `drain` on the main thread: the modal operator on its
timer, and `waiting` in a loop for scripts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import bpy

from . import (
    background_blender,
    background_task,
    image_check,
    job_rows,
    job_view,
    mesh_tasks,
    preferences,
    results_view,
    tool_engine,
)
from .atomic_file import make_private
from .errors import Message, ParameterError, StorageError
from .jobs.batch import Batch, BatchChanged, BatchEvent, BatchRemoved
from .jobs.config import FREE, LOCAL, OFFLINE, Config
from .jobs.forecast import BalanceRead, Learned
from .jobs.job import Changed, Event, Job, Notice, Removed, State, TargetScene
from .placement import Placement
from .scene import pending_models, target_scene
from .scene.arrangement import Arrangement
from .translation import tr

if TYPE_CHECKING:
    from .jobs.batch_request import BatchImage
    from .jobs.queue import Queue
    from .loopback.launcher import LoopbackService

TICK_BUDGET: Final = 0.005
"""Seconds of the main thread that one tick may take to apply events."""
MAX_PLACEHOLDERS: Final = 16
"""A batch of more images has no placeholders."""
_CONFIG_SECONDS: Final = 1.0
"""Interval for applying changed preferences: Blender does not report a change of its Online Access setting."""

_queue: Queue | None = None
_loopback: dict[str, LoopbackService] = {}
"""The processes of the free services, by service."""
_when_done: dict[str, list[Callable[[], object]]] = {}
"""By batch id: what scripts want to be called when it is done."""
_configured = 0.0
"""When the preferences were last applied (monotonic)."""


def queue() -> Queue:
    """Returns this Blender's queue, created on first use. Raises StorageError if its folder can't be created."""
    global _queue
    if _queue is None:
        folder = preferences.data_folder()
        try:
            make_private(folder)
        except OSError as error:
            raise StorageError(
                "The folder {folder} can't be created: {reason}.", folder=str(folder), cause=error
            ) from error
        from .jobs.queue import Queue
        from .loopback.launcher import LoopbackService
        from .worker.worker_process import WorkerProcess

        launch = background_blender.launch()
        _loopback[OFFLINE] = LoopbackService(launch, "offline.server", "Offline Preview", folder / "offline")
        _loopback[LOCAL] = LoopbackService(launch, "local_servers.bridge", "Local Server", folder / "local")
        adopts = not preferences.overridden()
        earlier = preferences.earlier_folder() if adopts else None
        worker = WorkerProcess(background_blender.launch())
        _queue = Queue(folder, preferences.read_config(), worker, _access, earlier=earlier, adopts=adopts)
    return _queue


def _access(service: str, config: Config) -> tuple[str, str]:
    """Returns the base URL and the key of a free service's process, which is started if needed. For the queue."""
    return _loopback[service].access(config.local_settings if service == LOCAL else {})


def has_unfinished_jobs() -> bool:
    """Whether an earlier Blender may have left jobs. Fast if there never was a job, or once `preload` has finished."""
    folders = [folder for folder in (preferences.data_folder(), preferences.earlier_folder()) if folder.is_dir()]
    if _queue is not None or not folders:
        return False
    from .jobs import journal

    return any(journal.exists(folder) for folder in folders)


def has_data() -> bool:
    """Whether there may be jobs or results: the first job creates the data folder."""
    return preferences.data_folder().is_dir() or preferences.earlier_folder().is_dir()


def stop() -> None:
    """Stop everything. Unfinished jobs stay in the journal and continue the next time."""
    global _queue
    running, _queue = _queue, None
    services = list(_loopback.values())
    _loopback.clear()
    tool_engine.stop()
    pending_models.forget()
    job_view.clear()
    job_rows.forget()
    image_check.forget()  # else its thread would start the worker again
    _when_done.clear()
    try:
        if running is not None:
            # In background mode a script placed the models, and knows whether it saved.
            running.stop(keep_placed=bpy.app.background)
    finally:
        for service in services:
            service.stop()


# --- starting jobs ---------------------------------------------------------------------------------------------


def require_ready(scene: bpy.types.Scene | None) -> Config:
    """Returns the configuration for a job that is started in `scene` now. Raises as `submit` if none can be."""
    config = preferences.read_config()
    config.require_ready()
    if scene is not None and (reason := target_scene.why_not(scene)):
        raise ParameterError("{reason}.", advice="", reason=reason)
    return config


def submit(
    image: Path | str | bytes,
    *,
    name: str,
    parameters: Mapping[str, Any],
    placement: Placement,
    scene: bpy.types.Scene | None,
    group: str = "",
    image_name: str = "",
    location: Sequence[float] | None = None,
    views: Mapping[str, Path | bytes] | None = None,
) -> Job:
    """Start a job whose model is placed in `scene`; None: only files are wanted. Returns the job.

    `location`: exactly where; by default at the 3D cursor, or beside what stands there. `group`: shared by the
    variations of one model. `image_name`: the name of the image that the artist chose, if the file is a copy of it.
    `views`: further images of the subject, by the side that they show, for a service that takes them.
    Raises ParameterError, ImageError, KeyMissingError, OnlineAccessError, StorageError.
    """
    from .jobs.request import JobRequest

    config = require_ready(scene)
    target = TargetScene() if scene is None else target_scene.capture(scene, location)
    placed = scene is not None
    parameters = preferences.account_parameters() | dict(parameters)
    request = JobRequest(
        image, parameters, name, placement, target, place_by_itself=placed, group=group, image_name=image_name,
        views=views or {},
    )  # fmt: skip
    queue().configure(config)
    job = queue().add(request)
    job_view.put(job)
    job_rows.refresh()
    if scene is not None:
        pending_models.add_placeholder(job, scene, image=image)
    return job


def submit_batch(
    images: Sequence[BatchImage],
    *,
    parameters: Mapping[str, Any],
    placement: Placement,
    scene: bpy.types.Scene | None,
    name: str = "",
    arrange: str = "NONE",
    group: str = "",
    report: bool = True,
    undo_step: bool = True,
) -> Batch:
    """Start a batch whose models are placed in `scene`; None: only files are wanted. Returns the batch.

    `arrange`: "GRID", "ROW" or "NONE" (each where its placement or `BatchImage.location` says). Only a batch that is
    not arranged has placeholders. `report`: a report is written into its folder. `undo_step`: push one undo
    step for the placeholders; False: the caller pushes one.
    Raises ParameterError, KeyMissingError, OnlineAccessError, StorageError.
    """
    from .jobs.batch_request import BatchRequest, request_of
    from .jobs.request import unchecked_job

    config = require_ready(scene)
    target = TargetScene() if scene is None else target_scene.capture(scene)
    if (arrange != "NONE" or len(images) > MAX_PLACEHOLDERS) and placement.place == "PLACEHOLDER":
        placement = replace(placement, place="CURSOR")
    parameters = preferences.account_parameters() | dict(parameters)
    request = BatchRequest(
        images,
        name,
        parameters,
        placement,
        target,
        place_by_itself=scene is not None,
        group=group,
        arrange=arrange,
        report=report,
    )
    queue().configure(config)
    batch = queue().add_batch(request)
    job_view.put_batch(batch)
    job_rows.refresh()
    if scene is not None and placement.place == "PLACEHOLDER":
        for item in batch.items:
            wanted = request_of(batch, item)
            job = unchecked_job(wanted, batch.folder, batch.service, batch.base_url)
            pending_models.add_placeholder(job, scene, image=wanted.image, undo_step=False)
        if undo_step:
            bpy.ops.ed.undo_push(message=tr("Placeholders for {name}", name=batch.name))
    return batch


def when_batch_done(batch_id: str, call: Callable[[], object]) -> None:
    """Call a function once on the main thread when a batch is done, placing included. Forgotten when Blender ends."""
    _when_done.setdefault(batch_id, []).append(call)


def is_pending(job_id: str) -> bool:
    """Whether a job's model will be placed by itself, as soon as that is possible."""
    return pending_models.is_pending(job_id)


def try_now() -> None:
    """End the pauses that services asked for."""
    queue().try_now()
    job_view.set_pause(queue().paused())


def load_results() -> None:
    """Have the results read in a thread, for the panels: without a window there are none."""
    if not bpy.app.background:
        results_view.load(preferences.read_config().results_folders)


def move_results() -> None:
    """Move the results in all other results folders to the current one, in a thread. Raises StorageError."""
    config, running = preferences.read_config(), queue()
    background_task.move_results(lambda: running.move_results(config.results_folders[1:], config.results))


def check_account() -> None:
    """Ask the chosen service for the account's balance, in a thread."""
    config = preferences.read_config()
    if config.service not in FREE and config.why_not_ready() is None:
        background_task.check_account(config.chosen_url(), config.keys[config.service])


# --- events ----------------------------------------------------------------------------------------------------


def busy() -> bool:
    """Whether there is anything to monitor."""
    if background_task.busy() or image_check.running() or pending_models.any_pending() or tool_engine.busy():
        return True
    return _queue is not None and (_queue.running() > 0 or _queue.reads_balance() or not _queue.events.empty())


def drain(budget: float = TICK_BUDGET) -> bool:
    """Apply the queue's events, for about `budget` seconds. Returns whether something looks different now."""
    changed = tool_engine.step()
    if background_task.changed():
        preferences.remember_local_dialect(background_task.local_server.status.value)
        changed = True
    if _queue is None:
        return changed
    _once_a_second(_queue)
    deadline = time.perf_counter() + budget
    events = _queue.events
    while not events.empty() and time.perf_counter() < deadline:
        changed = apply(events.get()) or changed
    job_rows.refresh()
    if not events.empty():
        return True
    changed = pending_models.step(job_view.job, _queue) or changed
    if _when_done and not pending_models.any_pending():
        _call_when_done()
    return changed


def _call_when_done() -> None:
    for batch_id in list(_when_done):
        progress = job_view.batch_progress(batch_id)
        if progress is None or progress.finished:
            for call in _when_done.pop(batch_id):
                call()


def apply(event: Event | BatchEvent | Learned | BalanceRead) -> bool:
    """Apply one event. Returns whether the artist should see a difference at once (progress can wait)."""
    match event:
        case Changed(job):
            before = job_view.job(job.id)
            pending_models.job_changed(before, job)
            if before is not None and before.state is job.state:
                job_view.put(job)
                return before.note != job.note
            job_view.put(job)
            if job_view.held() and _queue is not None:
                job_view.set_held(_queue.held())  # it may have been the last one that waited
            if before is not None and job.state is State.PLACED:
                job_view.add_arrival(before)
            if job.state in (State.READY, State.PLACED):
                results_view.changed()
            if job.service == LOCAL and job.state is State.DOWNLOADING and background_task.local_server.status.failed:
                background_task.test_local_server(preferences.read_config())  # it has just made a model
            if job.state is State.READY and before is not None and before.running:
                _notify_of_failed_tool(job)
            if job.error is not None and not job.running:
                text = Message("{name}: {error}", {"name": job.name, "error": job.error})
                job_view.add_notice(Notice(text, warning=True))
                job_rows.job_failed(job.id)
        case BatchChanged(batch):
            job_view.put_batch(batch)
        case BatchRemoved(batch_id):
            job_view.remove_batch(batch_id)
        case Removed(job_id):
            pending_models.job_removed(job_id, job_view.remove(job_id))
            load_results()  # it is known as a result from now on
        case Notice():
            job_view.add_notice(event)
        case Learned():
            job_view.learn(event)
        case BalanceRead(wallet, money, spent):
            config = preferences.read_config()
            if config.why_not_ready() is None and wallet == config.wallet((config.service, config.chosen_url())):
                background_task.show_balance(money, spent)
    return True


def _notify_of_failed_tool(job: Job) -> None:
    """Say that the mesh tool of a job whose model is ready has failed, if it has."""
    from .jobs import after_import

    if failure := after_import.failure_of(job):
        text = Message("{name}: {error}", {"name": job.name, "error": failure})
        job_view.add_notice(Notice(text, warning=True))


def current_job(job_id: str) -> Job | None:
    """Returns a job as it is now, without waiting for its events."""
    return _queue.job(job_id) if _queue is not None else None


def place_here(job: Job, scene: bpy.types.Scene, at: Sequence[float]) -> None:
    """Place a finished job's model in `scene` at `at`, whatever its target scene was. Raises ImageTo3DError."""
    pending_models.place_here(job, scene, queue(), at=at)


def place_all(jobs: Sequence[Job], scene: bpy.types.Scene, at: Sequence[float]) -> None:
    """Place the models of finished jobs in `scene`, in a row that starts at `at`, as soon as that is possible."""
    row, first = Arrangement(), 0.0
    for job in jobs:
        width, depth, _height = job.details.get("dimensions") or (1.0, 1.0, 1.0)
        (x, _y), row = row.add(width, depth, 0)
        first = first or x
        pending_models.place_later(job, scene, (at[0] + x - first, at[1], at[2]))


def file_loaded() -> None:
    """Another file was loaded: ready models that belong to it are placed now, all others wait."""
    mesh_tasks.forget()
    left = pending_models.file_loaded(job_view.jobs())
    job_rows.file_loaded()
    if _queue is not None and left:
        _queue.mark_left_unsaved(left)


def file_saved() -> None:
    """The open file was saved, with the models in it."""
    saved = pending_models.file_saved()
    if _queue is not None and saved:
        _queue.mark_saved(saved)


def _once_a_second(running: Queue) -> None:
    """Apply changed preferences, and show whether the queue is paused: both are too slow for every tick."""
    global _configured
    if time.monotonic() - _configured > _CONFIG_SECONDS:
        _configured = time.monotonic()
        running.configure(preferences.read_config())
        job_view.set_pause(running.paused())
        job_view.set_held(running.held())
