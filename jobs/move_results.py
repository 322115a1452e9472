# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves the results of jobs that are not running from earlier results folders to the current one, on request.

Can be interrupted at any time and done again: a result is complete in one folder at least.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ..atomic_file import make_as_private
from ..atomic_file import replace as replace_path
from . import serialization
from .cleanup import delete_result
from .store import JobStore

_log = logging.getLogger(__name__)

_OTHER_DRIVE: Final = 17
"""ERROR_NOT_SAME_DEVICE of Windows."""


@dataclass(frozen=True, slots=True)
class Moved:
    """How many results were moved, and how many were not: running, of another Blender, or with an open file."""

    count: int = 0
    left: int = 0

    def __add__(self, other: Moved) -> Moved:
        return Moved(self.count + other.count, self.left + other.left)


def results_in(sources: Sequence[Path], target: Path) -> list[Path]:
    """Returns the job folders in other results folders than `target`."""
    found = [file.parent for results in sources if results != target for file in results.glob("*/job.json")]
    return sorted(folder for folder in found if not folder.is_symlink() and not folder.name.startswith("~"))


def move_result(store: JobStore, folder: Path, target: Path) -> Moved:
    """Move one job's folder to the results folder `target`. Raises StorageError if the queue has ended."""
    store.journal()
    try:
        job, _ = serialization.read_job_file(folder)
        current = store.get(job.id)
        place = target / folder.name
        if current.running or current.folder not in {folder, place} if current is not None else job.listed:
            return Moved(left=1)
        copied = place.exists()
        if copied and serialization.read_job_file(place)[0].id != job.id:
            return Moved(left=1)
        if not copied:
            make_as_private(target)
            copied = not _rename(folder, place)
        if store.update(job.id, lambda listed: replace(listed, folder=place)) is not None:
            store.save(job.id)
        if copied:
            delete_result(folder)
    except (OSError, ValueError, shutil.Error) as error:
        _log.warning("%s can't be moved: %s", folder.name, error)
        return Moved(left=1)
    return Moved(count=1)


def _rename(folder: Path, place: Path) -> bool:
    """Rename a folder; to another drive, copy it. Returns whether it was renamed. Raises OSError, shutil.Error."""
    try:
        replace_path(folder, place)
        return True
    except OSError as error:
        if error.errno != errno.EXDEV and getattr(error, "winerror", None) != _OTHER_DRIVE:
            raise
    temporary = place.with_name(f"~moving-{os.getpid()}-{place.name}")
    shutil.copytree(folder, temporary, symlinks=True, dirs_exist_ok=True)
    replace_path(temporary, place)
    return False
