# SPDX-License-Identifier: GPL-3.0-or-later
"""When each job's next step is due, and which steps are under way.

Times are monotonic seconds. Not safe by itself: whoever uses it holds the board's lock.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from .job import OCCUPYING, Job, State

_GLANCE_SECONDS: Final = 5.0
"""The longest sleep between two looks at the agenda."""


@dataclass(order=True, slots=True)
class _Due:
    at: float
    number: int
    job_id: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Begun:
    """A step that begins now. `number` tells it from later steps of the same job."""

    job: Job
    number: int


class Agenda:
    """What is to be done when. Queued jobs wait in line for a place at the service; all others have a time."""

    def __init__(self) -> None:
        self.under_way = 0
        """Steps under way, those whose job already rests among them."""
        self.paused_until = 0.0
        self.paused_why = ""
        self._due: list[_Due] = []
        self._line: deque[str] = deque()
        self._line_held_until = 0.0
        self._busy: dict[str, int] = {}
        self._numbers = itertools.count()

    def __bool__(self) -> bool:
        return bool(self._due or self._line or self.under_way)

    def put(self, job: Job, after: float = 0.0) -> None:
        """The job's next step is due in `after` seconds."""
        if job.state is State.QUEUED and not after:
            self._line.append(job.id)
        else:
            heapq.heappush(self._due, _Due(time.monotonic() + after, next(self._numbers), job.id))

    def put_first(self, job: Job, after: float) -> None:
        """The job waits at the head of the line, which does not move for `after` seconds."""
        self._line.appendleft(job.id)
        self._line_held_until = time.monotonic() + after

    def pause(self, seconds: float, why: str) -> None:
        """Begin no new job for a while."""
        self.paused_until = max(self.paused_until, time.monotonic() + seconds)
        self.paused_why = why

    def is_busy(self, job_id: str) -> bool:
        return job_id in self._busy

    def take(self, jobs: dict[str, Job], limit: int) -> list[Begun]:
        """The steps that are due now. `limit`: how many jobs may occupy the service."""
        now = time.monotonic()
        found = self._taken_from_due(jobs, now)
        if self._line and now >= max(self.paused_until, self._line_held_until):
            found += self._taken_from_line(jobs, limit - self._occupied(jobs.values()))
        begun = [Begun(job, next(self._numbers)) for job in found]
        self._busy.update((step.job.id, step.number) for step in begun)
        self.under_way += len(begun)
        return begun

    def seconds_to_next(self) -> float:
        """How long nothing becomes due, at most a few seconds."""
        now = time.monotonic()
        times = [_GLANCE_SECONDS]
        if self._due:
            times.append(self._due[0].at - now)
        held = max(self.paused_until, self._line_held_until) - now
        if self._line and held > 0:
            times.append(held)
        return max(min(times), 0.0)

    def rests(self, job_id: str) -> None:
        """The job is at rest, though its last step may still be on its way out."""
        self._busy.pop(job_id, None)

    def ended(self, step: Begun) -> None:
        """A step is over."""
        if self._busy.get(step.job.id) == step.number:
            del self._busy[step.job.id]
        self.under_way -= 1

    def _taken_from_due(self, jobs: dict[str, Job], now: float) -> list[Job]:
        found: list[Job] = []
        while self._due and self._due[0].at <= now:
            job = jobs.get(heapq.heappop(self._due).job_id)
            if job is None or not job.running or job.id in self._busy or job in found:
                continue
            if job.state is State.QUEUED:
                self._line.append(job.id)
            else:
                found.append(job)
        return found

    def _taken_from_line(self, jobs: dict[str, Job], free: int) -> list[Job]:
        found: list[Job] = []
        while self._line and len(found) < free:
            job = jobs.get(self._line.popleft())
            if job is not None and job.state is State.QUEUED and job.id not in self._busy and job not in found:
                found.append(job)
        return found

    def _occupied(self, jobs: Collection[Job]) -> int:
        return sum(job.state in OCCUPYING or (job.state is State.QUEUED and job.id in self._busy) for job in jobs)
