# SPDX-License-Identifier: GPL-3.0-or-later
"""What the interface shows of the jobs: the latest snapshot of each, their order, the pause, and messages.

Written by `engine` on the main thread; panels only read it.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Final

from .errors import Message
from .jobs.batch import Batch, BatchItem, BatchProgress, kind_of, progress
from .jobs.job import Job, Notice, State
from .jobs.pace import Pace
from .jobs.progress import format_duration

ROWS: Final = 8
"""Rows per page: however many jobs there are, drawing costs the same."""

_GROUPS: Final = {State.QUEUED: 1, State.PLACED: 2, State.CANCELLED: 2}
"""0 for all others: they are running, or somebody has to do something about them."""

_jobs: dict[str, Job] = {}
"""The last snapshot of each job, oldest first."""
_batches: dict[str, Batch] = {}
"""The last snapshot of each batch, oldest first."""
_batch_states: dict[str, Counter[State]] = {}
"""By batch id: the number of its jobs in each state, kept up to date because drawing must not count thousands."""
_paces: dict[str, Pace] = {}
"""By batch id: how fast its models are made."""
_single: dict[str, None] = {}
"""Ids of the jobs that have a row of their own, oldest first: they belong to no batch."""
_notices: list[Notice] = []
_pause: tuple[float, str] | None = None
_revision = 0
"""Incremented whenever a row came or left, or a single job changed its state."""
_ordered: tuple[int, tuple[str, ...], int] = (-1, (), 0)
"""The revision, and for it the ids of the rows in the order to show, and the number of failed single jobs."""


# --- read by panels and operators ------------------------------------------------------------------------------


def jobs() -> tuple[Job, ...]:
    """Returns all jobs on the list, oldest first."""
    return tuple(_jobs.values())


def job(job_id: str) -> Job | None:
    """Returns the last snapshot of a job; None if it is not on the list."""
    return _jobs.get(job_id)


def batch(batch_id: str) -> Batch | None:
    """Returns the last snapshot of a batch; None if it is not on the list."""
    return _batches.get(batch_id)


def batches() -> tuple[Batch, ...]:
    """Returns all batches on the list, oldest first."""
    return tuple(_batches.values())


def batch_jobs(batch_id: str) -> list[Job]:
    """Returns the jobs of a batch that exist so far, in the order of its images."""
    wanted = _batches.get(batch_id)
    return [_jobs[item.job_id] for item in wanted.items if item.job_id in _jobs] if wanted is not None else []


def batch_progress(batch_id: str) -> BatchProgress | None:
    """Returns how far a batch is; None if it is not on the list. Costs the same however many jobs it has."""
    known = _batches.get(batch_id)
    if known is None:
        return None
    return progress(len(known.items), _batch_states.get(batch_id, Counter()), cancelled=known.cancelled)


def batch_seconds_left(batch_id: str) -> float | None:
    """Returns the estimated time left of a batch in seconds; None if it is unknown. It never rises."""
    now, known, done = time.monotonic(), _batches.get(batch_id), batch_progress(batch_id)
    if known is None or done is None or known.paused:
        return None
    if done.finished:
        return 0.0
    pace = _paces.get(batch_id)
    return pace.seconds_left(done.waiting + 0.5 * done.running, now) if pace is not None else None


def page(number: int) -> tuple[list[Job | Batch], int, int]:
    """Returns the rows of a page, its number (the last page if there are fewer), and the number of pages.

    A row is a batch, or a job that belongs to none. Batches come first and stay where they are.
    """
    ids = _order()[1]
    number, pages = _page_of(number, len(ids))
    shown = ids[number * ROWS : (number + 1) * ROWS]
    return [_batches[row] if row in _batches else _jobs[row] for row in shown], number, pages


def batch_page(batch_id: str, number: int) -> tuple[list[tuple[BatchItem, Job | None]], int, int]:
    """Returns a page of a batch's images, each with its job if that exists, in their order; else as `page`."""
    known = _batches.get(batch_id)
    items = known.items if known is not None else ()
    number, pages = _page_of(number, len(items))
    return [(item, _jobs.get(item.job_id)) for item in items[number * ROWS : (number + 1) * ROWS]], number, pages


