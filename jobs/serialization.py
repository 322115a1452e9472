# SPDX-License-Identifier: GPL-3.0-or-later
"""A job as JSON and back: for the journal, and for the file that lies in each results folder.

There is no key in a job, so there is none in a record.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from ..atomic_file import atomic_write
from ..errors import Action, ErrorInfo, Message
from .job import InputImage, Job, State, TargetScene

RECORD_FILE: Final = "job.json"
NO_OWNER: Final = "nobody"
"""No queue goes by this name, so it counts as dead: whoever adopts first gets such a job."""

_RENAMED_FIELDS: Final = {"picture": "image", "destination": "target_scene", "placing": "placement"}
_RENAMED_STATES: Final = {"looking": "reconciling", "unknown": "unconfirmed", "converting": "importing"}
"""What version 0.1.0 calls them."""


def to_json(job: Job) -> dict[str, Any]:
    """The job as plain data. Tuples become lists; `from_json` turns them back."""
    values = {f.name: getattr(job, f.name) for f in fields(job)}
    values["folder"] = str(job.folder)
    values["image"] = _plain(job.image)
    values["target_scene"] = _plain(job.target_scene)
    values["error"] = _error_to_json(job.error) if job.error else None
    values["note"] = job.note.to_json()
    values["parameters"] = dict(job.parameters)
    values["placement"] = dict(job.placement)
    values["details"] = dict(job.details)
    return values


def from_json(values: Mapping[str, Any]) -> Job:
    """A job from `as_json`'s form. Fields of a newer version are left out.

    Raises ValueError for anything that is no job.
    """
    try:
        known = _known(Job, {_RENAMED_FIELDS.get(name, name): value for name, value in values.items()})
        error = known.get("error")
        known |= {
            "folder": Path(known["folder"]),
            "state": State(_RENAMED_STATES.get(known.get("state", ""), known.get("state", State.QUEUED))),
            "image": InputImage(**_known(InputImage, known["image"])),
            "target_scene": _target_scene(known.get("target_scene") or {}),
            "error": _error_from_json(error) if error else None,
            "note": Message.from_json(known.get("note")),
            "links": tuple(tuple(str(url) for url in mirrors) for mirrors in known.get("links", ())),
            "companions": tuple((str(ours), str(theirs)) for ours, theirs in known.get("companions", ())),
            "objects": tuple(str(name) for name in known.get("objects", ())),
        }
        return Job(**known)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"not a job's record: {error}") from error


def write_record(job: Job, owner: str = NO_OWNER) -> None:
    """Leave the job's record in its own folder, with whose it is, whole or not at all. Raises OSError."""
    atomic_write(job.folder / RECORD_FILE, json.dumps(to_json(job) | {"owner": owner}, indent=1).encode())


def read_record(folder: Path) -> tuple[Job, str]:
    """The job whose results folder this is, and whose it is. The folder may have been moved.

    Raises ValueError, OSError.
    """
    values = json.loads((folder / RECORD_FILE).read_text("utf-8"))
    if not isinstance(values, dict):
        raise ValueError("not a job's record")
    return from_json(values | {"folder": str(folder)}), str(values.get("owner", NO_OWNER))


def _error_to_json(error: ErrorInfo) -> dict[str, Any]:
    return error._asdict() | {"message": error.message.to_json(), "advice": error.advice.to_json()}


def _error_from_json(values: Mapping[str, Any]) -> ErrorInfo:
    message = values["message"] if "message" in values else values["what"]  # its name in 0.1.0
    return ErrorInfo(
        str(values["code"]),
        Message.from_json(message),
        Message.from_json(values.get("advice")),
        Action(str(values.get("action", ""))),
    )


def _plain(value: Any) -> dict[str, Any]:
    return {f.name: getattr(value, f.name) for f in fields(value)}


def _known(kind: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    names = {f.name for f in fields(kind)}
    return {name: value for name, value in values.items() if name in names}


def _target_scene(values: Mapping[str, Any]) -> TargetScene:
    known = _known(TargetScene, {{"stamp": "scene_token"}.get(name, name): value for name, value in values.items()})
    if "location" in known:
        x, y, z = known["location"]
        known["location"] = (float(x), float(y), float(z))
    return TargetScene(**known)
