# SPDX-License-Identifier: GPL-3.0-or-later
"""Which jobs the panel shows, and in which order: what asks for attention first."""

from __future__ import annotations

from typing import Final

from .. import engine
from ..jobs.job import Job, State

ROWS: Final = 8
"""Jobs on one page: however many there are, drawing costs the same."""

_RANKS: Final = {State.QUEUED: 1, State.PLACED: 2, State.CANCELLED: 2}
"""0 for all others: they are under way, or somebody has to do something about them."""

_ordered: tuple[int, tuple[str, ...], int] = (-1, (), 0)
"""The session's revision, the ids of its jobs in the order to show, and how many of them failed."""


def page(number: int) -> tuple[list[Job], int, int]:
    """The jobs of a page, that page's number (the last one where there are fewer), and how many pages there are."""
    ids = _look()[1]
    pages = max(1, -(-len(ids) // ROWS))
    number = min(number, pages - 1)
    shown = (engine.job(job_id) for job_id in ids[number * ROWS : (number + 1) * ROWS])
    return [job for job in shown if job is not None], number, pages


def failed() -> int:
    """How many jobs failed."""
    return _look()[2]


def _look() -> tuple[int, tuple[str, ...], int]:
    global _ordered
    revision = engine.revision()
    if _ordered[0] != revision:
        groups: tuple[list[str], ...] = ([], [], [])
        failures = 0
        for job in engine.jobs():
            groups[_RANKS.get(job.state, 0)].append(job.id)
            failures += job.state is State.FAILED
        under_way, queued, over = groups
        # The newest first, but of those in the queue the one whose turn is next.
        _ordered = revision, (*reversed(under_way), *queued, *reversed(over)), failures
    return _ordered
