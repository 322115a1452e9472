# SPDX-License-Identifier: GPL-3.0-or-later
"""Threads that do one task after another, and are there only while there is something to do."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import Final

_log = logging.getLogger(__name__)

_IDLE_SECONDS: Final = 5.0


class ThreadPool:
    """Up to `most` threads that take tasks in order. Daemons: Blender's end never waits for a slow server.

    (concurrent.futures' pool joins its threads when the interpreter ends, which could hold Blender open.)
    """

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._most = most
        self._tasks: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._unfinished = 0

    def put(self, task: Callable[[], None]) -> None:
        """Do this as soon as a thread is free. Never blocks."""
        with self._lock:
            self._tasks.put(task)
            self._unfinished += 1
            if self._threads < min(self._unfinished, self._most):
                self._threads += 1
                threading.Thread(target=self._work, name=f"image_to_3d {self._name}", daemon=True).start()

    def _work(self) -> None:
        while True:
            try:
                task = self._tasks.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                with self._lock:
                    if self._tasks.empty():
                        self._threads -= 1
                        return
                continue
            try:
                task()
            except Exception:
                _log.exception("A task in the lane %s broke", self._name)
            finally:
                del task
                with self._lock:
                    self._unfinished -= 1
