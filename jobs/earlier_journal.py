# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes jobs over from the journal in the folder that earlier versions used: Blender's user folder.

Uninstalling an extension deletes that folder, and each Blender version has its own. The results stay where they are.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from ..errors import StorageError
from .job import Job
from .journal import Journal, TakenOverError, exists
from .process_lock import ProcessLock

_log = logging.getLogger(__name__)


def take_over(folder: Path, journal: Journal) -> tuple[list[Job], bool]:
    """Move the jobs of dead Blenders from the journal in `folder` to `journal`. Blocks. Raises StorageError.

    Returns them, and whether living Blenders still have jobs there. A crash in between loses nothing: a job is in both
    journals then, and is moved again.
    """
    if not exists(folder):
        return [], False
    try:
        lock = ProcessLock(folder / "owners")
    except (OSError, StorageError) as error:
        _log.warning("the earlier journal in %s can't be read: %s", folder, error)
        return [], False
    try:
        earlier = Journal(folder, [folder / "results"], lock.token)
        try:
            return _take_over(earlier, journal, lock)
        finally:
            earlier.close()
    finally:
        lock.release()


def _take_over(earlier: Journal, journal: Journal, lock: ProcessLock) -> tuple[list[Job], bool]:
    journal.copy_seen(earlier.all_seen())
    moved: list[Job] = []
    living = False
    for owner in earlier.owners():
        with lock.claim_dead(owner) as dead:
            jobs, _ = earlier.take_over(owner) if dead else ([], [])
        living |= not dead
        for job in jobs:
            try:
                journal.write(job)
                moved.append(job)
            except TakenOverError:
                _log.info("%s is continued by another Blender already", job.id)
            earlier.write(replace(job, listed=False))
    return moved, living
