# SPDX-License-Identifier: GPL-3.0-or-later
"""Recovery: how jobs continue after a crash, and how a lost submit is found in the service's list of models.

The list is documented with ids and links only, but may hold more. An entry that holds the job's own id or the URL
of its uploaded image certainly belongs to it. Otherwise a single entry that was never seen before, and that
contradicts nothing, is taken for it; with several, the artist must decide.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ..errors import NO_MESSAGE, ImageTo3DError, Message, WorkerError
from .job import Job, State, resume_state
from .retry import MAX_WORKER_ATTEMPTS

if TYPE_CHECKING:
    from ..api.client import Client, Generated
    from .store import JobStore

_log = logging.getLogger(__name__)

_MAX_PAGES: Final = 3
_PAGE_SIZE: Final = 30
_MAX_DEPTH: Final = 6
_IDENTIFYING_FIELDS: Final = ("track_id", "image", "init_image")
_RETRY_LIST_AFTER: Final = 300.0
"""Seconds until a list that could not be read is requested again."""

LEFT_UNSAVED: Final[dict[str, Any]] = {
    "place_by_itself": False,
    "objects": (),
    "note": Message("Was placed in a file that was not saved"),
}
"""Changes of a job whose model was in a scene that was never saved."""

UNDONE: Final[dict[str, Any]] = LEFT_UNSAVED | {"note": Message("Was undone")}
"""Changes of a job whose model the artist removed from the scene by undoing."""


def after_crash(job: Job) -> Job:
    """Returns the job as it continues after its Blender ended in the middle of whatever it did.

    A job fails whose model file may have ended it, again: it would block all others at every start.
    """
    job = replace(job, progress=0.0, note=NO_MESSAGE)
    if job.state is State.PLACED:
        return replace(job, state=State.READY, **LEFT_UNSAVED)
    if not (job.running or job.state is State.READY):
        return job
    if job.state is State.SUBMITTING:
        job = replace(job, note=Message("Blender ended while the request was sent"))
    if job.blend_path is not None and not job.blend_path.is_file():
        job = replace(job, blend_file="")
    if job.state is State.IMPORTING and not job.blend_file and job.conversions >= MAX_WORKER_ATTEMPTS:
        error = WorkerError(
            "Blender, or its background Blender, ended {count} times while this model was converted.",
            advice="Import again, or open the folder to look at the file.",
            count=job.conversions,
        )
        return replace(job, state=State.FAILED, error=error.info())
    return replace(job, state=resume_state(job))


class ListReader:
    """Reads the service's list of generated models, and remembers what was in it before the first submit.

    Thread-safe. Blocks: for the executor's threads.
    """

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._read_until: dict[tuple[str, str], float] = {}
        """By account: until when not to read the list again; infinity once it was read."""

    def read_before_submit(self, job: Job, client: Client) -> bool:
        """Read the list once before the first submit to an account. Returns whether it could be read."""
        with self._lock:
            if time.monotonic() < self._read_until.get(job.account, 0.0):
                return self._read_until[job.account] == math.inf
            try:
                self._store.journal().add_seen(job.account, [entry.id for entry in _read_list(client) if entry.id])
            except ImageTo3DError as error:
                _log.info("the list of generated models can't be read: %s", error)
                self._read_until[job.account] = time.monotonic() + _RETRY_LIST_AFTER
                return False
            self._read_until[job.account] = math.inf
            return True

    def find_lost_submit(self, job: Job, client: Client) -> Generated | None:
        """Returns the list's entry for a job whose submit got no reply. Raises ImageTo3DError if it can't be read."""
        listed = _read_list(client)
        journal = self._store.journal()
        unseen_ids = set(journal.unseen(job.account, [entry.id for entry in listed if entry.id]))
        unseen = [entry for entry in listed if entry.id in unseen_ids]
        return match_lost_submit(job, unseen, only_one_lost=not journal.has_other_lost_submits(job))


def match_lost_submit(job: Job, unseen: Sequence[Generated], *, only_one_lost: bool) -> Generated | None:
    """Returns the entry that belongs to the job, or None if that can't be determined.

    `unseen`: entries that were not in the list before and belong to no other job. `only_one_lost`: no other job
    waits for the reply to its submit, so a new entry can't belong to one.
    """
    # An image given by its URL may be used by several jobs; one that we uploaded is used by one.
    certain = {job.id} | ({job.upload_url} if job.upload_url and not job.image.url else set())
    for entry in unseen:
        if not certain.isdisjoint(_texts(entry.raw)):
            return entry
    if not (only_one_lost and job.list_known):
        return None
    ours = certain | {job.upload_url, str(job.parameters.get("track_id") or "")}
    candidates = [entry for entry in unseen if _contradicts_nothing(entry.raw, ours)]
    return candidates[0] if len(candidates) == 1 else None


def _read_list(client: Client) -> list[Generated]:
    """Returns the newest pages of the list."""
    listed: list[Generated] = []
    for page in range(1, _MAX_PAGES + 1):
        found = client.generated(page)
        known = {entry.id for entry in listed}
        listed += [entry for entry in found if entry.id not in known]
        if len(found) < _PAGE_SIZE:
            break
    return listed


def _contradicts_nothing(value: Any, ours: set[str], depth: int = 0) -> bool:
    """Whether the entry names no image and caller, or ours."""
    if depth > _MAX_DEPTH or not isinstance(value, dict):
        return True
    named = [value[name] for name in _IDENTIFYING_FIELDS if isinstance(value.get(name), str) and value[name]]
    return ours.issuperset(named) and all(_contradicts_nothing(inner, ours, depth + 1) for inner in value.values())


def _texts(value: Any, depth: int = 0) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, depth + 1)
