# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps jobs: in the journal, which is opened when first needed, and as a record in each job's folder.

Every method waits for the disk: for the queue's threads only.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from ..atomic_file import atomic_write
from ..errors import Message, StorageError
from . import serialization
from .config import Config
from .job import Event, Job, Notice
from .journal import Journal
from .process_lock import ProcessLock

_log = logging.getLogger(__name__)

PLACES_FILE: Final = "places.json"


class Keeper:
    """The journal of one queue. `tell` hands an event to the host."""

    def __init__(self, folder: Path, config: Callable[[], Config], tell: Callable[[Event], None]) -> None:
        self._folder = folder
        self._config = config
        self._tell = tell
        self._opening = threading.Lock()
        self._writing = threading.Lock()
        self._journal: Journal | None = None
        self._ownership: ProcessLock | None = None
        self._closed = False

    def journal(self) -> Journal:
        """The journal, opened on first use. Raises StorageError."""
        with self._opening:
            if self._closed:
                raise StorageError("The queue has ended.")
            if self._journal is None:
                self._journal = self._opened()
            return self._journal

    def keep(self, latest: Callable[[], Job | None]) -> bool:
        """Keep a job as `latest` tells it once it is its turn, so that the newest is written last; whether it was."""
        with self._writing:
            job = latest()
            if job is None:
                return True
            try:
                self.journal().write(job)
            except StorageError as error:
                if self._closed:  # what is told after the end, the next Blender finds out by itself
                    return False
                _log.error("%s: %s", job.id, error)
                self._tell(Notice(error.info(), warning=True))
                return False
            self.leave_record(job)
            return True

    def claim(self, job: Job, limit: int) -> bool:
        """Keep a job in its new state if the service has a place free for it. Raises StorageError."""
        claimed = self.journal().claim(job, limit)
        if claimed:
            self.leave_record(job)
        return claimed

    def leave_record(self, job: Job) -> None:
        """The copy in the job's folder, from which a damaged journal is rebuilt."""
        try:
            serialization.write_record(job, self._ownership.token if self._ownership else serialization.NO_OWNER)
        except OSError as error:
            # The journal has it; the folder may have been deleted by the artist, which is their right.
            _log.info("%s: no record could be left in its folder: %s", job.id, error)

    def orphans(self) -> Iterator[Job]:
        """Jobs whose Blender died; from here on they belong to this queue. Raises StorageError."""
        journal = self.journal()
        assert self._ownership is not None
        for owner in journal.owners():
            with self._ownership.claim_dead(owner) as dead:
                taken, over = journal.take_over(owner) if dead else ([], [])
            for job in over:
                self.leave_record(job)
            yield from taken

    def close(self) -> None:
        """Close the journal: what is unfinished may be taken over at once."""
        with self._opening:
            self._closed = True
            if self._journal is not None:
                self._journal.close()
                self._journal = None
            if self._ownership is not None:
                self._ownership.release()
                self._ownership = None

    def _opened(self) -> Journal:
        try:
            self._ownership = self._ownership or ProcessLock(self._folder / "owners")
        except OSError as error:
            raise StorageError(f"The add-on's folder can't be written: {error.strerror}.") from error
        journal = Journal(self._folder, self._places(), self._ownership.token)
        if journal.rebuilt_from is not None:
            text = "The journal was damaged and has been set aside. {count} jobs were recovered from their folders."
            self._tell(Notice(Message(text, {"count": journal.rebuilt_from}), warning=True))
        return journal

    def _places(self) -> list[Path]:
        """Every place where results were ever kept, for rebuilding a damaged journal."""
        config = self._config()
        file = self._folder / PLACES_FILE
        try:
            known = [str(place) for place in json.loads(file.read_text("utf-8"))]
        except (OSError, ValueError, TypeError):
            known = []
        places = list(dict.fromkeys([str(config.results), *map(str, config.earlier_results), *known]))
        if places != known:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                atomic_write(file, json.dumps(places).encode())
            except OSError as error:
                _log.warning("where results are kept can't be remembered: %s", error)
        return [Path(place) for place in places]
