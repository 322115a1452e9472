# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs that wait to be made, one after the other, and how long that will take."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ...errors import ImageTo3DError, one_line
from .storage import Record, Storage

_log = logging.getLogger(__name__)

MOST: Final = 5
"""Jobs that may wait or be at work at once; the service's smallest plan has as many."""
MODEL_SECONDS: Final = 4.0
VIDEO_SECONDS: Final = 16.0
"""Guesses for a model of resolution 256, and for a video of it."""

Make = Callable[[Record, Path, Path], list[str]]
"""Makes a job's files of the image in the folder; their names."""


class GenerationQueue:
    """The queue between the threads that answer requests and the one that makes models."""

    def __init__(self, storage: Storage) -> None:
        self._store = storage
        self._queue: queue.SimpleQueue[Record | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._pending: dict[int, Record] = {}
        self._started = 0.0
        self._timing = 1.0
        """How much longer it takes here than guessed."""

    def submit(self, upload: str, parameters: dict[str, object]) -> Record | float:
        """Take a new job; or, where too many wait, after how many seconds to try again."""
        with self._lock:
            if len(self._pending) >= MOST:
                return max(1.0, self._left(next(iter(self._pending.values()))))
            record = self._store.new(upload, parameters)
            self._take(record)
        return record

    def resume(self, record: Record) -> None:
        """See that a job from an earlier run is made. Harmless where it is on its way."""
        with self._lock:
            if record.id not in self._pending:
                _log.info("job %d was left unfinished and is made now", record.id)
                self._take(record)

    def eta(self, record: Record) -> float:
        """Seconds until a job will be done."""
        with self._lock:
            total = 0.0
            for other in self._pending.values():
                total += self._left(other)
                if other.id == record.id:
                    break
            return round(max(1.0, total), 1)

    def serve(self, make: Make) -> None:
        """Make what comes, until `stop`. For the main thread: only that may use bpy."""
        while (record := self._queue.get()) is not None:
            self._started = time.monotonic()
            done = self._one(record, make)
            with self._lock:
                self._started = 0.0
                if done.state == "done":
                    self._timing = max(0.1, done.seconds / _guess(record))
                self._pending.pop(record.id, None)

    def stop(self) -> None:
        """End `serve` after the job at work."""
        self._queue.put(None)

    def _take(self, record: Record) -> None:
        self._pending[record.id] = record
        self._queue.put(record)

    def _left(self, record: Record) -> float:
        """Seconds of work a job still needs."""
        needed = self._timing * _guess(record)
        if record.id == next(iter(self._pending)) and self._started:
            return max(0.5, needed - (time.monotonic() - self._started))
        return needed

    def _one(self, record: Record, make: Make) -> Record:
        known = self._store.find(str(record.id))
        if known is not None and known.state == "done":
            return known  # another server on this folder has made it meanwhile
        try:
            image = self._store.upload(record.upload)
            if image is None:
                return self._store.keep(record, state="failed", error="The image is not kept any longer.")
            files = make(record, image, self._store.workplace(record))
            seconds = round(time.monotonic() - self._started, 2)
            _log.info("job %d took %.1f s", record.id, seconds)
            return self._store.keep(record, state="done", files=tuple(files), seconds=seconds)
        except ImageTo3DError as error:
            return self._store.keep(record, state="failed", error=str(error.message))
        except Exception as error:
            _log.exception("job %d failed", record.id)
            text = f"The offline preview could not make a model of it: {type(error).__name__}: {one_line(error, 120)}"
            return self._store.keep(record, state="failed", error=text)


def _guess(record: Record) -> float:
    """Seconds a job may take."""
    share = int(record.parameters["resolution"]) / 256
    return 0.5 + MODEL_SECONDS * share**2 + (VIDEO_SECONDS if record.parameters["render"] else 0.0)
