# SPDX-License-Identifier: GPL-3.0-or-later
"""Serializes a job to JSON and back: for the journal, and for the job.json in each results folder.

A job holds no key, so the JSON holds none. Compatibility: fields may be added at any time; unknown fields are
ignored; a renamed field or state gets an entry in the tables below; an unknown state never drops a job.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

from ..atomic_file import atomic_write
from ..errors import Action, ErrorInfo, InternalError, Message
from ..placement import Placement
from .job import InputImage, Job, State, TargetScene

_log = logging.getLogger(__name__)

JOB_FILE: Final = "job.json"
NO_OWNER: Final = "nobody"
"""No process has this name, so it counts as dead: the first one that looks for orphans gets such a job."""

_RENAMED_FIELDS: Final = {"picture": "image", "destination": "target_scene", "placing": "placement", "kept": "saved"}
_RENAMED_STATES: Final = {"looking": "reconciling", "unknown": "unconfirmed", "converting": "importing"}
_RENAMED_SCENE_FIELDS: Final = {"stamp": "scene_token"}
"""Names in version 0.1.0, and today's."""


def to_json(job: Job) -> dict[str, Any]:
    """Returns the job as plain data. Tuples become lists; `from_json` reverses that."""
    values, error = {f.name: getattr(job, f.name) for f in fields(job)}, job.error
    error_texts = {"message": error.message.to_json(), "advice": error.advice.to_json()} if error else {}
    return values | {
        "folder": str(job.folder),
        "image": job.image._asdict(),
        "target_scene": job.target_scene._asdict(),
        "placement": job.placement.to_json(),
        "error": error._asdict() | error_texts if error else None,
        "note": job.note.to_json(),
        "lost_reply": job.lost_reply.to_json(),
        "parameters": dict(job.parameters),
        "details": dict(job.details),
    }


def from_json(values: Mapping[str, Any]) -> Job:
    """Returns the job in `to_json`'s form, of this or another version. Raises ValueError if it is not a job."""
    try:
        known = _known(Job, values, _RENAMED_FIELDS)
        stored_state = str(known.get("state", State.QUEUED))
        error = known.get("error")
        known |= {
            "folder": Path(known["folder"]),
            "state": State.FAILED,
            "image": InputImage(**_known(InputImage, known["image"])),
            "target_scene": _target_scene(known.get("target_scene") or {}),
            "placement": Placement.from_json(known.get("placement") or {}),
            "error": _error_from_json(error) if error else None,
            "note": Message.from_json(known.get("note")),
            "lost_reply": Message.from_json(known.get("lost_reply")),
            "links": tuple(tuple(str(url) for url in mirrors) for mirrors in known.get("links", ())),
            "companions": tuple((str(ours), str(theirs)) for ours, theirs in known.get("companions", ())),
            "objects": tuple(str(name) for name in known.get("objects", ())),
        }
        return _with_state(Job(**known), stored_state)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"not a job: {error}") from error


def _with_state(job: Job, stored: str) -> Job:
    """A state that a newer version stored becomes FAILED, with a Retry that continues without paying again."""
    try:
        return replace(job, state=State(_RENAMED_STATES.get(stored, stored)))
    except ValueError:
        _log.warning("%s has the unknown state %r", job.id, stored)
        unknown = InternalError(
            'This job has a state that this version of the add-on does not know ("{state}").',
            advice="Retry to continue it; you are not charged twice.",
            state=stored,
        )
        return replace(job, error=job.error or unknown.info())


def write_job_file(job: Job, owner: str = NO_OWNER) -> None:
    """Write job.json, with the owner's name, into the job's folder. Raises OSError."""
    atomic_write(job.folder / JOB_FILE, json.dumps(to_json(job) | {"owner": owner}, indent=1).encode())


def read_job_file(folder: Path) -> tuple[Job, str]:
    """Returns the job whose results folder this is, and its owner. The folder may have been moved.

    Raises ValueError, OSError.
    """
    values = json.loads((folder / JOB_FILE).read_text("utf-8"))
    if not isinstance(values, dict):
        raise ValueError("not a job")
    return from_json(values | {"folder": str(folder)}), str(values.get("owner", NO_OWNER))


def read_job_files(results_folders: Sequence[Path]) -> Iterator[tuple[Job, str]]:
    """Yields the jobs in these results folders, oldest first in each, with their owners. Skips unreadable files."""
    for results in results_folders:
        for file in sorted(results.glob(f"*/{JOB_FILE}")):
            try:
                yield read_job_file(file.parent)
            except (OSError, ValueError) as error:
                _log.warning("%s has no readable %s: %s", file.parent.name, JOB_FILE, error)


def _error_from_json(values: Mapping[str, Any]) -> ErrorInfo:
    message = values["message"] if "message" in values else values["what"]  # its name in 0.1.0
    return ErrorInfo(
        str(values["code"]),
        Message.from_json(message),
        Message.from_json(values.get("advice")),
        Action(str(values.get("action", ""))),
    )


def _known(kind: type[Any], values: Mapping[str, Any], renamed: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Returns the values that are fields of `kind`, under today's names."""
    names = kind.__match_args__
    current = {(renamed or {}).get(name, name): value for name, value in values.items()}
    return {name: value for name, value in current.items() if name in names}


def _target_scene(values: Mapping[str, Any]) -> TargetScene:
    known = _known(TargetScene, values, _RENAMED_SCENE_FIELDS)
    if "location" in known:
        x, y, z = known["location"]
        known["location"] = (float(x), float(y), float(z))
    return TargetScene(**known)
