# SPDX-License-Identifier: GPL-3.0-or-later
"""What the interface shows of the jobs: the latest snapshot of each, their order, the pause, and messages.

Written by `engine` on the main thread; panels only read it.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from .jobs.batch import Batch, BatchProgress, progress
from .jobs.job import Job, Notice, State
from .jobs.progress import format_duration

ROWS: Final = 8
"""Jobs per page: however many there are, drawing costs the same."""

_GROUPS: Final = {State.QUEUED: 1, State.PLACED: 2, State.CANCELLED: 2}
"""0 for all others: they are running, or somebody has to do something about them."""

_jobs: dict[str, Job] = {}
"""The last snapshot of each job, oldest first."""
_batches: dict[str, Batch] = {}
"""The last snapshot of each batch, oldest first."""
_batch_states: dict[str, Counter[State]] = {}
"""By batch id: the number of its jobs in each state, kept up to date because drawing must not count thousands."""
_notices: list[Notice] = []
_pause: tuple[float, str] | None = None
_revision = 0
"""Incremented whenever a job came, left, or changed its state."""
_ordered: tuple[int, tuple[str, ...], int] = (-1, (), 0)
"""The revision, and for it the ids of the jobs in the order to show, and the number of failed jobs."""


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


def page(number: int) -> tuple[list[Job], int, int]:
    """Returns the jobs of a page, its number (the last page if there are fewer), and the number of pages."""
    ids = _order()[1]
    pages = max(1, -(-len(ids) // ROWS))
    number = max(0, min(number, pages - 1))
    return [_jobs[job_id] for job_id in ids[number * ROWS : (number + 1) * ROWS]], number, pages


def failed() -> int:
    """Returns the number of failed jobs."""
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
        for each in _jobs.values():
            groups[_GROUPS.get(each.state, 0)].append(each.id)
        active, queued, finished = groups
        failures = sum(each.state is State.FAILED for each in _jobs.values())
        # The newest first, but of the queued jobs the next one to start.
        _ordered = _revision, (*reversed(active), *queued, *reversed(finished)), failures
    return _ordered


# --- written by the engine -------------------------------------------------------------------------------------


def put(new: Job, *, changed: bool = True) -> None:
    """Store a job's snapshot. `changed`: more than its progress is new."""
    global _revision
    _count(_jobs.get(new.id), -1)
    _count(new, 1)
    _jobs[new.id] = new
    _revision += changed


def remove(job_id: str) -> Job | None:
    """Remove a job. Returns its last snapshot."""
    global _revision
    _revision += 1
    removed = _jobs.pop(job_id, None)
    _count(removed, -1)
    return removed


def put_batch(new: Batch) -> None:
    """Store a batch's snapshot."""
    global _revision
    _batches[new.id] = new
    _revision += 1


def remove_batch(batch_id: str) -> None:
    """Remove a batch. Its jobs are removed on their own."""
    global _revision
    _revision += 1
    _batches.pop(batch_id, None)
    _batch_states.pop(batch_id, None)


def _count(job: Job | None, change: int) -> None:
    if job is not None and job.batch and (change > 0 or job.batch in _batch_states):
        _batch_states.setdefault(job.batch, Counter())[job.state] += change


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
    _jobs.clear()
    _batches.clear()
    _batch_states.clear()
    _notices.clear()
