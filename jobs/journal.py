# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal: a SQLite database that holds every job and every change of its state, so that they survive a crash.

All Blenders that share the data folder share one file. Each job belongs to one process (`process_lock`); the jobs
of a dead process are taken over by exactly one other. A damaged file stays where it is (another Blender may have it
open), and journal-2.sqlite is built from the job.json in each results folder. `PRAGMA user_version` holds the schema
version; migrations are applied once, when it is opened.

Blocking: a commit waits for the disk. Not for the main thread.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from ..atomic_file import make_private
from ..errors import StorageError, TakenOverError
from . import batch_table, serialization, spending
from .batch import Batch
from .job import SLOT_STATES, Job, State
from .journal_schema import migrate
from .process_lock import exclusive

_log = logging.getLogger(__name__)

FILE_NAME: Final = "journal.sqlite"
_NAME: Final = re.compile(r"journal(?:-([1-9][0-9]{0,5}))?\.sqlite", re.ASCII)
"""The one with the highest number is used."""
PRUNE_AFTER: Final = 90 * 86400.0
"""Seconds after its last change at which a job that is no longer on the list is deleted from the journal."""
_LOCK_TIMEOUT: Final = 30.0


class Journal:
    """The journal in `folder`, opened or created. Raises StorageError if it can't be written.

    `recovered`: number of jobs with which a damaged journal was rebuilt; None if it was not damaged.
    """

    def __init__(self, folder: Path, results_folders: Sequence[Path], owner: str) -> None:
        self.owner = owner
        self.recovered: int | None = None
        self._path = newest(folder)
        self._results_folders = tuple(results_folders)
        self._lock = threading.RLock()
        try:
            make_private(folder)
            self._database = self._open_or_rebuild()
        except (OSError, sqlite3.Error) as error:
            raise _cannot_write(error) from error

    def write(self, job: Job) -> None:
        """Write the job as it is now. Returns once it is on disk. Raises StorageError."""
        with self.transaction() as database:
            _write(database, job, self.owner)

    def claim(self, job: Job, limit: int, wanted: Callable[[sqlite3.Connection], bool] = lambda _: True) -> bool:
        """Write the job in its new state if fewer than `limit` jobs use its account, across all Blenders.

        `wanted`: asked once nobody else can write; False if the job was cancelled meanwhile. It may raise.
        Returns whether it was written. Raises StorageError.
        """
        marks = ",".join("?" * len(SLOT_STATES))
        with self.transaction() as database:
            rows = database.execute(
                f"SELECT record FROM jobs WHERE service = ? AND id != ? AND state IN ({marks})",
                (job.service, job.id, *sorted(SLOT_STATES)),
            )
            others = [_read(record) for (record,) in rows]
            if sum(other is None or other.account == job.account for other in others) >= limit or not wanted(database):
                return False
            _write(database, job, self.owner)
            return True

    def owners(self) -> list[str]:
        """Returns the owners of listed jobs and batches, except this process. Raises StorageError."""
        with self.transaction() as database:
            rows = database.execute(
                "SELECT owner FROM jobs WHERE listed AND owner != ?1"
                " UNION SELECT owner FROM batches WHERE listed AND owner != ?1",
                (self.owner,),
            )
            return [owner for (owner,) in rows]

    def take_over(self, dead_owner: str, known: Collection[str] = ()) -> tuple[list[Job], list[Job]]:
        """Make this process the owner of a dead process's jobs. Raises StorageError.

        `known`: ids of jobs that this process still has, and that were taken from it: they are left alone until it
        has noticed.

        Returns the jobs that still need something (oldest first), and the settled ones, which leave the list.
        The jobs of a batch stay on the list as long as the batch.
        A job that can't be read stays as it is, for a version that can read it.
        """
        with self.transaction() as database:
            rows = database.execute(
                "SELECT id, record FROM jobs WHERE owner = ? AND listed ORDER BY id", (dead_owner,)
            ).fetchall()
            jobs = [job for id, record in rows if id not in known and (job := _read(record)) is not None]
            batches = {batch for (batch,) in database.execute("SELECT id FROM batches WHERE listed")}
            settled = [replace(job, listed=False) for job in jobs if job.settled and job.batch not in batches]
            left = {job.id for job in settled}
            open_jobs = [job for job in jobs if job.id not in left]
            database.executemany("UPDATE jobs SET listed = 0 WHERE id = ?", [(job.id,) for job in settled])
            database.executemany("UPDATE jobs SET owner = ? WHERE id = ?", [(self.owner, job.id) for job in open_jobs])
            return open_jobs, settled

    def find_batches(self, wanted: Callable[[Batch], bool]) -> list[tuple[Batch, dict[str, Job]]]:
        """Returns the batches that are wanted with their jobs by id, whoever owns them, oldest first.

        Raises StorageError.
        """
        with self.transaction() as database:
            found = []
            for _, batch in batch_table.find(database, wanted):
                rows = database.execute("SELECT id, record FROM jobs WHERE batch = ?", (batch.id,)).fetchall()
                found.append((batch, {id: job for id, record in rows if (job := _read(record)) is not None}))
            return found

    def add_seen(self, account: tuple[str, str], service_ids: Iterable[str]) -> None:
        """Remember ids in the service's list, so that a new one can be told from old ones. Raises StorageError."""
        with self.transaction() as database:
            _add_seen(database, ((" ".join(account), service_id) for service_id in service_ids))

    def all_seen(self) -> list[tuple[str, str]]:
        """Returns every service (with its base URL, if known) and id that `unseen` leaves out. Raises StorageError."""
        with self.transaction() as database:
            query = (
                "SELECT service, service_id FROM seen UNION SELECT service, service_id FROM jobs WHERE service_id != ''"
            )
            return [(service, service_id) for service, service_id in database.execute(query)]

    def copy_seen(self, rows: Iterable[tuple[str, str]]) -> None:
        """Add what another journal's `all_seen` returned. Raises StorageError."""
        with self.transaction() as database:
            _add_seen(database, rows)

    def unseen(self, account: tuple[str, str], service_ids: Sequence[str]) -> list[str]:
        """Returns those of the ids that were not in the list before and belong to no job. Raises StorageError."""
        with self.transaction() as database:
            return [
                service_id
                for service_id in service_ids
                if not database.execute(
                    "SELECT 1 FROM seen WHERE service IN (?1, ?3) AND service_id = ?2"
                    " UNION SELECT 1 FROM jobs WHERE service = ?3 AND service_id = ?2",
                    (" ".join(account), service_id, account[0]),
                ).fetchone()
            ]

    def has_other_lost_submits(self, job: Job) -> bool:
        """Whether another job at the same service waits for the reply to its submit. Raises StorageError."""
        with self.transaction() as database:
            row = database.execute(
                "SELECT 1 FROM jobs WHERE service = ? AND id != ? AND listed AND state IN (?, ?, ?)",
                (job.service, job.id, State.SUBMITTING, State.RECONCILING, State.UNCONFIRMED),
            ).fetchone()
            return row is not None

    def close(self) -> None:
        with self._lock:
            self._database.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Context: the database, locked for this process alone. Raises StorageError if it can't be written."""
        with self._lock:
            try:
                self._reopen_if_replaced()
                self._database.execute("BEGIN IMMEDIATE")
                try:
                    yield self._database
                except BaseException:
                    self._database.execute("ROLLBACK")
                    raise
                self._database.execute("COMMIT")
            except (sqlite3.Error, OSError) as error:
                raise _cannot_write(error) from error

    def _open_or_rebuild(self) -> sqlite3.Connection:
        with exclusive(self._path.with_name("journal.lock"), _LOCK_TIMEOUT):
            self._path = newest(self._path.parent)
            try:
                database = _open(self._path)
            except sqlite3.DatabaseError as error:
                if not _is_damage(error):
                    raise
                database = self._rebuild(error)
            return database

    def _reopen_if_replaced(self) -> None:
        """Another Blender may have found the file damaged and built the next one: continue with that."""
        if _next_to(self._path).exists() or not self._path.exists():
            self._database.close()
            self._database = self._open_or_rebuild()

    def _rebuild(self, reason: Exception) -> sqlite3.Connection:
        damaged, self._path = self._path, _next_to(self._path)
        _log.warning("%s is damaged (%s), so %s is built", damaged.name, reason, self._path.name)
        database = _open(self._path)
        found: dict[str, tuple[Job, str]] = {}
        for job, owner in serialization.read_job_files(self._results_folders):
            found.setdefault(job.id, (job, owner))
        database.execute("BEGIN IMMEDIATE")
        for job, owner in found.values():
            _write(database, job, owner)
        for batch in batch_table.read_batch_files(self._results_folders):
            batch_table.write(database, batch, serialization.NO_OWNER)
        database.execute("COMMIT")
        self.recovered = len(found)
        return database


