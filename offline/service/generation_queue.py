# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue of jobs that wait to be made, one after the other, and their estimated times."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ...errors import ImageTo3DError, one_line
from .storage import Storage, StoredJob

_log = logging.getLogger(__name__)

MAX_JOBS: Final = 5
"""Jobs that may be queued or running at once, as in the service's smallest plan."""
MODEL_SECONDS: Final = 4.0
VIDEO_SECONDS: Final = 16.0
"""Estimates for a model of resolution 256, and for its video."""


class QueueFullError(Exception):
    """Too many jobs are queued. Its argument: the seconds to wait."""


class GenerationQueue:
    """The queue between the threads that handle requests and the thread that makes models."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._queue: queue.SimpleQueue[StoredJob] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._pending: dict[int, StoredJob] = {}
        """Queued and running jobs by id, the running one first."""
        self._started = 0.0
        """Time at which the running job was started; 0 if none runs."""
        self._slowdown = 1.0
        """How much longer jobs take on this computer than estimated."""

    def submit(self, upload: str, parameters: dict[str, object]) -> StoredJob:
        """Store and queue a new job, and return it. Raises QueueFullError."""
        with self._lock:
            if len(self._pending) >= MAX_JOBS:
                first = next(iter(self._pending.values()))
                raise QueueFullError(max(1, int(self._remaining(first))) + 1)
            return self._enqueue(self._storage.create(upload, parameters))

    def resume(self, job: StoredJob) -> None:
        """Queue a job from an earlier run, as soon as there is room. Harmless if it is queued already."""
        with self._lock:
            if job.id not in self._pending and len(self._pending) < MAX_JOBS:
                _log.info("job %d was not finished and is queued again", job.id)
                self._enqueue(job)

    def pending(self) -> list[StoredJob]:
        """Returns the jobs that are queued or running."""
        with self._lock:
            return list(self._pending.values())

    def eta(self, job: StoredJob) -> float:
        """Returns the seconds until a job will be done."""
        with self._lock:
            total = 0.0
            for pending in self._pending.values():
                total += self._remaining(pending)
                if pending.id == job.id:
                    break
            return round(max(1.0, total), 1)

    def serve(self, make: Callable[[StoredJob, Path, Path], list[str]]) -> None:
        """Make queued jobs forever, with `shapes.make`. For the main thread: only that may use bpy."""
        while True:
            job = self._queue.get()
            self._started = time.monotonic()
            done = self._run(job, make)
            with self._lock:
                self._started = 0.0
                if done.state == "done":
                    self._slowdown = max(0.1, done.seconds / _estimate(job))
                self._pending.pop(job.id, None)

    def _enqueue(self, job: StoredJob) -> StoredJob:
        self._pending[job.id] = job
        self._queue.put(job)
        return job

    def _remaining(self, job: StoredJob) -> float:
        """Returns the seconds of work that a job still needs."""
        seconds = self._slowdown * _estimate(job)
        if job.id == next(iter(self._pending)) and self._started:
            return max(0.5, seconds - (time.monotonic() - self._started))
        return seconds

    def _run(self, job: StoredJob, make: Callable[[StoredJob, Path, Path], list[str]]) -> StoredJob:
        stored = self._storage.find(str(job.id))
        if stored is not None and stored.state == "done":
            return stored  # made by another server on this folder
        try:
            image = self._storage.upload(job.upload)
            if image is None:
                raise ImageTo3DError("The image is no longer stored.")
            files = make(job, image, self._storage.results_folder(job))
            seconds = round(time.monotonic() - self._started, 2)
            _log.info("job %d took %.1f s", job.id, seconds)
            return self._storage.save(job, state="done", files=tuple(files), seconds=seconds)
        except ImageTo3DError as error:
            text = str(error.message)
        except Exception as error:
            _log.exception("job %d failed", job.id)
            text = f"The offline preview could not make a model: {type(error).__name__}: {one_line(error, 120)}"
        try:
            return self._storage.save(job, state="failed", error=text)
        except OSError:
            _log.exception("the folder can't be used")  # the next job may have more luck
            return job


def _estimate(job: StoredJob) -> float:
    """Returns the estimated seconds of a job."""
    relative_resolution = int(job.parameters["resolution"]) / 256
    return 0.5 + MODEL_SECONDS * relative_resolution**2 + (VIDEO_SECONDS if job.parameters["render"] else 0.0)
