# SPDX-License-Identifier: GPL-3.0-or-later
"""The job store: all jobs of this Blender session, in memory and on disk, and the events that report changes.

Memory is guarded by one lock, held for moments only. Disk means the journal, opened on first use, and a job.json in
each job's folder from which a damaged journal is rebuilt. Methods that say "blocks" wait for the disk: call them in
the executor's threads only.
"""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from ..atomic_file import atomic_write, make_private
from ..errors import StorageError, TakenOverError, counted
from . import batch_table, durations, earlier_journal, serialization, spending
from .batch import Batch, BatchChanged, BatchEvent, BatchRemoved
from .estimates import Duration
from .forecast import BalanceRead, Learned
from .job import Changed, Event, Job, Notice, Removed, State
from .journal import Journal
from .process_lock import ProcessLock

_log = logging.getLogger(__name__)

RESULTS_FOLDERS_FILE: Final = "results_folders.json"
_RESULTS_FOLDERS_FILES: Final = (RESULTS_FOLDERS_FILE, "places.json")
"""Its name, and that in 0.1.0."""


class JobStore:
    """`folder`: the data folder with the journal. `results_folders`: where job folders are, the current one first.

    `earlier`: where earlier versions had the journal.
    """

    def __init__(self, folder: Path, results_folders: Callable[[], list[Path]], earlier: Path | None = None) -> None:
        self.lock = threading.Condition()
        """Guards the memory, and the scheduler. Notified at each change."""
        self.events: queue.SimpleQueue[Event | BatchEvent | Learned | BalanceRead] = queue.SimpleQueue()
        self.jobs: dict[str, Job] = {}
        """All listed jobs by id, oldest first. Read and change it with the lock held."""
        self.batches: dict[str, Batch] = {}
        """All listed batches by id, oldest first. Read and change it with the lock held."""
        self.changed_batches: set[str] = set()
        """Ids of batches whose jobs have changed since their reports were written."""
        self._folder = folder
        self._earlier = earlier
        self._results_folders = results_folders
        self._open_lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._journal: Journal | None = None
        self._process_lock: ProcessLock | None = None
        self._copied: dict[str, tuple[Any, ...]] = {}
        """By job id: what its job.json says of what a rebuilt journal must know."""
        self._closed = False
        self.others_own_jobs = False
        """Whether other processes owned jobs, and were not dead, at the last `take_over_orphans`."""

    # --- memory ------------------------------------------------------------------------------------------------

    def get(self, job_id: str) -> Job | None:
        with self.lock:
            return self.jobs.get(job_id)

    def all(self) -> tuple[Job, ...]:
        """Returns all listed jobs, oldest first."""
        with self.lock:
            return tuple(self.jobs.values())

    def put(self, job: Job) -> None:
        """Add or replace a job in memory, and emit the event."""
        with self.lock:
            before = self.jobs.get(job.id)
            self.jobs[job.id] = job
            if job.batch and (before is None or before.state is not job.state):
                self.changed_batches.add(job.batch)
            self.events.put(Changed(job))
            self.lock.notify_all()

    def update(self, job_id: str, change: Callable[[Job], Job | None]) -> Job | None:
        """Replace a job by what `change` makes of it, atomically. Returns the new job; None if nothing was changed."""
        with self.lock:
            job = self.jobs.get(job_id)
            changed = change(job) if job is not None else None
            if changed is not None:
                self.put(changed)
            return changed

    def remove(self, job_id: str) -> Job | None:
        """Remove a job that is not running from the list. Returns it as it is to be saved; None if it can't be."""
        with self.lock:
            job = self.jobs.get(job_id)
            if job is None or job.running:
                return None
            del self.jobs[job_id]
            self.events.put(Removed(job_id))
            self.lock.notify_all()
            return replace(job, listed=False)

    def batch_jobs(self, batch_id: str) -> list[Job]:
        """Returns the jobs of a batch that exist so far, oldest first."""
        with self.lock:
            return [job for job in self.jobs.values() if job.batch == batch_id]

    def put_batch(self, batch: Batch) -> None:
        """Add or replace a batch in memory, and emit the event."""
        with self.lock:
            self.batches[batch.id] = batch
            self.changed_batches.add(batch.id)
            self.events.put(BatchChanged(batch))
            self.lock.notify_all()

    def remove_batch(self, batch_id: str) -> Batch | None:
        """Remove a batch with its jobs from the list. Returns it as it is to be saved; None if it is unknown."""
        with self.lock:
            batch = self.batches.pop(batch_id, None)
            if batch is None:
                return None
            self.changed_batches.discard(batch_id)
            self.events.put(BatchRemoved(batch_id))
            return replace(batch, listed=False)

    def notify(self, message: Notice) -> None:
        """Emit a message for the artist that belongs to no particular job."""
        self.events.put(message)

    # --- disk ------------------------------------------------------------------------------------------------------

    def journal(self) -> Journal:
        """Returns the journal, opened on first use. Blocks. Raises StorageError."""
        with self._open_lock:
            if self._closed:
                raise StorageError("The queue has ended.")
            if self._journal is None:
                self._journal = self._open_journal()
            return self._journal

    def save(self, job_id: str) -> bool:
        """Write a job's latest state to disk. Blocks. Returns whether it was written.

        The state is read under the write lock, so an older snapshot never overwrites a newer one.
        """
        with self._write_lock:
            job = self.get(job_id)
            return job is None or self._write(job)

    def save_removed(self, job: Job) -> bool:
        """Write a job that is no longer in memory. Blocks. Returns whether it was written."""
        with self._write_lock:
            return self._write(job)

    def claim(self, job: Job, limit: int, wallet: str, daily_limit: float | None) -> bool:
        """Write a job in its new state if the service has a free slot, across all Blenders. Blocks.

        `wallet`: what it is paid from; "" if it costs nothing. Returns whether it was written; also False if it is no
        longer queued. Raises SpendingLimitError, StorageError.
        """

        def wanted(database: sqlite3.Connection) -> bool:
            current = self.get(job.id)
            if current is None or current.state is not State.QUEUED:
                return False
            if wallet:
                spending.reserve(database, wallet, job, daily_limit)
            return True

        with self._write_lock:
            # If it was cancelled meanwhile, the journal must never say that it is running.
            if not self.journal().claim(job, limit, wanted):
                return False
            self._write_job_file(job)
            return True

    def save_batch(self, batch: Batch) -> bool:
        """Write a batch to the journal and to its folder. Blocks. Returns whether the journal has it."""
        try:
            journal = self.journal()
            with journal.transaction() as database:
                batch_table.write(database, batch, journal.owner)
        except StorageError as error:
            if not self._closed:
                _log.error("%s: %s", batch.id, error)
                self.notify(Notice(error.info(), warning=True))
            return False
        try:
            batch_table.write_batch_file(batch)
        except OSError as error:
            _log.info("%s: its batch.json can't be written: %s", batch.id, error)
        return True

    def known_job_ids(self, batch_id: str) -> set[str]:
        """Returns the ids of all jobs of a batch that were ever started. Blocks. Raises StorageError."""
        with self.journal().transaction() as database:
            return batch_table.job_ids(database, batch_id)

    def durations(self, account: tuple[str, str], settings: str) -> list[Duration]:
        """Returns how long the latest jobs with these settings took, oldest first. Blocks. Raises StorageError."""
        with self.journal().transaction() as database:
            return durations.read(database, account, settings)

    def add_duration(self, account: tuple[str, str], settings: str, duration: Duration) -> None:
        """Remember how long a job took. Blocks. Raises StorageError."""
        with self.journal().transaction() as database:
            durations.add(database, account, settings, duration)
            seconds = durations.whole_job(database, " ".join(account), settings.removeprefix(durations.WHOLE_JOB))
        self.events.put(Learned(seconds=seconds))

    def owners_of_batches(self, wanted: Callable[[Batch], bool]) -> set[str]:
        """Returns the other processes that own batches that are wanted. Blocks. Raises StorageError."""
        journal = self.journal()
        with journal.transaction() as database:
            return batch_table.owners(database, wanted) - {journal.owner}

    def find_batches(self, wanted: Callable[[Batch], bool]) -> list[tuple[Batch, dict[str, Job]]]:
        """Returns the batches that are wanted with their jobs by id, whoever owns them. Blocks. Raises StorageError."""
        return self.journal().find_batches(wanted)

    def take_over_batches(self, owners: Collection[str] | None = None) -> list[Batch]:
        """Returns the batches of dead processes, which belong to this one from now on. Blocks. Raises StorageError.

        `owners`: of these processes only.
        """
        journal = self.journal()
        assert self._process_lock is not None
        found: list[Batch] = []
        for owner in journal.owners() if owners is None else owners:
            with self._process_lock.claim_dead(owner) as dead:
                if dead:
                    with journal.transaction() as database:
                        found += batch_table.take_over(database, owner, journal.owner)
        return found

    def take_over_orphans(self, owners: Collection[str] | None = None) -> Iterator[Job]:
        """Yields the jobs of dead processes, which belong to this one from now on. Blocks. Raises StorageError.

        `owners`: of these processes only; it is not noticed then whether others own jobs.
        """
        journal = self.journal()
        assert self._process_lock is not None
        others_own_jobs = False
        for owner in journal.owners() if owners is None else owners:
            with self._process_lock.claim_dead(owner) as dead:
                jobs, settled = journal.take_over(owner, {job.id for job in self.all()}) if dead else ([], [])
            others_own_jobs |= not dead
            for job in settled:
                self._write_job_file(job)
            yield from map(self._with_present_folder, jobs)
        if self._earlier is not None:
            moved, living = earlier_journal.take_over(self._earlier, journal)
            others_own_jobs |= living
            if not living:
                self._earlier = None
            yield from map(self._with_present_folder, moved)
        self.others_own_jobs = others_own_jobs and owners is None

    def _with_present_folder(self, job: Job) -> Job:
        """Returns the job with its folder in another results folder, if it was moved there."""
        if not job.folder.is_dir():
            for place in (results / job.folder.name for results in self._known_results_folders()):
                if place.is_dir():
                    return replace(job, folder=place)
        return job

    def close(self) -> None:
        """Close the journal and release the process lock: other Blenders may take over unfinished jobs."""
        with self._open_lock:
            self._closed = True
            if self._journal is not None:
                self._journal.close()
                self._journal = None
            if self._process_lock is not None:
                self._process_lock.release()
                self._process_lock = None

    def _write(self, job: Job) -> bool:
        try:
            self.journal().write(job)
        except TakenOverError as error:
            with self.lock:
                if self.jobs.pop(job.id, None) is not None:
                    self.events.put(Removed(job.id))
                    self.notify(Notice(error.info(), warning=True))
            return False
        except StorageError as error:
            if not self._closed:  # what happens after the end, the next Blender finds out by itself
                _log.error("%s: %s", job.id, error)
                self.notify(Notice(error.info(), warning=True))
            return False
        self._write_job_file(job)
        return True

    def _write_job_file(self, job: Job) -> None:
        """Write job.json, if the job is not running or if what a rebuilt journal must know has changed."""
        files = (job.folder, job.delivery, job.model_file, job.blend_file)
        essentials = (job.sent, job.service_id, job.fetch_url, job.links, *files)
        if job.running and self._copied.get(job.id) == essentials:
            return
        if job.running:
            self._copied[job.id] = essentials
        else:
            self._copied.pop(job.id, None)
        try:
            serialization.write_job_file(
                job, self._process_lock.token if self._process_lock else serialization.NO_OWNER
            )
        except OSError as error:
            # The journal has it; the artist may have deleted the folder, which is their right.
            _log.info("%s: job.json can't be written: %s", job.id, error)

    def _open_journal(self) -> Journal:
        try:
            self._process_lock = self._process_lock or ProcessLock(self._folder / "owners")
        except OSError as error:
            raise StorageError("The add-on's folder can't be written: {reason}.", cause=error) from error
        journal = Journal(self._folder, self._known_results_folders(), self._process_lock.token)
        if journal.recovered is not None:
            recovered = counted(
                journal.recovered,
                "The journal was damaged and has been set aside. 1 job was recovered from its folder.",
                "The journal was damaged and has been set aside. {count} jobs were recovered from their folders.",
            )
            self.notify(Notice(recovered, warning=True))
        with journal.transaction() as database:
            self.events.put(Learned(durations.whole_jobs(database), spending.learned_prices(database)))
        return journal

    def _known_results_folders(self) -> list[Path]:
        """Returns every results folder that was ever used, for rebuilding a damaged journal, and remembers them."""
        file = self._folder / RESULTS_FOLDERS_FILE
        known: list[str] = []
        earlier = [self._earlier / name for name in _RESULTS_FOLDERS_FILES] if self._earlier else []
        for source in (*(self._folder / name for name in _RESULTS_FOLDERS_FILES), *earlier):
            with contextlib.suppress(OSError, ValueError, TypeError):
                known += [str(folder) for folder in json.loads(source.read_text("utf-8"))]
        folders = list(dict.fromkeys([*map(str, self._results_folders()), *known]))
        if folders != known:
            try:
                make_private(self._folder)
                atomic_write(file, json.dumps(folders).encode())
            except OSError as error:
                _log.warning("the list of results folders can't be written: %s", error)
        return [Path(folder) for folder in folders]