def exists(folder: Path) -> bool:
    """Whether there is a journal in the folder, thus jobs that may have to be resumed."""
    return newest(folder).exists()


def newest(folder: Path) -> Path:
    """Returns the journal to use in a folder; it may not exist yet. Raises OSError."""
    names = os.listdir(folder) if folder.is_dir() else []
    numbers = [int(match[1] or 1) for name in names if (match := _NAME.fullmatch(name))]
    return folder / _name(max(numbers, default=1))


def _next_to(path: Path) -> Path:
    match = _NAME.fullmatch(path.name)
    return path.with_name(_name(int(match[1] or 1) + 1 if match else 2))


def _name(number: int) -> str:
    return f"journal-{number}.sqlite" if number > 1 else FILE_NAME


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=_LOCK_TIMEOUT, isolation_level=None, check_same_thread=False)
    try:
        _use_rollback_journal(database)
        database.execute("PRAGMA synchronous=FULL")
        with closing(database.execute("PRAGMA quick_check(1)")) as check:
            result = check.fetchone()[0]
        if result != "ok":
            raise sqlite3.DatabaseError(str(result))
        migrate(database)
        database.execute("SELECT id, owner, service, service_id, state, listed, changed, record FROM jobs LIMIT 1")
        _prune(database)
    except BaseException:
        database.close()
        raise
    return database


