# SPDX-License-Identifier: GPL-3.0-or-later
"""History: the results in the results folders, whichever Blender and file they were made for. Reads the disk.

A result is a job that has a model. What is known of it comes from its job.json, which is read again only if it changed:
reading 10,000 of them takes seconds, looking whether they have changed a fraction of one.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from . import serialization
from .job import Job

_log = logging.getLogger(__name__)

MAX_RESULTS: Final = 10_000
"""The oldest ones beyond this number are left out."""
_PAUSE_EVERY: Final = 20
"""Files after which a reading thread lets the main thread go first."""
_PAUSE: Final = 0.002
"""Seconds."""


class Result(NamedTuple):
    """What the list of earlier results shows of a job."""

    job_id: str
    name: str
    image_name: str
    created: float
    """Seconds since the epoch."""
    folder: Path
    image: Path | None
    """A file of the image that can be drawn without a stall."""
    thumbnail: Path | None
    """The same for the model, if it was rendered; else the image."""


class Page(NamedTuple):
    """Some of the results."""

    results: tuple[Result, ...]
    number: int
    """Of this page, from 0."""
    pages: int
    total: int
    """Number of results that match the search."""


class History:
    """The results as of the last `refresh`, newest first. Any thread may read while one refreshes."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Result | None]] = {}
        """By folder: when its job.json was changed, and what it says; None if that is no result."""
        self._by_id: dict[str, Result] = {}
        self.results: tuple[Result, ...] = ()

    def refresh(
        self, results_folders: Sequence[Path], cancelled: Callable[[], bool] = lambda: False, first: int = 0
    ) -> None:
        """Look at the results folders again. Blocks, and is slow the first time.

        `first`: so many of the newest results are published before the others are read.
        """
        folders = sorted(_job_folders(results_folders), key=lambda path: path.name, reverse=True)[:MAX_RESULTS]
        found: list[Result] = []
        known: dict[str, tuple[float, Result | None]] = {}
        shown = not first or bool(self.results)
        for number, folder in enumerate(folders, 1):
            if cancelled():
                return
            entry = self._read(folder)
            if entry is None:
                continue
            known[str(folder)] = entry
            if entry[1] is not None:
                found.append(entry[1])
            if not shown and len(found) >= first:
                shown = True
                self._publish(found)
            if number % _PAUSE_EVERY == 0:
                time.sleep(_PAUSE)
        self._known = known
        self._publish(found)

    def find(self, job_id: str) -> Result | None:
        """Returns the result of a job; None if it is not among them."""
        return self._by_id.get(job_id)

    def page(self, number: int, size: int, search: str = "") -> Page:
        """Returns a page of the results whose name or image contains a text; the last one if there are fewer."""
        words = search.casefold().split()
        found = self.results
        if words:
            found = tuple(x for x in found if all(word in f"{x.name} {x.image_name}".casefold() for word in words))
        pages = max(1, -(-len(found) // size))
        number = max(0, min(number, pages - 1))
        return Page(found[number * size : (number + 1) * size], number, pages, len(found))

    def _read(self, folder: Path) -> tuple[float, Result | None] | None:
        try:
            changed = os.stat(folder / serialization.JOB_FILE).st_mtime
            known = self._known.get(str(folder))
            if known is not None and known[0] == changed:
                return known
            return changed, _result_of(serialization.read_job_file(folder)[0])
        except (OSError, ValueError) as error:
            _log.info("%s is not shown among the results: %s", folder.name, error)
            return None

    def _publish(self, found: list[Result]) -> None:
        self.results = tuple(sorted(found, key=lambda result: result.created, reverse=True))
        self._by_id = {result.job_id: result for result in self.results}


def _job_folders(results_folders: Sequence[Path]) -> Iterator[Path]:
    """Yields the folders of jobs, and those in the folders of batches; each name once."""
    seen: set[str] = set()
    for results in results_folders:
        for folder in _subfolders(results):
            if (folder / serialization.JOB_FILE).is_file():
                found = [folder]
            else:
                found = [each for each in _subfolders(folder) if (each / serialization.JOB_FILE).is_file()]
            for each in found:
                if each.name not in seen:
                    seen.add(each.name)
                    yield each


def _subfolders(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            found = [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
            # What begins with a tilde is being deleted.
            yield from (folder for folder in found if not folder.name.startswith("~"))
    except OSError as error:
        _log.info("%s can't be listed: %s", folder, error)


def _result_of(job: Job) -> Result | None:
    if not (job.blend_file or job.model_file):
        return None
    preview = job.details.get("preview")
    image = thumbnail = job.thumbnail_path
    if isinstance(preview, str) and serialization.is_plain_name(preview) and (job.folder / preview).is_file():
        thumbnail = job.folder / preview
    return Result(job.id, job.name, job.image.name, job.created, job.folder, image, thumbnail)
