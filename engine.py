# SPDX-License-Identifier: GPL-3.0-or-later
"""This Blender's one queue, and the one way its events reach the scene.

Three drivers call `drain`: the modal operator on its timer, and scripts and the command line in a
loop (`finish`). All of it runs on the main thread. There is no queue before it is needed.
"""

from __future__ import annotations

import functools
import importlib
import logging
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final

import bpy

from . import account, preferences, storage
from .errors import (
    ImageTo3DError,
    Message,
    StorageError,
)
from .jobs.config import CUSTOM, MODELSLAB, OFFLINE, Config, ServiceClients
from .jobs.job import Changed, Event, Job, Notice, Removed, State, TargetScene
from .jobs.progress import clock
from .placement import Placement
from .scene import pending_models, target_scene

if TYPE_CHECKING:
    from .jobs.queue import Queue
    from .offline.service.launcher import OfflineService
    from .worker.worker_process import Launch

_log = logging.getLogger(__name__)

TICK_BUDGET: Final = 0.005
"""Seconds of the main thread that one tick may take for applying events."""
_ENOUGH: Final = 0.02
"""Seconds between two looks of a script that waits."""
_HELD_SECONDS: Final = 1.0
"""How long a script waits for what keeps a ready model out of the scene."""
_SETUP_SECONDS: Final = 1.0
"""How often it is looked whether Blender's online access was switched."""

_queue: Queue | None = None
_offline: OfflineService | None = None
_jobs: dict[str, Job] = {}
"""The list as the panel shows it: the last snapshot of each job, oldest first."""
_revision = 0
"""Counts the differences in the list that are more than progress."""
_warmed: Final = threading.Event()
_notices: list[Notice] = []
"""Said by the queue, not yet reported to the artist."""
_configured: tuple[float, bool] = (0.0, False)
"""When online access was last looked at, and what it was."""
_account: account.Account = account.Account()


@functools.cache
def folder() -> Path:
    """The extension's own folder in Blender's user files; made when the first job is started."""
    return Path(bpy.utils.extension_path_user(preferences.ROOT))


def config() -> Config:
    """What the preferences say, for the queue."""
    chosen = preferences.chosen()
    return Config(
        service=chosen.service,
        results=chosen.results or folder() / "results",
        # One key is entered; it goes to the service that is chosen, and to no other.
        keys={CUSTOM if chosen.service == CUSTOM else MODELSLAB: chosen.key},
        base_url=chosen.base_url,
        online=bpy.app.online_access,
        limit=chosen.limit,
        earlier_results=(folder() / "results",),
    )


def results_places() -> tuple[Path, ...]:
    """Where the results folders of jobs may lie, the present place first."""
    present = config()
    return (present.results, *(place for place in present.earlier_results if place != present.results))


def queue() -> Queue:
    """This Blender's queue, made when it is first asked for.

    Raises StorageError where the extension can't have its folder.
    """
    global _queue, _offline
    if _queue is None:
        try:
            folder().mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{folder()} can't be made: {error.strerror}.") from error
        from .jobs.queue import Queue
        from .offline.service.launcher import OfflineService
        from .worker.worker_process import WorkerProcess

        _offline = OfflineService(_launch(), folder() / "offline")
        _queue = Queue(folder(), config(), WorkerProcess(_launch()), _offline.base_url)
        _jobs.update((job.id, job) for job in _queue.jobs())
    return _queue


@functools.cache
def warm() -> None:
    """Load in a thread what the first job needs, so that the artist's click does not wait for it. Returns at once."""
    if not bpy.app.background:
        threading.Thread(target=_load, name="image_to_3d warming", daemon=True).start()


def _load() -> None:
    try:
        for name in (".jobs.queue", ".offline.service.launcher", ".worker.worker_process", ".api.client"):
            importlib.import_module(name, __package__)
    finally:
        _warmed.set()


def warmed() -> bool:
    """Whether `warm` is done."""
    return _warmed.is_set()


