# SPDX-License-Identifier: GPL-3.0-or-later
"""Has the worker render a preview of each model of a batch, for its report, while it has nothing else to do.

A preview takes longer than the conversion of a small model, so conversions go first.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from ..control import Control
from ..errors import CancelledError, ImageTo3DError
from .job import Job, State
from .store import JobStore
from .thread_pool import ThreadPool

if TYPE_CHECKING:
    from ..worker.worker_process import WorkerProcess

_log = logging.getLogger(__name__)

QUIET_SECONDS: Final = 0.3
"""For so long the worker has had nothing else to do when a preview is rendered."""
_POLL_SECONDS: Final = 0.02


class PreviewRenderer:
    """Renders previews in a thread of its own, one after another: as long as `other_work` is idle, or a call waits."""

    def __init__(
        self,
        store: JobStore,
        worker: WorkerProcess,
        other_work: ThreadPool,
        stopping: threading.Event,
        run_file_task: Callable[[Callable[[], object]], None],
    ) -> None:
        self._store = store
        self._worker = worker
        self._other_work = other_work
        self._stopping = stopping
        self._run_file_task = run_file_task
        self._pool = ThreadPool("previews", 1)
        self._wanted: set[str] = set()
        self._busy_at = 0.0
        """Monotonic time at which the worker was last seen to have other work."""
        self._awaited = 0
        """How many calls of `finish` are waiting."""

    @property
    def pending(self) -> int:
        """The number of previews that are not rendered yet."""
        return len(self._wanted)

    def add(self, job: Job) -> None:
        """Render a job's preview later, if it is a model of a batch that has none."""
        has_model = job.state in {State.READY, State.PLACED} and bool(job.blend_file)
        if job.batch and has_model and "preview" not in job.details and job.id not in self._wanted:
            self._wanted.add(job.id)
            self._pool.submit(partial(self._render, job.id))

    def finish(self, jobs: Iterable[Job], control: Control) -> None:
        """Wait until these jobs' previews are rendered, or until `control` is cancelled. Blocks.

        Meanwhile, previews are rendered beside other work: somebody waits for them.
        """
        wanted = set()
        for job in jobs:
            self.add(job)  # its step may not have done so yet
            wanted.add(job.id)
        with self._store.lock:
            self._awaited += 1
        try:
            while wanted & self._wanted and not (self._stopping.is_set() or control.cancelled()):
                time.sleep(_POLL_SECONDS)
        finally:
            with self._store.lock:
                self._awaited -= 1

    def _render(self, job_id: str) -> None:
        try:
            while not (self._awaited or self._is_quiet()):
                if self._stopping.wait(_POLL_SECONDS):
                    return
            job = self._store.get(job_id)
            if job is None or job.blend_path is None or "preview" in job.details or self._stopping.is_set():
                return
            name = self._name_of_preview(job)
            if self._stopping.is_set():
                return
            self._store.update(job_id, lambda now: replace(now, details={**now.details, "preview": name}))
            with self._store.lock:
                self._store.changed_batches.add(job.batch)
            self._run_file_task(partial(self._store.save, job_id))
        finally:
            self._wanted.discard(job_id)

    def _is_quiet(self) -> bool:
        """Whether the worker has had no other work for a while: where conversions follow closely, more are to come."""
        now = time.monotonic()
        if not self._other_work.idle:
            self._busy_at = now
        return now - self._busy_at >= QUIET_SECONDS

    def _name_of_preview(self, job: Job) -> str:
        """Returns the name of the preview's file; "" if it could not be rendered: it never costs the model."""
        request = {"do": "preview", "source": str(job.shown_blend_path)}
        try:
            return str(self._worker.run(request, Control(self._stopping.is_set))["preview"])
        except CancelledError:
            return ""
        except ImageTo3DError as error:
            _log.warning("%s has no preview: %s", job.id, error)
            return ""
