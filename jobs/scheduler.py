# SPDX-License-Identifier: GPL-3.0-or-later
"""When each job's next step is due, and which steps are under way.

Times are monotonic seconds. Not safe by itself: whoever uses it holds the board's lock.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections import defaultdict, deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final

from ..errors import NO_MESSAGE, Message
from .job import OCCUPYING, Job, State

_GLANCE_SECONDS: Final = 5.0
"""The longest sleep between two looks at the agenda."""

Account = tuple[str, str]
"""A service and its address: what holds up one says nothing of another."""


@dataclass(order=True, slots=True)
class _Due:
    at: float
    number: int
    job_id: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class ScheduledStep:
    """A step that begins now. `number` tells it from later steps of the same job."""

    job: Job
    number: int


@dataclass(slots=True)
class _ServiceQueue:
    """Jobs that wait for a place at one service."""

    ids: deque[str] = field(default_factory=deque)
    held_until: float = 0.0
    paused_until: float = 0.0
    paused_why: Message = NO_MESSAGE


class Scheduler:
    """What is to be done when. Queued jobs wait in line for a place at their service; all others have a time."""

    def __init__(self) -> None:
        self.under_way = 0
        """Steps under way, those whose job already rests among them."""
        self._due: list[_Due] = []
        self._lines: dict[Account, _ServiceQueue] = defaultdict(_ServiceQueue)
        self._busy: dict[str, int] = {}
        self._numbers = itertools.count()

    def __bool__(self) -> bool:
        return bool(self._due or self.under_way or any(line.ids for line in self._lines.values()))

    def put(self, job: Job, after: float = 0.0) -> None:
        """The job's next step is due in `after` seconds."""
        if job.state is State.QUEUED and not after:
            self._lines[job.account].ids.append(job.id)
        else:
            heapq.heappush(self._due, _Due(time.monotonic() + after, next(self._numbers), job.id))

    def requeue_front(self, job: Job, after: float) -> None:
        """The job waits at the head of the line, which does not move for `after` seconds."""
        line = self._lines[job.account]
        line.ids.appendleft(job.id)
        line.held_until = time.monotonic() + after

    def pause(self, account: Account, seconds: float, why: Message) -> None:
        """Begin no new job at a service for a while."""
        line = self._lines[account]
        line.paused_until = max(line.paused_until, time.monotonic() + seconds)
        line.paused_why = why

    def pause_of(self, account: Account) -> tuple[float, Message]:
        """Seconds for which no new job is begun at a service, and why; not above 0 where nothing holds it up."""
        line = self._lines[account]
        return line.paused_until - time.monotonic(), line.paused_why

    def longest_pause(self) -> tuple[float, Message]:
        """The same for the service that is held up the longest."""
        return max((self.pause_of(account) for account in self._lines), default=(0.0, Message()))

    def is_busy(self, job_id: str) -> bool:
        return job_id in self._busy

    def take(self, jobs: dict[str, Job], limit: int, may_begin: Callable[[Job], bool]) -> list[ScheduledStep]:
        """The steps that are due now.

        `limit`: how many jobs may occupy a service. `may_begin`: whether a queued job may begin; if not, it has
        paused its service.
        """
        now = time.monotonic()
        found = self._taken_from_due(jobs, now)
        for account, line in list(self._lines.items()):
            if line.ids and now >= max(line.paused_until, line.held_until):
                free = limit - self._occupied(account, jobs.values())
                found += self._taken_from_line(line, jobs, free, may_begin)
        begun = [ScheduledStep(job, next(self._numbers)) for job in found]
        self._busy.update((step.job.id, step.number) for step in begun)
        self.under_way += len(begun)
        return begun

    def seconds_to_next(self) -> float:
        """How long nothing becomes due, at most a few seconds."""
        now = time.monotonic()
        times = [_GLANCE_SECONDS]
        if self._due:
            times.append(self._due[0].at - now)
        for line in self._lines.values():
            held = max(line.paused_until, line.held_until) - now
            if line.ids and held > 0:
                times.append(held)
        return max(min(times), 0.0)

    def rests(self, job_id: str) -> None:
        """The job is at rest, though its last step may still be on its way out."""
        self._busy.pop(job_id, None)

    def ended(self, step: ScheduledStep) -> None:
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
                self._lines[job.account].ids.append(job.id)
            else:
                found.append(job)
        return found

    def _taken_from_line(
        self, line: _ServiceQueue, jobs: dict[str, Job], free: int, may_begin: Callable[[Job], bool]
    ) -> list[Job]:
        found: list[Job] = []
        while line.ids and len(found) < free:
            job = jobs.get(line.ids.popleft())
            if job is None or job.state is not State.QUEUED or job.id in self._busy or job in found:
                continue
            if not may_begin(job):
                line.ids.appendleft(job.id)
                break
            found.append(job)
        return found

    def _occupied(self, account: Account, jobs: Collection[Job]) -> int:
        return sum(
            job.account == account and (job.state in OCCUPYING or (job.state is State.QUEUED and job.id in self._busy))
            for job in jobs
        )
