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

Make = Callable[[StoredJob, Path, Path], list[str]]
"""Makes a job's files from its image in the folder, and returns their names."""


class GenerationQueue:
    """The queue between the threads that handle requests and the thread that makes models."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._queue: queue.SimpleQueue[StoredJob | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._pending: dict[int, StoredJob] = {}
        self._started = 0.0
        self._timing = 1.0
        """How much longer jobs take on this computer than estimated."""

    def submit(self, upload: str, parameters: dict[str, object]) -> StoredJob | float:
        """Queue a new job; or, if too many are queued, return the seconds after which to try again."""
        with self._lock:
            if len(self._pending) >= MAX_JOBS:
                return max(1.0, self._left(next(iter(self._pending.values()))))
            record = self._storage.create(upload, parameters)
            self._take(record)
        return record

    def resume(self, record: StoredJob) -> None:
        """Queue a job from an earlier run. Harmless if it is queued already."""
        with self._lock:
            if record.id not in self._pending:
                _log.info("job %d was not finished and is made now", record.id)
                self._take(record)

    def eta(self, record: StoredJob) -> float:
        """Returns the seconds until a job will be done."""
        with self._lock:
            total = 0.0
            for other in self._pending.values():
                total += self._left(other)
                if other.id == record.id:
                    break
            return round(max(1.0, total), 1)

    def serve(self, make: Make) -> None:
        """Make queued jobs until `stop`. For the main thread: only that may use bpy."""
        while (record := self._queue.get()) is not None:
            self._started = time.monotonic()
            done = self._one(record, make)
            with self._lock:
                self._started = 0.0
                if done.state == "done":
                    self._timing = max(0.1, done.seconds / _guess(record))
                self._pending.pop(record.id, None)

    def stop(self) -> None:
        """End `serve` after the running job."""
        self._queue.put(None)

    def _take(self, record: StoredJob) -> None:
        self._pending[record.id] = record
        self._queue.put(record)

    def _left(self, record: StoredJob) -> float:
        """Returns the seconds of work that a job still needs."""
        needed = self._timing * _guess(record)
        if record.id == next(iter(self._pending)) and self._started:
            return max(0.5, needed - (time.monotonic() - self._started))
        return needed

    def _one(self, record: StoredJob, make: Make) -> StoredJob:
        known = self._storage.find(str(record.id))
        if known is not None and known.state == "done":
            return known  # another server on this folder has made it meanwhile
        try:
            image = self._storage.upload(record.upload)
            if image is None:
                return self._storage.save(record, state="failed", error="The image is no longer stored.")
            files = make(record, image, self._storage.results_folder(record))
            seconds = round(time.monotonic() - self._started, 2)
            _log.info("job %d took %.1f s", record.id, seconds)
            return self._storage.save(record, state="done", files=tuple(files), seconds=seconds)
        except ImageTo3DError as error:
            return self._storage.save(record, state="failed", error=str(error.message))
        except Exception as error:
            _log.exception("job %d failed", record.id)
            text = f"The offline preview could not make a model of it: {type(error).__name__}: {one_line(error, 120)}"
            return self._storage.save(record, state="failed", error=text)


def _guess(record: StoredJob) -> float:
    """Returns the estimated seconds of a job."""
    share = int(record.parameters["resolution"]) / 256
    return 0.5 + MODEL_SECONDS * share**2 + (VIDEO_SECONDS if record.parameters["render"] else 0.0)
