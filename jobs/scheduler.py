# SPDX-License-Identifier: GPL-3.0-or-later
"""The scheduler: when each job's next step is due, and which jobs wait for a free slot at their service.

A plain data structure without threads; times are monotonic seconds. Not thread-safe: the caller holds the store's
lock. Each service (with its base URL) has a FIFO queue of its own and is paused independently.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from ..errors import NO_MESSAGE, Message
from .job import SLOT_STATES, Job, State

_MAX_SLEEP: Final = 5.0

Account = tuple[str, str]
"""A service and its base URL."""


@dataclass(frozen=True, slots=True)
class ScheduledStep:
    """A step that starts now. `number` distinguishes it from later steps of the same job."""

    job: Job
    number: int


@dataclass(slots=True)
class _ServiceQueue:
    """Jobs that wait for a slot at one service."""

    ids: deque[str] = field(default_factory=deque)
    """Single jobs: the artist waits for them, so they start before those of batches."""
    batch_ids: deque[str] = field(default_factory=deque)
    held_until: float = 0.0
    paused_until: float = 0.0
    pause_reason: Message = NO_MESSAGE
    limited_until: float = 0.0
    """Until when no queued job starts because of the spending limit. Those that have a slot are not affected."""
    limit: Message = NO_MESSAGE

    def of(self, job: Job) -> deque[str]:
        return self.batch_ids if job.batch else self.ids

    def waiting(self) -> bool:
        """Whether any job waits."""
        return bool(self.ids or self.batch_ids)

    def blocked_until(self) -> float:
        return max(self.held_until, self.paused_until, self.limited_until)


class Scheduler:
    """Queued jobs wait for a slot at their service; for all others a time is known."""

    def __init__(self) -> None:
        self.steps_running = 0
        """Started steps that have not ended, those of cancelled jobs included."""
        self._due: list[tuple[float, int, str]] = []
        """A heap of due times, numbers that keep the order of equal times, and job ids."""
        self._queues: dict[Account, _ServiceQueue] = defaultdict(_ServiceQueue)
        self._busy: dict[str, int] = {}
        self._numbers = itertools.count()

    def __bool__(self) -> bool:
        return bool(self._due or self.steps_running or any(queue.waiting() for queue in self._queues.values()))

    def schedule(self, job: Job, delay: float = 0.0) -> None:
        """Start the job's next step in `delay` seconds."""
        if job.state is State.QUEUED and not delay:
            self._queues[job.account].of(job).append(job.id)
        else:
            heapq.heappush(self._due, (time.monotonic() + delay, next(self._numbers), job.id))

    def requeue_front(self, job: Job, delay: float) -> None:
        """Put the job at the front of its service's queue, and hold that queue for `delay` seconds."""
        queue = self._queues[job.account]
        queue.of(job).appendleft(job.id)
        queue.held_until = time.monotonic() + delay

    def pause(self, account: Account, seconds: float, reason: Message) -> None:
        """Start no queued job at a service for a while."""
        queue = self._queues[account]
        queue.paused_until = max(queue.paused_until, time.monotonic() + seconds)
        queue.pause_reason = reason

    def hold(self, account: Account, seconds: float, reason: Message) -> None:
        """Start no queued job of an account for a while, because its spending limit is reached."""
        queue = self._queues[account]
        queue.limited_until, queue.limit = time.monotonic() + seconds, reason

    def end_holds(self) -> None:
        """Look again at once whether spending limits are reached."""
        for queue in self._queues.values():
            queue.limited_until = 0.0

    def admitted(self, account: Account) -> None:
        """A queued job of an account has started: its spending limit is not reached."""
        self._queues[account].limit = NO_MESSAGE

    def held(self, jobs: Collection[Job]) -> Message:
        """Returns why queued jobs are held because of a spending limit; empty if none is.

        It stays the same while it is looked again whether that is still so.
        """
        limits = {account: queue.limit for account, queue in self._queues.items() if queue.limit}
        queued = (job.account for job in jobs if limits and job.state is State.QUEUED)
        return next((limits[account] for account in queued if account in limits), NO_MESSAGE)

    def try_now(self) -> None:
        """End all pauses and delays."""
        now = time.monotonic()
        for queue in self._queues.values():
            queue.paused_until = 0.0
        self._due = [(min(due, now), number, job_id) for due, number, job_id in self._due]
        heapq.heapify(self._due)

    def pause_of(self, account: Account) -> tuple[float, Message]:
        """Returns the remaining pause of a service in seconds (0 or less: not paused), and its reason."""
        queue = self._queues[account]
        return queue.paused_until - time.monotonic(), queue.pause_reason

    def longest_pause(self) -> tuple[float, Message]:
        """Returns the pause of the service that is paused the longest."""
        return max((self.pause_of(account) for account in self._queues), default=(0.0, NO_MESSAGE))

    def waiting_accounts(self) -> list[Account]:
        """Returns the accounts whose queue has jobs and is neither paused nor held."""
        now = time.monotonic()
        return [account for account, queue in self._queues.items() if queue.waiting() and now >= queue.blocked_until()]

    def is_busy(self, job_id: str) -> bool:
        """Whether a step of the job is running."""
        return job_id in self._busy

    def pop_due(
        self, jobs: Mapping[str, Job], slots: Callable[[str], int], paused_batches: Collection[str] = ()
    ) -> list[ScheduledStep]:
        """Returns the steps to start now. `slots`: returns how many jobs may use a service at once.

        No queued job of `paused_batches` starts.
        """
        found = self._pop_timed(jobs)
        for account in self.waiting_accounts():
            free = slots(account[0]) - self._slots_used(account, jobs.values())
            queue = self._queues[account]
            started = _pop_queued(queue.ids, jobs, free, self._busy)
            started += _pop_queued(queue.batch_ids, jobs, free - len(started), self._busy, paused_batches)
            found += started
        steps = [ScheduledStep(job, next(self._numbers)) for job in found]
        self._busy.update((step.job.id, step.number) for step in steps)
        self.steps_running += len(steps)
        return steps

    def seconds_to_next(self) -> float:
        """Returns for how long nothing becomes due, at most a few seconds."""
        now = time.monotonic()
        times = [_MAX_SLEEP]
        if self._due:
            times.append(self._due[0][0] - now)
        times += [
            wait for queue in self._queues.values() if queue.waiting() and (wait := queue.blocked_until() - now) > 0
        ]
        return max(min(times), 0.0)

    def mark_idle(self, job_id: str) -> None:
        """Mark the job idle even if its last step has not returned yet."""
        self._busy.pop(job_id, None)

    def step_ended(self, step: ScheduledStep) -> None:
        """Mark a step that `pop_due` returned as ended."""
        if self._busy.get(step.job.id) == step.number:
            del self._busy[step.job.id]
        self.steps_running -= 1

    def _pop_timed(self, jobs: Mapping[str, Job]) -> list[Job]:
        now = time.monotonic()
        found: list[Job] = []
        while self._due and self._due[0][0] <= now:
            job = jobs.get(heapq.heappop(self._due)[2])
            if job is None or not job.running or job.id in self._busy or job in found:
                continue
            if job.state is State.QUEUED:
                self._queues[job.account].of(job).append(job.id)
            else:
                found.append(job)
        return found

    def _slots_used(self, account: Account, jobs: Collection[Job]) -> int:
        return sum(
            job.state in SLOT_STATES or (job.state is State.QUEUED and job.id in self._busy)
            for job in jobs
            if job.account == account
        )


def _pop_queued(
    ids: deque[str],
    jobs: Mapping[str, Job],
    free_slots: int,
    busy: Collection[str],
    paused_batches: Collection[str] = (),
) -> list[Job]:
    """Take the next queued jobs from `ids`. Those of paused batches keep their places."""
    found: list[Job] = []
    kept: list[str] = []
    while ids and len(found) < free_slots:
        job = jobs.get(ids.popleft())
        if job is None or job.state is not State.QUEUED or job.id in busy or job in found:
            continue
        if job.batch in paused_batches:
            kept.append(job.id)
        else:
            found.append(job)
    ids.extendleft(reversed(kept))
    return found
