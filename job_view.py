# SPDX-License-Identifier: GPL-3.0-or-later
"""What the interface shows of the jobs: the latest snapshot of each job and batch, the pause, and messages.

Written by `engine` on the main thread; panels only read it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from . import preferences
from .api import parameters as request_parameters
from .errors import NO_MESSAGE, ImageTo3DError, Message
from .jobs.batch import Batch, BatchProgress, kind_of, progress
from .jobs.forecast import Forecast, Knowledge, Learned
from .jobs.job import Job, Notice, State
from .jobs.pace import Pace
from .jobs.progress import format_duration, waits
from .loopback.waits import BEFORE

_jobs: dict[str, Job] = {}
"""The last snapshot of each job, oldest first."""
_batches: dict[str, Batch] = {}
"""The last snapshot of each batch, oldest first."""
_states: Counter[State] = Counter()
"""The number of jobs in each state, kept up to date because drawing must not count thousands."""
_batch_states: dict[str, Counter[State]] = {}
"""The same by batch id."""
_paces: dict[str, Pace] = {}
"""By batch id: how fast its models are made."""
_single: dict[str, None] = {}
"""Ids of the jobs that have a row of their own, oldest first: they belong to no batch."""
_waits: dict[str, Message] = {}
"""By job id: what the jobs wait for that a local server has not begun."""
_notices: list[Notice] = []
_pause: tuple[float, Message] | None = None
_held = NO_MESSAGE
_knowledge = Knowledge()
_revision = 0
"""Incremented whenever a row came or left."""
_renamed: set[str] = set()
"""Ids of jobs that may have another name in the list now: they are new, or have other objects."""


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


def entries() -> list[Job | Batch]:
    """Returns the batches, and the jobs that belong to none, in the order of the list: the newest first, for good."""
    return sorted((*_batches.values(), *single_jobs()), key=lambda entry: (entry.created, entry.id), reverse=True)


def revision() -> int:
    """Returns a number that changes when a row comes or leaves."""
    return _revision


def take_renamed() -> set[str]:
    """Returns the ids of jobs that may have another name in the list now; each is returned once."""
    taken = set(_renamed)
    _renamed.clear()
    return taken


def single_jobs() -> tuple[Job, ...]:
    """Returns the jobs that belong to no batch, oldest first."""
    return tuple(_jobs[job_id] for job_id in _single)


def count(state: State) -> int:
    """Returns the number of jobs in a state, those of batches too."""
    return _states[state]


def paused() -> tuple[str, Message] | None:
    """Returns how long no new job starts ("0:45"), and why; None if the queue is not paused."""
    return (format_duration(_pause[0]), _pause[1]) if _pause else None


def held() -> Message:
    """Returns why new jobs wait because of the daily limit; empty if none does."""
    return _held


def waits_for() -> Message:
    """Returns what the jobs of a local server wait for; empty if one is being made."""
    return next((note for note in _waits.values() if note != BEFORE), NO_MESSAGE)


def forecast(parameters: Mapping[str, Any], count: int = 1) -> Forecast:
    """Returns what `count` models with these request parameters will take and cost at the chosen service."""
    config = preferences.read_config()
    try:
        account = config.service, config.chosen_url()
        given = {name: value for name, value in parameters.items() if name != "image"}
        complete = request_parameters.defaults() | request_parameters.validate(given)
    except ImageTo3DError:  # they are refused when they are sent
        return Forecast()
    return _knowledge.forecast(account, config.wallet(account), complete, count, config.at_once(config.service))


def take_notices() -> list[Notice]:
    """Returns the messages for the artist; each is returned once."""
    notices = list(_notices)
    _notices.clear()
    return notices


# --- written by the engine -------------------------------------------------------------------------------------


def put(new: Job) -> None:
    """Store a job's snapshot."""
    global _revision
    before = _jobs.get(new.id)
    if before is None or before.objects != new.objects:
        _renamed.add(new.id)
    _count(before, -1)
    _count(new, 1)
    _jobs[new.id] = new
    if waits(new):
        _waits[new.id] = new.note
    else:
        _waits.pop(new.id, None)
    if new.batch in _batches:
        _follow(_paces[new.batch], "" if before is None else kind_of(before.state), kind_of(new.state))
        return
    _revision += before is None
    _single[new.id] = None


def remove(job_id: str) -> Job | None:
    """Remove a job. Returns its last snapshot."""
    global _revision
    _revision += job_id in _single
    _single.pop(job_id, None)
    _waits.pop(job_id, None)
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
    if job is not None:
        _states[job.state] += change
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


def set_pause(pause: tuple[float, Message] | None) -> None:
    global _pause
    _pause = pause


def set_held(reason: Message) -> None:
    global _held
    _held = reason


def learn(learned: Learned) -> None:
    """Add what was learned about durations and prices."""
    _knowledge.add(learned)


def clear() -> None:
    """Forget everything: the engine was stopped."""
    global _revision, _pause, _held, _knowledge
    _revision += 1
    _pause, _held, _knowledge = None, NO_MESSAGE, Knowledge()
    for known in (_jobs, _batches, _states, _batch_states, _paces, _single, _waits):
        known.clear()
    _notices.clear()
    _renamed.clear()
