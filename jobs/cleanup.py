# SPDX-License-Identifier: GPL-3.0-or-later
"""The results folders: how much room they take, and clearing away what is old, when asked to.

Only folders that hold a job's record are touched, and only those of jobs that are over: a result that was
paid for and stands in no scene yet is never cleared away, however old.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import StorageError
from . import serialization
from .job import Job, State

_log = logging.getLogger(__name__)

DAY: Final = 86400.0
GIGABYTE: Final = 10**9


@dataclass(frozen=True, slots=True)
class JobFolder:
    """One job's results folder."""

    folder: Path
    job: Job
    size: int
    """Bytes."""

    @property
    def removable(self) -> bool:
        """Nothing is lost with it that an artist has not seen: placed and kept, cancelled, or dismissed."""
        job = self.job
        if not job.listed:
            return True
        return (job.state is State.CANCELLED and not job.sent) or (job.state is State.PLACED and job.kept)


def results_in(place: Path) -> Iterator[JobFolder]:
    """The results folders in a place, oldest first; what holds no readable record is passed over."""
    for record in sorted(place.glob(f"*/{serialization.RECORD_FILE}")):
        folder = record.parent
        if folder.is_symlink():
            continue
        try:
            job, _ = serialization.read_record(folder)
        except (OSError, ValueError) as error:
            _log.info("%s is passed over: %s", folder.name, error)
            continue
        yield JobFolder(folder, job, size_of(folder))


def size_of(folder: Path) -> int:
    """Bytes that the files in a folder take; what vanishes meanwhile counts nothing."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(path, name)).st_size
            except OSError:
                continue
    return total


def select_removable(
    found: list[JobFolder], *, older_than_days: float | None, over_gigabytes: float | None, now: float
) -> list[JobFolder]:
    """Which of these (oldest first) a clean-up would remove. `now`: seconds since the epoch."""
    chosen = [
        result
        for result in found
        if result.removable and older_than_days is not None and now - result.job.created > older_than_days * DAY
    ]
    if over_gigabytes is not None:
        left = sum(result.size for result in found) - sum(result.size for result in chosen)
        for result in found:
            if left <= over_gigabytes * GIGABYTE:
                break
            if result.removable and result not in chosen:
                chosen.append(result)
                left -= result.size
    return chosen


def clear(places: Sequence[Path], *, older_than_days: float | None, over_gigabytes: float | None) -> tuple[int, int]:
    """Remove what is over and older, or oldest while all places together take more; how many folders and bytes.

    None: no such limit. Raises StorageError.
    """
    found = sorted((result for place in places for result in results_in(place)), key=lambda x: x.job.created)
    chosen = select_removable(found, older_than_days=older_than_days, over_gigabytes=over_gigabytes, now=time.time())
    for result in chosen:
        try:
            shutil.rmtree(result.folder)
        except OSError as error:
            raise StorageError(f"{result.folder.name} can't be removed: {error.strerror}.") from error
        _log.info("cleared away %s (%d bytes)", result.folder.name, result.size)
    return len(chosen), sum(result.size for result in chosen)
