# SPDX-License-Identifier: GPL-3.0-or-later
"""What must survive a crash: every job and every change of its state, written before the step it announces.

One SQLite file, shared by all Blenders that share the user folder. Each job belongs to one of them
(`ownership`); a dead one's jobs are taken over by exactly one other. A file that SQLite can't read is set
aside and built anew from the records that lie in the results folders.

Used from the queue's threads only: a commit waits for the disk.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from ..errors import StorageError
from . import serialization
from .job import OCCUPYING, Job, State
from .process_lock import exclusive

_log = logging.getLogger(__name__)

FILE_NAME: Final = "journal.sqlite"
_BUSY_SECONDS: Final = 30.0

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    service TEXT NOT NULL,
    service_id TEXT NOT NULL,
    state TEXT NOT NULL,
    listed INTEGER NOT NULL DEFAULT 1,
    changed REAL NOT NULL,
    record TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS jobs_by_owner ON jobs (owner, listed);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state);
CREATE TABLE IF NOT EXISTS changes (
    job TEXT NOT NULL,
    at REAL NOT NULL,
    state TEXT NOT NULL,
    note TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS changes_by_job ON changes (job);
CREATE TABLE IF NOT EXISTS seen (
    service TEXT NOT NULL,
    service_id TEXT NOT NULL,
    PRIMARY KEY (service, service_id)
);
"""


class Journal:
    """The journal in `folder`, opened or made. Raises StorageError where it can't be written.

    `rebuilt_from`: how many jobs a damaged journal was rebuilt with; None where it was sound.
    """

    def __init__(self, folder: Path, results: Sequence[Path], owner: str) -> None:
        self.owner = owner
        self.rebuilt_from: int | None = None
        self._path = folder / FILE_NAME
        self._results = tuple(results)
        self._inode = 0
        self._lock = threading.RLock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with exclusive(folder / "journal.lock", _BUSY_SECONDS):
                self._database = self._opened(results)
        except (OSError, sqlite3.Error) as error:
            raise StorageError(f"The journal of jobs can't be written: {error}.") from error

    def write(self, job: Job) -> None:
        """Keep the job as it is now. Returns once it is on the disk. Raises StorageError."""
        with self._transaction() as database:
            _write(database, job, self.owner)

    def claim(self, job: Job, limit: int) -> bool:
        """Keep the job in its new state if fewer than `limit` jobs occupy the service, over all Blenders."""
        marks = ",".join("?" * len(OCCUPYING))
        with self._transaction() as database:
            row = database.execute(
                f"SELECT count(*) FROM jobs WHERE service = ? AND id != ? AND state IN ({marks})",
                (job.service, job.id, *sorted(OCCUPYING)),
            ).fetchone()
            if row[0] >= limit:
                return False
            _write(database, job, self.owner)
            return True

    def owners(self) -> list[str]:
        """Whose jobs are on the list, this queue's own aside. Raises StorageError."""
        with self._transaction() as database:
            rows = database.execute("SELECT DISTINCT owner FROM jobs WHERE listed AND owner != ?", (self.owner,))
            return [owner for (owner,) in rows]

    def take_over(self, owner: str) -> tuple[list[Job], list[Job]]:
        """Make another owner's jobs this queue's own; the caller knows that owner is dead. Oldest first.

        Finished ones are taken off the list: they come second. One that was placed in a scene that was never
        saved is not finished, nor is one that was cancelled when it may have been paid for already.
        """
        with self._transaction() as database:
            rows = database.execute(
                "SELECT id, record FROM jobs WHERE owner = ? AND listed ORDER BY id", (owner,)
            ).fetchall()
            taken, over = [], []
            for job_id, text in rows:
                job = _read(text)
                if job is None or _is_over(job):
                    database.execute("UPDATE jobs SET listed = 0 WHERE id = ?", (job_id,))
                    over += [replace(job, listed=False)] if job else []
                else:
                    database.execute("UPDATE jobs SET owner = ? WHERE id = ?", (self.owner, job_id))
                    taken.append(job)
            return taken, over

    def history(self, job_id: str) -> list[tuple[float, str, str]]:
        """A job's changes, oldest first: when (seconds since the epoch), state, note. Raises StorageError."""
        with self._transaction() as database:
            rows = database.execute("SELECT at, state, note FROM changes WHERE job = ? ORDER BY rowid", (job_id,))
            return [(at, state, note) for at, state, note in rows]

    def see(self, account: tuple[str, str], service_ids: Iterable[str]) -> None:
        """Remember ids in the service's list, so that a new one can be told from old ones. Raises StorageError."""
        with self._transaction() as database:
            database.executemany(
                "INSERT OR IGNORE INTO seen VALUES (?, ?)",
                [(" ".join(account), service_id) for service_id in service_ids],
            )

    def unseen(self, account: tuple[str, str], service_ids: Sequence[str]) -> list[str]:
        """Of these ids, those neither seen in the list before nor any job's own. Raises StorageError."""
        with self._transaction() as database:
            return [
                service_id
                for service_id in service_ids
                if not database.execute(
                    "SELECT 1 FROM seen WHERE service = ?1 AND service_id = ?2"
                    " UNION SELECT 1 FROM jobs WHERE service = ?3 AND service_id = ?2",
                    (" ".join(account), service_id, account[0]),
                ).fetchone()
            ]

    def others_lost(self, job: Job) -> bool:
        """Whether any other job at the same service waits for the answer to its submit. Raises StorageError."""
        with self._transaction() as database:
            row = database.execute(
                "SELECT 1 FROM jobs WHERE service = ? AND id != ? AND listed AND state IN (?, ?, ?)",
                (job.service, job.id, State.SUBMITTING, State.RECONCILING, State.UNCONFIRMED),
            ).fetchone()
            return row is not None

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def _opened(self, results: Sequence[Path]) -> sqlite3.Connection:
        try:
            database = _open(self._path)
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
            database = self._rebuild(results, error)
        self._inode = os.stat(self._path).st_ino
        return database

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._follow()
                self._database.execute("BEGIN IMMEDIATE")
                try:
                    yield self._database
                except BaseException:
                    self._database.execute("ROLLBACK")
                    raise
                self._database.execute("COMMIT")
            except sqlite3.Error as error:
                raise StorageError(f"The journal of jobs can't be written: {error}.") from error

    def _follow(self) -> None:
        """Another Blender may have found the file damaged and made a new one: go on in that."""
        try:
            present = os.stat(self._path).st_ino
        except FileNotFoundError:
            present = 0
        if present != self._inode:
            self._database.close()
            with exclusive(self._path.with_name("journal.lock"), _BUSY_SECONDS):
                self._database = self._opened(self._results)

    def _rebuild(self, results: Sequence[Path], why: Exception) -> sqlite3.Connection:
        aside = self._path.with_name(f"journal-damaged-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.sqlite")
        _log.warning("The journal of jobs is damaged (%s); it is set aside as %s", why, aside.name)
        for ending in ("", "-wal", "-shm"):
            part = self._path.with_name(self._path.name + ending)
            if part.exists():
                os.replace(part, aside.with_name(aside.name + ending))
        database = _open(self._path)
        found = list(_recorded(results))
        database.execute("BEGIN IMMEDIATE")
        for job, owner in found:
            _write(database, job, owner)
        database.execute("COMMIT")
        self.rebuilt_from = len(found)
        return database