def unfinished_before() -> bool:
    """Whether an earlier Blender may have left jobs behind. Quick where there never was a job, or after `warm`."""
    if _queue is not None or not folder().is_dir():
        return False
    from .jobs import journal

    return journal.exists(folder())


def preferences_changed() -> None:
    """The preferences, or Blender's online access, are not what they were."""
    if _queue is not None:
        _queue.configure(config())


def stop() -> None:
    """Let go of everything. Jobs under way stay in the journal and go on next time."""
    global _queue, _offline
    running, _queue = _queue, None
    service, _offline = _offline, None
    pending_models.forget()
    for store in (_jobs, _notices):
        store.clear()
    try:
        if running is not None:
            # In the background it is a script that placed them, and knows whether it saved.
            running.stop(keep_placed=bpy.app.background)
    finally:
        if service is not None:
            service.stop()


# -- starting jobs ---------------------------------------------------------------------------------


def submit(
    image: Path | str | bytes,
    *,
    name: str,
    parameters: Mapping[str, Any],
    placement: Placement,
    scene: bpy.types.Scene | None,
    at: tuple[float, float, float] | None = None,
    group: str = "",
    undo_step: bool = True,
) -> Job:
    """Start a job whose model is to stand in `scene`; None: in no scene, only files are wanted.

    `at`: the spot, where it is not the 3D cursor. `group`: what variations of one model have in common.
    `undo_step`: a placeholder is an undo step of its own; False: the caller makes one for several.
    Raises ParameterError, ImageError, KeyMissingError, OnlineAccessError, StorageError.
    """
    global _revision
    from .jobs.request import JobRequest

    check_ready()
    target = TargetScene() if scene is None else target_scene.of(scene)
    if at is not None:
        target = replace(target, location=at)
    order = JobRequest(
        image=image,
        name=name,
        parameters=parameters,
        placement=placement,
        target_scene=target,
        place_by_itself=scene is not None,
        group=group,
    )
    job = queue().add(order)
    _jobs[job.id] = job
    _revision += 1
    if scene is not None:
        pending_models.hold_place(job, scene, undo_step=undo_step)
    return job


def check_ready() -> None:
    """Raises KeyMissingError, OnlineAccessError, ParameterError where the chosen service can't be used now."""
    services = ServiceClients(config(), offline=str, timeouts=(0.0, 0.0))
    services.check(services.config.service, services.chosen_url())


def obstacle() -> ImageTo3DError | None:
    """What stands in the way of generating now; None where nothing does."""
    try:
        check_ready()
    except ImageTo3DError as error:
        return error
    return None


def ask_account() -> None:
    """Ask the chosen service in a thread what is left on the account, and whether it knows the key."""
    chosen = preferences.chosen()
    if chosen.service != OFFLINE and (bpy.app.online_access or chosen.on_this_machine):
        account.ask(chosen.address, chosen.key)


# -- what the panel shows --------------------------------------------------------------------------


def revision() -> int:
    """Another number whenever a job came, went or changed its state."""
    return _revision


def jobs() -> tuple[Job, ...]:
    """All jobs in the list, oldest first."""
    return tuple(_jobs.values())


def job(job_id: str) -> Job | None:
    """The last that was heard of a job."""
    return _jobs.get(job_id)


def latest(job_id: str) -> Job | None:
    """What the queue itself says of a job now, without waiting for its events."""
    return _queue.job(job_id) if _queue is not None else None


def paused() -> tuple[str, str] | None:
    """How long no new job is begun, and why; None where nothing holds the queue up."""
    pause = _queue.paused() if _queue is not None else None
    return (clock(pause[0]), str(pause[1])) if pause else None


# -- driving ---------------------------------------------------------------------------------------


def busy() -> bool:
    """Whether there is anything to watch."""
    if account.now().asking or storage.now().at_work or pending_models.pending():
        return True
    return _queue is not None and (_queue.running() > 0 or not _queue.events.empty())


