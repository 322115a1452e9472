# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding a job in the service's list of generated models, after its submit was never answered.

The list is documented with ids and links only, but may hold more. What holds the job's own id or the address
of its image is certainly it. Else a single entry that was never seen before, and that tells nothing to the
contrary, is taken for it; with several, the artist must decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from .job import Job

if TYPE_CHECKING:
    from ..api.client import Generated

_DEEPEST: Final = 6
_MARKS: Final = ("track_id", "image", "init_image")


def match_lost_submit(
    job: Job, listed: Sequence[Generated], unseen: Callable[[Sequence[str]], list[str]], only_one_lost: bool
) -> Generated | None:
    """The entry that is this job, or None where that can't be told.

    `unseen`: of some ids, those that neither were in the list before nor belong to another job.
    `only_one_lost`: no other job's submit is unanswered, so a new entry can't be that one's.
    """
    new_ids = set(unseen([entry.id for entry in listed if entry.id]))
    new = [entry for entry in listed if entry.id in new_ids]
    # An image that the artist gave by its address may be in use by several jobs; one we uploaded is in one.
    certain = {job.id} | ({job.upload_url} if job.upload_url and not job.image.url else set())
    for entry in new:
        if not certain.isdisjoint(_texts(entry.raw)):
            return entry
    if not (only_one_lost and job.list_known):
        return None
    ours = certain | {job.upload_url, str(job.parameters.get("track_id") or "")}
    candidates = [entry for entry in new if _names_no_other(entry.raw, ours)]
    return candidates[0] if len(candidates) == 1 else None


def _names_no_other(value: Any, ours: set[str], depth: int = 0) -> bool:
    """Whether the entry leaves open which image and caller it was for, or names ours."""
    if depth > _DEEPEST or not isinstance(value, dict):
        return True
    named = [value[mark] for mark in _MARKS if isinstance(value.get(mark), str) and value[mark]]
    return ours.issuperset(named) and all(_names_no_other(inner, ours, depth + 1) for inner in value.values())


def _texts(value: Any, depth: int = 0) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, depth + 1)