def exists(folder: Path) -> bool:
    """Whether there ever was a job: else there is nothing to look for at start."""
    return (folder / FILE_NAME).exists()


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        with closing(database.execute("PRAGMA quick_check(1)")) as check:
            decision = check.fetchone()[0]
        if decision != "ok":
            raise sqlite3.DatabaseError(str(decision))
        database.executescript(_SCHEMA)
        database.execute("SELECT id, owner, service, service_id, state, listed, changed, record FROM jobs LIMIT 1")
    except BaseException:
        database.close()
        raise
    return database


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    """Damage, in contrast to a file that is locked, on a full disk or not ours to write."""
    if not isinstance(error, sqlite3.OperationalError):
        return True
    return "no such column" in str(error) or "malformed" in str(error)


def _write(database: sqlite3.Connection, job: Job, owner: str) -> None:
    now = time.time()
    record = json.dumps(serialization.to_json(job))
    previous = database.execute("SELECT state FROM jobs WHERE id = ?", (job.id,)).fetchone()
    database.execute(
        "INSERT INTO jobs (id, owner, service, service_id, state, listed, changed, record)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET owner = excluded.owner,"
        " service_id = excluded.service_id, state = excluded.state, listed = excluded.listed,"
        " changed = excluded.changed, record = excluded.record",
        (job.id, owner, job.service, job.service_id, job.state, job.listed, now, record),
    )
    if previous is None or previous[0] != job.state:
        note = str(job.error or job.note)
        database.execute("INSERT INTO changes VALUES (?, ?, ?, ?)", (job.id, now, job.state, note))


def _read(text: str) -> Job | None:
    try:
        return serialization.from_json(json.loads(text))
    except ValueError as error:
        _log.warning("A job in the journal can't be read and is left out: %s", error)
        return None


def _is_over(job: Job) -> bool:
    return (job.state is State.CANCELLED and not job.sent) or (job.state is State.PLACED and job.kept)


def _recorded(results: Sequence[Path]) -> Iterator[tuple[Job, str]]:
    """The jobs whose records lie in the results folders, and whose they are."""
    for place in results:
        for record in sorted(place.glob(f"*/{serialization.RECORD_FILE}")):
            try:
                job, owner = serialization.read_record(record.parent)
            except (OSError, ValueError) as error:
                _log.warning("%s holds no readable record: %s", record.parent.name, error)
            else:
                yield job, owner