def drain(budget: float = TICK_BUDGET) -> bool:
    """Apply what has happened, for about `budget` seconds. Returns whether something looks different now."""
    global _account
    changed = account.now() is not _account
    _account = account.now()
    if _queue is None:
        return changed
    _notice_online_access()
    until = time.perf_counter() + budget
    for event in _waiting_events(_queue.events):
        changed = apply(event) or changed
        if time.perf_counter() > until:
            return True
    return pending_models.step(_jobs.get, _queue) or changed


def apply(event: Event) -> bool:
    """Apply one event. Returns whether the artist should see a difference at once (progress can wait)."""
    global _revision
    match event:
        case Changed(job):
            before = _jobs.get(job.id)
            _jobs[job.id] = job
            pending_models.changed(before, job)
            if before is not None and before.state is job.state:
                return before.note != job.note
            if job.error is not None and not job.running:
                _notices.append(
                    Notice(Message("{name}: {error}", {"name": job.name, "error": job.error}), warning=True)
                )
            was_paid_for = before is not None and before.state is State.WAITING
            if was_paid_for and account.now().balance and job.service == preferences.chosen().service:
                ask_account()
        case Removed(job_id):
            pending_models.removed(job_id, _jobs.pop(job_id, None))
        case Notice():
            _notices.append(event)
    _revision += 1
    return True


def notices() -> list[Notice]:
    """What the queue has to tell the artist; each is handed out once."""
    said = list(_notices)
    _notices.clear()
    return said


def finish(job: Job, timeout: float | None = None) -> Job:
    """Drive the job to its end, placing included, for scripts. Blocks.

    Where it can't be placed as long as the script runs (a tool is in use, which only ends after it), it is
    ready, and arrives later. One that is off the list is returned as it last was.
    Raises TimeoutError after `timeout` seconds; the job goes on.
    """
    until = None if timeout is None else time.monotonic() + timeout
    held_since = None
    while True:
        drain(budget=1.0)
        if job.id not in _jobs:
            return job
        job = _jobs[job.id]
        if not job.running and not pending_models.is_arriving(job.id):
            drain(budget=1.0)  # that it was placed is told by an event, too
            return _jobs.get(job.id, job)
        held = not job.running and pending_models.held_up()
        held_since = (held_since or time.monotonic()) if held else None
        if held_since is not None and time.monotonic() - held_since > _HELD_SECONDS:
            return job
        if until is not None and time.monotonic() > until:
            raise TimeoutError(f"{job.name} is not finished after {timeout:g} seconds; it goes on.")
        time.sleep(_ENOUGH)


def place_here(job: Job, scene: bpy.types.Scene, at: Sequence[float]) -> None:
    """Put a finished job's model into `scene` at `at`, whatever scene it was started from. Raises ImageTo3DError."""
    pending_models.place_here(job, scene, queue(), at=at)


def file_loaded() -> None:
    """Another file is open: the jobs that are ready and belong to it are placed now, all others wait."""
    gone = pending_models.file_loaded(_jobs.values())
    if _queue is not None and gone:
        _queue.mark_gone(gone)


def file_saved() -> None:
    """What stands in the open file is safe now."""
    safe = pending_models.file_saved()
    if _queue is not None and safe:
        _queue.mark_kept(safe)


def _waiting_events(events: SimpleQueue[Event]) -> Iterator[Event]:
    while True:
        try:
            yield events.get_nowait()
        except Empty:
            return


def _notice_online_access() -> None:
    """Blender does not tell when online access is switched on or off."""
    global _configured
    looked, was = _configured
    if time.monotonic() - looked < _SETUP_SECONDS:
        return
    _configured = time.monotonic(), bpy.app.online_access
    if was != bpy.app.online_access:
        preferences_changed()


@functools.cache
def _launch() -> Launch:
    from .worker.worker_process import Launch

    # In the bpy module there is no Blender program to start, but a Python that has the module.
    return Launch.for_blender(bpy.app.binary_path) if bpy.app.binary_path else Launch.for_wheel(sys.executable)