def _page_of(number: int, rows: int) -> tuple[int, int]:
    pages = max(1, -(-rows // ROWS))
    return max(0, min(number, pages - 1)), pages


def single_jobs() -> tuple[Job, ...]:
    """Returns the jobs that belong to no batch, oldest first."""
    return tuple(_jobs[job_id] for job_id in _single)


def failed() -> int:
    """Returns the number of failed jobs that belong to no batch."""
    return _order()[2]


def paused() -> tuple[str, str] | None:
    """Returns how long no new job starts ("0:45"), and why; None if the queue is not paused."""
    return (format_duration(_pause[0]), _pause[1]) if _pause else None


def take_notices() -> list[Notice]:
    """Returns the messages for the artist; each is returned once."""
    notices = list(_notices)
    _notices.clear()
    return notices


def _order() -> tuple[int, tuple[str, ...], int]:
    global _ordered
    if _ordered[0] != _revision:
        groups: tuple[list[str], ...] = ([], [], [])
        for each in single_jobs():
            groups[_GROUPS.get(each.state, 0)].append(each.id)
        active, queued, finished = groups
        failures = sum(_jobs[job_id].state is State.FAILED for job_id in active)
        # The newest first, but of the queued jobs the next one to start.
        rows = (*reversed(_batches), *reversed(active), *queued, *reversed(finished))
        _ordered = _revision, rows, failures
    return _ordered


# --- written by the engine -------------------------------------------------------------------------------------


def put(new: Job, *, changed: bool = True) -> None:
    """Store a job's snapshot. `changed`: more than its progress is new."""
    global _revision
    before = _jobs.get(new.id)
    _count(before, -1)
    _count(new, 1)
    _jobs[new.id] = new
    if new.batch in _batches:
        _follow(_paces[new.batch], "" if before is None else kind_of(before.state), kind_of(new.state))
        return
    _single[new.id] = None
    _revision += changed


def remove(job_id: str) -> Job | None:
    """Remove a job. Returns its last snapshot."""
    global _revision
    _revision += job_id in _single
    _single.pop(job_id, None)
    removed = _jobs.pop(job_id, None)
    _count(removed, -1)
    return removed


def put_batch(new: Batch) -> None:
    """Store a batch's snapshot."""
    global _revision
    before = _batches.get(new.id)
    _batches[new.id] = new
    if before is None:
        _paces[new.id] = Pace(time.monotonic())
        for item in new.items:
            _single.pop(item.job_id, None)
        _revision += 1
    elif (before.paused, before.cancelled) != (new.paused, new.cancelled):
        _paces[new.id].restart(time.monotonic())


def remove_batch(batch_id: str) -> None:
    """Remove a batch. Its jobs are no longer shown, and are removed on their own."""
    global _revision
    _revision += 1
    for known in (_batches, _batch_states, _paces):
        known.pop(batch_id, None)


def _follow(pace: Pace, before: str, after: str) -> None:
    if after == "done" != before:
        pace.add()
    elif before in ("failed", "cancelled") and after != before:  # a retry
        pace.restart(time.monotonic())


def _count(job: Job | None, change: int) -> None:
    if job is not None and job.batch and (change > 0 or job.batch in _batch_states):
        _batch_states.setdefault(job.batch, Counter())[job.state] += change


def add_arrival(ready: Job) -> None:
    """Tell the artist that a model was placed by itself, and how long it took. `ready`: the job as it was before.

    Not for those of batches, which are too many.
    """
    if ready.state is not State.READY or not ready.place_by_itself or ready.batch:
        return
    seconds = ready.since - ready.submitted if ready.submitted else 0.0
    template = "{name} is ready ({time})" if seconds > 0 else "{name} is ready"
    add_notice(Notice(Message(template, {"name": ready.name, "time": format_duration(seconds)})))


def add_notice(notice: Notice) -> None:
    _notices.append(notice)


def set_pause(pause: tuple[float, str] | None) -> None:
    global _pause
    _pause = pause


def clear() -> None:
    """Forget everything: the engine was stopped."""
    global _revision, _pause
    _revision += 1
    _pause = None
    for known in (_jobs, _batches, _batch_states, _paces, _single):
        known.clear()
    _notices.clear()
