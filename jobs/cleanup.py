# SPDX-License-Identifier: GPL-3.0-or-later
"""Cleans up the results folders on request: measures disk usage, and deletes old results.

Only folders with a job.json are touched, and only those of jobs whose result is safe to delete: one that was paid
for and is in no saved scene is never deleted, however old.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..atomic_file import delete
from . import serialization
from .job import Job

_log = logging.getLogger(__name__)

DAY: Final = 86400.0
GIGABYTE: Final = 10**9
_REMOVED: Final = "~removed-"


@dataclass(frozen=True, slots=True)
class JobFolder:
    """One job's results folder."""

    folder: Path
    job: Job
    size: int
    """Bytes."""

    @property
    def removable(self) -> bool:
        """Whether it is safe to delete: placed and saved, cancelled before it was sent, or removed from the list.

        What is left of a folder that was being deleted is, too.
        """
        return self.job.settled or not self.job.listed or self.folder.name.startswith(_REMOVED)


def job_folders(results: Path) -> Iterator[JobFolder]:
    """Yields the job folders in a results folder, oldest first."""
    for job, _ in serialization.read_job_files([results]):
        if not job.folder.is_symlink():
            yield JobFolder(job.folder, job, folder_size(job.folder))


def folder_size(folder: Path) -> int:
    """Returns the size of all files in a folder, in bytes. Files that disappear meanwhile count as 0."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(path, name)).st_size
    return total


def select_removable(
    found: list[JobFolder], *, older_than_days: float | None, over_gigabytes: float | None, now: float
) -> list[JobFolder]:
    """Returns those of the folders (oldest first) that a clean-up deletes. `now`: seconds since the epoch."""
    oldest = now - (float("inf") if older_than_days is None else older_than_days * DAY)
    chosen = [each for each in found if each.removable and each.job.created < oldest]
    if over_gigabytes is not None:
        left = sum(each.size for each in found) - sum(each.size for each in chosen)
        for each in found:
            if left <= over_gigabytes * GIGABYTE:
                break
            if each.removable and each not in chosen:
                chosen.append(each)
                left -= each.size
    return chosen


def find_removable(
    results_folders: Sequence[Path], *, older_than_days: float | None, over_gigabytes: float | None
) -> list[JobFolder]:
    """Returns what a clean-up with these limits deletes, oldest first. Reads the disk."""
    found = sorted((each for results in results_folders for each in job_folders(results)), key=lambda x: x.job.created)
    return select_removable(found, older_than_days=older_than_days, over_gigabytes=over_gigabytes, now=time.time())


@dataclass(frozen=True, slots=True)
class Removed:
    """What a clean-up did: how many results and bytes it deleted, and how many are open in another program."""

    count: int = 0
    size: int = 0
    in_use: int = 0


def remove(results_folders: Sequence[Path], *, older_than_days: float | None, over_gigabytes: float | None) -> Removed:
    """Delete removable results older than `older_than_days`, then the oldest until the total is below `over_gigabytes`.

    None disables a limit. Continues past results that can't be deleted.
    """
    chosen = find_removable(results_folders, older_than_days=older_than_days, over_gigabytes=over_gigabytes)
    sizes = [each.size for each in chosen if delete_result(each.folder)]
    return Removed(len(sizes), sum(sizes), len(chosen) - len(sizes))


def delete_result(folder: Path) -> bool:
    """Delete a job's folder. Returns whether all of it could be deleted; what is left is found by the next clean-up.

    It is renamed first: Windows refuses that as a whole while a file in it is open, so nothing is half-deleted.
    """
    try:
        if not folder.name.startswith(_REMOVED):
            folder = folder.rename(folder.with_name(_REMOVED + folder.name))
        for path in sorted(folder.iterdir(), key=lambda path: path.name == serialization.JOB_FILE):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                delete(path)  # job.json last: without it the rest would never be found again
        folder.rmdir()
    except OSError as error:
        _log.warning("%s can't be deleted: %s", folder.name, error)
        return False
    _log.info("deleted %s", folder.name)
    return True
