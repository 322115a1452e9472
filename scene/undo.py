# SPDX-License-Identifier: GPL-3.0-or-later
"""Notices when undo or redo removed a placed model from the scene, or brought it back. Main thread only.

The handlers only take notes: the scene is changed, and jobs are updated, at the monitor's next tick. Deleting a model
is not undoing it: only what was there immediately before an undo, and not after it, was undone.
"""

from __future__ import annotations

import bpy
from bpy.app.handlers import persistent

from ..jobs.provenance import JOB, having_record, record_text

_placed: dict[str, tuple[str, ...]] = {}
"""By job id: the names of the objects of each model that was placed in the open file since it was loaded."""
_undone: set[str] = set()
"""Ids of those whose placing was undone."""
_before: set[str] = set()
"""Ids of those that were in the file before an undo that nobody looked at yet."""
_happened = False
"""There was an undo or a redo that nobody looked at yet."""


def placed(job_id: str, objects: tuple[str, ...]) -> None:
    """A model was placed."""
    _placed[job_id] = objects
    _undone.discard(job_id)


def is_undone(job_id: str) -> bool:
    """Whether the placing of a job's model was undone."""
    return job_id in _undone


@persistent
def before_undo(*_: object) -> None:
    """Handler before an undo."""
    _before.update(_in_file())


@persistent
def after(*_: object) -> None:
    """Handler after an undo or a redo."""
    global _happened
    _happened = True


def happened() -> bool:
    """Whether there was an undo or a redo since `take`."""
    return _happened


def take() -> tuple[list[str], dict[str, tuple[str, ...]]]:
    """Returns the ids of the jobs whose models were undone since the last call, and those that are back.

    The latter with the names of their objects.
    """
    global _happened
    there = _in_file()
    undone = [job_id for job_id in _placed if job_id in _before and job_id not in there]
    back = {job_id: _placed[job_id] for job_id in _undone & there}
    _undone.update(undone)
    _undone.difference_update(back)
    _before.clear()
    _happened = False
    return undone, back


def forget() -> None:
    """Another file was loaded, or the engine was stopped."""
    global _happened
    _happened = False
    for store in (_placed, _undone, _before):
        store.clear()


def _in_file() -> set[str]:
    """Returns the ids of the placed jobs whose models are in the file."""
    if not _placed:
        return set()
    return _placed.keys() & {record_text(item, JOB) for item in having_record(bpy.data.objects)}
