# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a job has come, how long it may still take, and the words for where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .job import Job, State

_SPANS: Final[Mapping[State, tuple[float, float]]] = {
    State.QUEUED: (0.0, 0.0),
    State.PREPARING: (0.0, 0.03),
    State.UPLOADING: (0.03, 0.08),
    State.SUBMITTING: (0.08, 0.10),
    State.RECONCILING: (0.10, 0.10),
    State.WAITING: (0.10, 0.80),
    State.DOWNLOADING: (0.80, 0.93),
    State.IMPORTING: (0.93, 1.0),
    State.READY: (1.0, 1.0),
    State.PLACED: (1.0, 1.0),
}
"""Which share of the whole way each state is, from its beginning to its end."""

_AFTER_SERVICE: Final = 8.0
"""Seconds that downloading and converting commonly take."""

_WORDS: Final[Mapping[State, str]] = {
    State.QUEUED: "Queued",
    State.PREPARING: "Preparing the image",
    State.UPLOADING: "Uploading",
    State.SUBMITTING: "Submitting",
    State.RECONCILING: "Looking for it",
    State.WAITING: "Generating",
    State.DOWNLOADING: "Downloading",
    State.IMPORTING: "Getting ready",
    State.READY: "Ready",
    State.PLACED: "Done",
    State.UNCONFIRMED: "Outcome unknown",
    State.FAILED: "Failed",
    State.CANCELLED: "Cancelled",
}


def fraction_and_eta(job: Job, now: float) -> tuple[float, float | None]:
    """How far the job is on its whole way (0 to 1), and the seconds left where that can be said.

    `now`: seconds since the epoch.
    """
    start, end = _SPANS.get(job.state, (0.0, 0.0))
    within = min(max(job.progress, 0.0), 1.0)
    left: float | None = None
    if job.state is State.WAITING and job.expected > 0:
        passed = max(now - job.submitted, 0.0)
        # Estimates run over: the bar then slows down and never stands at its end before the service is done.
        over = passed / job.expected
        within = over * 0.9 if over < 1 else 1 - 0.1 / over
        if over < 1:
            left = job.expected - passed + _AFTER_SERVICE
    return start + (end - start) * within, left


def describe(job: Job) -> str:
    """Where the job stands, in a few words."""
    if job.note:
        return str(job.note)
    if job.error is not None:
        return str(job.error.message)
    return words(job.state)


def words(state: State) -> str:
    """A state in a word or two."""
    return _WORDS[state]


def clock(seconds: float) -> str:
    """A time left as artists read it: 0:45, 12:05, 1:02:00."""
    whole = max(int(seconds + 0.5), 0)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
