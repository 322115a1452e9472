# SPDX-License-Identifier: GPL-3.0-or-later
"""A thread pool of daemon threads that end when they are idle."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, TypeVar

_log = logging.getLogger(__name__)

_IDLE_TIMEOUT: Final = 5.0
_Result = TypeVar("_Result")


class ThreadPool:
    """Runs tasks in order in up to `max_threads` daemon threads, so quitting Blender never waits for a slow server.

    (concurrent.futures joins its threads when the interpreter exits, which could keep Blender open.)
    """

    def __init__(self, name: str, max_threads: int) -> None:
        self._name = name
        self._max_threads = max_threads
        self._tasks: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._unfinished = 0

    @property
    def idle(self) -> bool:
        """Whether no task is running or waiting."""
        return self._unfinished == 0

    def submit(self, task: Callable[[], None]) -> None:
        """Run the task as soon as a thread is free. Never blocks."""
        with self._lock:
            self._tasks.put(task)
            self._unfinished += 1
            if self._threads < min(self._unfinished, self._max_threads):
                self._threads += 1
                threading.Thread(target=self._run, name=f"image_to_3d {self._name}", daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                task = self._tasks.get(timeout=_IDLE_TIMEOUT)
            except queue.Empty:
                with self._lock:
                    if self._tasks.empty():
                        self._threads -= 1
                        return
                continue
            try:
                task()
            except Exception:
                _log.exception("A task in the thread pool %s failed", self._name)
            finally:
                del task
                with self._lock:
                    self._unfinished -= 1


def result_of(run: Callable[[Callable[[], object]], None], work: Callable[[], _Result]) -> _Result:
    """Returns what `work` returns, or raises what it raises, when `run` has had a thread do it. Blocks."""
    future: Future[_Result] = Future()

    def do() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    run(do)
    return future.result()
