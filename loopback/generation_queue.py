# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue of jobs that wait to be made, one after the other, and their estimated times."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from ..control import Control
from ..errors import (
    NO_MESSAGE,
    CancelledError,
    ImageTo3DError,
    InternalError,
    Message,
    ServiceRefusedError,
    one_line,
)
from .generator import Generator, Work
from .storage import Storage, StoredJob
from .waits import ANOTHER_TARGET, BEFORE

_log = logging.getLogger(__name__)

MAX_JOBS: Final = 5
"""Jobs that may be queued or running at once, as in the service's smallest plan."""


class QueueFullError(Exception):
    """Too many jobs are queued. Its argument: the seconds to wait."""


class LostError(ServiceRefusedError):
    """A job was begun as often as it may be, and was lost each time."""

    default_advice = "Choose a lower resolution, or retry."


class GenerationQueue:
    """The queue between the threads that handle requests and the thread that makes models."""

    def __init__(self, storage: Storage, generator: Generator) -> None:
        self.generator = generator
        self._storage = storage
        self._queue: queue.SimpleQueue[StoredJob] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._pending: dict[int, StoredJob] = {}
        """Queued and running jobs by id, the running one first."""
        self._cancelled: set[int] = set()
        """The ids of those that were cancelled."""
        self._waits_for: Message | None = NO_MESSAGE
        """What the running job waits for; None once an attempt has begun."""
        self._started = 0.0
        """Time at which the running job was started; 0 if none runs."""
        self._slowdown = 1.0
        """How much longer jobs take on this computer than estimated."""

    def submit(self, upload: str, parameters: Mapping[str, object], views: Mapping[str, str]) -> StoredJob:
        """Store and queue a new job, and return it. Raises QueueFullError."""
        with self._lock:
            if len(self._pending) >= MAX_JOBS:
                first = next(iter(self._pending.values()))
                raise QueueFullError(max(1, int(self._remaining(first))) + 1)
            return self._enqueue(self._storage.create(upload, parameters, views, self.generator.target))

    def resume(self, job: StoredJob) -> None:
        """Queue a job from an earlier run, as soon as there is room. Harmless if it is queued already."""
        with self._lock:
            fits = job.target == self.generator.target and len(self._pending) < MAX_JOBS
            if fits and job.id not in self._pending:
                _log.info("job %d was not finished and is queued again", job.id)
                self._enqueue(job)

    def waits_for(self, job: StoredJob) -> Message | None:
        """Returns why a job has not begun, perhaps without words; None if it has, or if `eta` counts that time."""
        with self._lock:
            if self.generator.estimate(job):
                return None
            if job.id not in self._pending and job.target != self.generator.target:
                return ANOTHER_TARGET
            is_running = self._started and job.id == next(iter(self._pending), 0)
            return self._waits_for if is_running else BEFORE

    def cancel(self, job_id: str) -> None:
        """Stop working on a job. Harmless if it is done, or was never queued."""
        with self._lock:
            self._cancelled |= {pending for pending in self._pending if str(pending) == job_id}

    def let_go(self) -> None:
        """Stop working on all jobs as the process ends. None counts as lost. Blocks until the running one stopped."""
        with self._lock:
            self._cancelled |= self._pending.keys()
        while self.pending():
            time.sleep(0.01)

    def pending(self) -> list[StoredJob]:
        """Returns the jobs that are queued or running."""
        with self._lock:
            return list(self._pending.values())

    def eta(self, job: StoredJob) -> float | None:
        """Returns the seconds until a job will be done; None if that is not known."""
        with self._lock:
            total = 0.0
            for pending in self._pending.values():
                total += self._remaining(pending)
                if pending.id == job.id:
                    break
            return round(max(1.0, total), 1) if total else None

    def serve(self) -> None:
        """Make queued jobs forever. For the main thread: only that may use bpy."""
        while True:
            job = self._queue.get()
            with self._lock:
                self._waits_for = NO_MESSAGE
                self._started = time.monotonic()
            done = self._run(job)
            with self._lock:
                self._started = 0.0
                estimate = self.generator.estimate(job)
                if done.state == "done" and estimate:
                    self._slowdown = max(0.1, done.seconds / estimate)
                self._pending.pop(job.id, None)
                self._cancelled.discard(job.id)

    def _enqueue(self, job: StoredJob) -> StoredJob:
        self._pending[job.id] = job
        self._queue.put(job)
        return job

    def _remaining(self, job: StoredJob) -> float:
        """Returns the seconds of work that a job still needs; 0 if that is not known."""
        seconds = self._slowdown * self.generator.estimate(job)
        if seconds and job.id == next(iter(self._pending)) and self._started:
            return max(0.5, seconds - (time.monotonic() - self._started))
        return seconds

    def _run(self, job: StoredJob) -> StoredJob:
        """Make a job. Returns it as it is then; as it was if it must not be begun."""
        current = self._storage.find(str(job.id)) or job
        if current.state != "waiting":
            return current  # it ended between a poll's look at it and the poll's resuming it
        generator = self.generator
        if current.target != generator.target:
            return current

        def begin_attempt() -> None:
            nonlocal current
            if current.attempts >= generator.max_attempts:
                raise LostError(
                    "The model was begun {count} times, and Blender or its background process ended each time.",
                    count=current.attempts,
                )
            current = self._storage.save(current, attempts=current.attempts + 1)
            self._waits_for = None

        def take_back_attempt() -> None:
            nonlocal current
            current = self._storage.save(current, attempts=current.attempts - 1)

        def waits_for(reason: Message) -> None:
            self._waits_for = reason

        control = Control(lambda: job.id in self._cancelled)
        changes: dict[str, Any]
        try:
            control.check()
            views = {view: self._image(name) for view, name in current.views.items()}
            folder = self._storage.results_folder(job)
            image = self._image(job.upload)
            work = Work(current, image, views, folder, control, begin_attempt, take_back_attempt, waits_for)
            made = generator.make(work)
            seconds = round(time.monotonic() - self._started, 2)
            _log.info("job %d took %.1f s", job.id, seconds)
            notes = [note.to_json() for note in made.notes]
            changes = {"state": "done", "files": tuple(made.files), "seconds": seconds, "notes": notes}
        except CancelledError:
            changes = {"attempts": 0}  # made after all if it is asked for again
        except Exception as error:
            failure = self._failure(error)
            _log.warning("job %d failed: %s", job.id, failure)
            info = {
                "code": failure.code,
                "message": failure.message.to_json(),
                "advice": failure.advice.to_json(),
                "action": str(failure.action),
            }
            changes = {"state": "failed", "error": str(failure.message), "error_info": info}
        try:
            return self._storage.save(current, **changes)
        except OSError:
            _log.exception("the folder can't be used")  # the next job may have more luck
            return replace(current, state="failed")

    def _failure(self, error: Exception) -> ImageTo3DError:
        """Returns why a job failed."""
        if isinstance(error, ImageTo3DError):
            return error
        name = self.generator.name
        if isinstance(error, OSError):
            return ServiceRefusedError(
                "{name} can't use its folder: {reason}.",
                advice="Make room on the disk, then retry.",
                name=name,
                reason=one_line(error.strerror or error),
            )
        _log.error("a job failed", exc_info=error)
        return InternalError(
            "{name} could not make a model: {error}: {text}",
            name=name,
            error=type(error).__name__,
            text=one_line(error, 120),
        )

    def _image(self, name: str) -> Path:
        """Returns an upload's path. Raises ImageTo3DError if it is no longer stored."""
        path = self._storage.upload(name)
        if path is None:
            raise ImageTo3DError("The image is no longer stored.")
        return path
