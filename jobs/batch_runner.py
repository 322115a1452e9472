# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs batches: creates their jobs a few at a time, applies commands to all of them, and keeps their reports current.

The executor runs the jobs themselves, like all others. Nothing here waits for a job.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from typing import Final

from ..errors import ImageError, ImageTo3DError, ParameterError, StorageError
from . import report, request
from .batch import Batch, BatchItem, progress, states_of
from .batch_request import request_of
from .commands import Command
from .config import ServiceClients
from .job import Job, Notice, State
from .request import JobRequest
from .store import JobStore
from .thread_pool import ThreadPool

_log = logging.getLogger(__name__)

CREATED_AT_ONCE: Final = 8
"""Jobs created in one file task: other tasks, such as saving a job, take their turn in between."""
REPORT_INTERVAL: Final = 3.0
"""Seconds between two reports of a batch that is running, at least."""
REPORT_SHARE: Final = 0.05
"""Part of the time that is spent on writing reports at most."""


class BatchRunner:
    """Runs the batches of a store. Its methods return at once, except where they say "blocks".

    `start` starts a job, `command` applies a command to one, and `run_file_task` runs a task in the files' thread: all
    three are the executor's.
    """

    def __init__(
        self,
        store: JobStore,
        clients: ServiceClients,
        start: Callable[[Job, JobRequest], None],
        command: Callable[[str, Command], None],
        run_file_task: Callable[[Callable[[], object]], None],
    ) -> None:
        self._store = store
        self._clients = clients
        self._start = start
        self._command = command
        self._run_file_task = run_file_task
        self._report_pool = ThreadPool("report", 1)
        self._writing = threading.Lock()
        self._next_report: dict[str, float] = {}
        """By batch id: monotonic time before which no further report is written."""

    def add(self, batch: Batch) -> None:
        """Start a new batch."""
        self._store.put_batch(batch)
        self._run_file_task(partial(self._save_and_create, batch.id))

    def pause(self, batch_id: str, paused: bool) -> None:
        """Start no further job of a batch, or start them again. Running jobs continue."""
        self._change(batch_id, paused=paused)

    def cancel(self, batch_id: str, cancel_job: Callable[[str], None]) -> None:
        """Cancel all jobs of a batch that are not done, and create no more."""
        self._change(batch_id, cancelled=True, paused=False)
        for job in self._store.batch_jobs(batch_id):
            if job.running:
                cancel_job(job.id)

    def retry(self, batch_id: str) -> int:
        """Continue the failed and cancelled jobs of a batch, and create those that are missing.

        Jobs whose submit was not confirmed are looked up again: nothing is paid for twice. Returns their number.
        """
        batch = self._change(batch_id, cancelled=False, paused=False)
        if batch is None:
            return 0
        jobs = self._store.batch_jobs(batch_id)
        retried = [job for job in jobs if job.state in {State.FAILED, State.CANCELLED, State.UNCONFIRMED}]
        for job in retried:
            self._command(job.id, Command.CHECK_AGAIN if job.state is State.UNCONFIRMED else Command.RETRY)
        self._run_file_task(partial(self._create_next, batch_id))
        return len(retried) + len(batch.items) - len(jobs)

    def remove(self, batch_id: str, remove_job: Callable[[str], None]) -> bool:
        """Remove a batch that is finished from the list, with its jobs. Returns whether it was removed."""
        jobs = self._store.batch_jobs(batch_id)
        batch = self._store.batches.get(batch_id)
        if batch is None or not progress(len(batch.items), states_of(jobs), cancelled=batch.cancelled).finished:
            return False
        removed = self._store.remove_batch(batch_id)
        for job in jobs:
            remove_job(job.id)
        if removed is not None:
            self._run_file_task(partial(self._store.save_batch, removed))
        return True

    def adopt(self, owners: Collection[str] | None = None) -> None:
        """Continue the batches of dead Blenders. Their jobs must have been adopted already. Blocks.

        `owners`: of these Blenders only.
        """
        for batch in self._store.take_over_batches(owners):
            self._store.put_batch(batch)
            jobs = self._store.batch_jobs(batch.id)
            if all(job.settled for job in jobs) and self.remove(batch.id, self._remove_settled):
                continue
            self._run_file_task(partial(self._create_next, batch.id))

    def write_due_reports(self) -> float | None:
        """Have the reports written that are due. Returns the seconds until the next one is; None if there is none."""
        now = time.monotonic()
        waits = []
        with self._store.lock:
            for batch_id in list(self._store.changed_batches):
                wait = self._next_report.get(batch_id, 0.0) - now
                if wait > 0 and not self._is_finished(batch_id):
                    waits.append(wait)
                    continue
                self._store.changed_batches.discard(batch_id)
                self._next_report[batch_id] = now + REPORT_INTERVAL
                self._report_pool.submit(partial(self.write_report, batch_id))
        return min(waits, default=None)

    def _is_finished(self, batch_id: str) -> bool:
        batch = self._store.batches.get(batch_id)
        if batch is None:
            return True
        return progress(
            len(batch.items), states_of(self._store.batch_jobs(batch_id)), cancelled=batch.cancelled
        ).finished

    def _change(self, batch_id: str, *, paused: bool, cancelled: bool | None = None) -> Batch | None:
        with self._store.lock:
            batch = self._store.batches.get(batch_id)
            if batch is None:
                return None
            changed = replace(batch, paused=paused, cancelled=batch.cancelled if cancelled is None else cancelled)
            self._store.put_batch(changed)
        self._run_file_task(partial(self._store.save_batch, changed))
        return changed

    def _remove_settled(self, job_id: str) -> None:
        job = self._store.remove(job_id)
        if job is not None:
            self._run_file_task(partial(self._store.save_removed, job))

    def _save_and_create(self, batch_id: str) -> None:
        batch = self._store.batches.get(batch_id)
        if batch is None:
            return
        if self._store.save_batch(batch):
            self._create_next(batch_id)
            return
        error = StorageError("The batch {name} can't be saved, so none of its jobs was started.", name=batch.name)
        self._store.notify(Notice(error.info(), warning=True))
        self._store.remove_batch(batch_id)

    def _create_next(self, batch_id: str) -> None:
        """Create the next jobs of a batch, and have a later task create the rest."""
        try:
            known = self._store.known_job_ids(batch_id) | {job.id for job in self._store.batch_jobs(batch_id)}
        except StorageError as error:
            _log.warning("%s: %s", batch_id, error)
            return
        batch = self._store.batches.get(batch_id)
        if batch is None or batch.cancelled:
            return
        missing = [item for item in batch.items if item.job_id not in known]
        for item in missing[:CREATED_AT_ONCE]:
            self._create(batch, item)
        if len(missing) > CREATED_AT_ONCE:
            self._run_file_task(partial(self._create_next, batch_id))

    def _create(self, batch: Batch, item: BatchItem) -> None:
        """Create one job. One whose image is missing or invalid fails, and does not stop the others."""
        job_request = request_of(batch, item)
        job = request.unchecked_job(job_request, batch.folder, batch.service, batch.base_url)
        try:
            request.check_images(job_request)
        except (ImageError, ParameterError) as error:
            self._store.put(job.moved(State.FAILED, error=error.info()))
            self._store.save(job.id)
            return
        self._start(job, job_request)

    def write_report(self, batch_id: str) -> None:
        """Write a batch's report, if it has one. Blocks."""
        batch = self._store.batches.get(batch_id)
        if batch is None or not batch.report:
            return
        started = time.monotonic()
        with self._writing:
            try:
                report.write(batch, {job.id: job for job in self._store.batch_jobs(batch_id)})
            except ImageTo3DError as error:
                _log.warning("%s: its report can't be written: %s", batch_id, error)
        took = time.monotonic() - started
        self._next_report[batch_id] = time.monotonic() + max(REPORT_INTERVAL, took / REPORT_SHARE)
