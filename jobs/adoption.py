# SPDX-License-Identifier: GPL-3.0-or-later
"""Adoption: takes over the unfinished jobs and batches of dead Blenders, now and then while this one runs."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Collection, Sequence

from ..errors import ImageTo3DError
from .batch import Batch
from .batch_runner import BatchRunner
from .job import Notice
from .preview_renderer import PreviewRenderer
from .recovery import after_crash
from .store import JobStore


class Adoption:
    """`schedule` schedules a job; `delays`: seconds between two looks, the last one repeats. Empty: never by itself."""

    def __init__(
        self,
        store: JobStore,
        batches: BatchRunner,
        previews: PreviewRenderer,
        schedule: Callable[[str], None],
        delays: Sequence[float],
    ) -> None:
        self._store = store
        self._batches = batches
        self._previews = previews
        self._schedule = schedule
        self._next = 0.0 if delays else math.inf
        self._delays = itertools.chain(delays, itertools.repeat(delays[-1] if delays else math.inf))

    def seconds_to_next(self) -> float:
        """Returns the seconds until the next look is due."""
        return max(self._next - time.monotonic(), 0.0)

    def wait_again(self) -> None:
        """A look is made now: the next one is due later."""
        self._next = time.monotonic() + next(self._delays)

    def take_over_orphans(self) -> None:
        """Take over all jobs and batches of dead Blenders. Blocks."""
        try:
            self._take_over(None)
        except ImageTo3DError as error:
            self._store.notify(Notice(error.info(), warning=True))

    def take_over_batches(self, wanted: Callable[[Batch], bool]) -> bool:
        """Take over the batches that are wanted, with all other work of the dead Blenders that have them. Blocks.

        Returns whether living Blenders have such batches. Raises StorageError.
        """
        if owners := self._store.owners_of_batches(wanted):
            self._take_over(owners)
        return bool(self._store.owners_of_batches(wanted))

    def _take_over(self, owners: Collection[str] | None) -> None:
        for job in self._store.take_over_orphans(owners):
            self._store.put(after_crash(job))
            if self._store.save(job.id):
                self._schedule(job.id)
        self._batches.adopt(owners)
        for job in self._store.all():
            self._previews.add(job)