def _use_rollback_journal(database: sqlite3.Connection) -> None:
    """SQLite's write-ahead log shares memory between its users, which works on one computer only.

    A file that version 0.1.0 has open stays as it is until that Blender ends.
    """
    database.execute("PRAGMA busy_timeout=200")
    try:
        database.execute("PRAGMA journal_mode=TRUNCATE")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        _log.info("the journal keeps its write-ahead log: %s", error)
    finally:
        database.execute(f"PRAGMA busy_timeout={_LOCK_TIMEOUT * 1000:.0f}")


def _prune(database: sqlite3.Connection) -> None:
    """Delete jobs that left the list long ago. Their ids at the service stay known as seen."""
    old = "FROM jobs WHERE NOT listed AND changed < ?"
    limit = (time.time() - PRUNE_AFTER,)
    if not database.execute(f"SELECT 1 {old}", limit).fetchone():
        return
    database.execute("BEGIN IMMEDIATE")
    rows = database.execute(f"SELECT service, service_id {old} AND service_id != ''", limit).fetchall()
    _add_seen(database, rows)
    database.execute(f"DELETE FROM changes WHERE job IN (SELECT id {old})", limit)
    database.execute(f"DELETE {old}", limit)
    database.execute("COMMIT")


def _add_seen(database: sqlite3.Connection, rows: Iterable[tuple[str, str]]) -> None:
    database.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", rows)


def _cannot_write(error: Exception) -> StorageError:
    return StorageError("The journal can't be written: {reason}.", reason=str(error))


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether the file is damaged, in contrast to locked, on a full disk, or read-only."""
    if not isinstance(error, sqlite3.OperationalError):
        return True
    return "no such column" in str(error) or "malformed" in str(error)


def _write(database: sqlite3.Connection, job: Job, owner: str) -> None:
    now = time.time()
    record = json.dumps(serialization.to_json(job))
    previous = database.execute("SELECT state, owner FROM jobs WHERE id = ?", (job.id,)).fetchone()
    if previous is not None and previous[1] != owner:
        raise TakenOverError("{name} is continued by another Blender.", name=job.name)
    database.execute(
        "INSERT INTO jobs (id, owner, service, service_id, state, listed, changed, record, batch)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET owner = excluded.owner,"
        " service_id = excluded.service_id, state = excluded.state, listed = excluded.listed,"
        " changed = excluded.changed, record = excluded.record",
        (job.id, owner, job.service, job.service_id, job.state, job.listed, now, record, job.batch),
    )
    if previous is None or previous[0] != job.state:
        note = str(job.error or job.note)
        database.execute("INSERT INTO changes VALUES (?, ?, ?, ?)", (job.id, now, job.state, note))
    spending.follow(database, job, previous[0] if previous else "", now)


def _read(record: str) -> Job | None:
    try:
        return serialization.from_json(json.loads(record))
    except ValueError as error:
        _log.warning("A job in the journal can't be read and is skipped: %s", error)
        return None
