# SPDX-License-Identifier: GPL-3.0-or-later
"""Serializes a job to JSON and back: for the journal, and for the job.json in each results folder.

A job holds no key, so the JSON holds none. Compatibility: fields may be added at any time; unknown fields are
ignored; a renamed field or state gets an entry in the tables below; an unknown state never drops a job.

A record may come from anywhere, such as a results folder that was copied: its values have the right types, and its
files are inside the folder in which it was found.
"""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

from ..api.parameters import VIEWS
from ..atomic_file import atomic_write
from ..errors import Action, ErrorInfo, InternalError, Message
from ..placement import Placement
from .job import InputImage, Job, State, TargetScene, View
from .progress import model_summary, no_mesh_note

_log = logging.getLogger(__name__)

JOB_FILE: Final = "job.json"
_MAX_JOB_FILE: Final = 4 * 1024 * 1024
"""Bytes."""
NO_OWNER: Final = "nobody"
"""No process has this name, so it counts as dead: the first one that looks for orphans gets such a job."""

_RENAMED_FIELDS: Final = {"picture": "image", "destination": "target_scene", "placing": "placement", "kept": "saved"}
_RENAMED_STATES: Final = {"looking": "reconciling", "unknown": "unconfirmed", "converting": "importing"}
_PLAIN_NAME: Final = re.compile(r"(?!\.)[^\\/:*?\"<>|\x00-\x1f\x7f]{1,120}")
"""Names of files in the job's own folder, on every system."""
_RENAMED_SCENE_FIELDS: Final = {"stamp": "scene_token"}
"""Names in version 0.1.0, and today's."""


_DEFAULTS: Final[Mapping[type[Any], Mapping[str, Any]]] = {
    Job: {f.name: f.default for f in fields(Job) if type(f.default) in {str, int, float, bool}}
    | {"id": "", "name": "", "service": ""},
    InputImage: {"name": "", "file": "", "sha256": "", **InputImage._field_defaults},
    View: {"name": "", "file": "", **View._field_defaults},
    TargetScene: {name: value for name, value in TargetScene._field_defaults.items() if name != "location"},
}
"""Each field that holds a plain value, and a value of the type it must have."""


def to_json(job: Job) -> dict[str, Any]:
    """Returns the job as plain data. Tuples become lists; `from_json` reverses that."""
    values, error = {f.name: getattr(job, f.name) for f in fields(job)}, job.error
    error_texts = {"message": error.message.to_json(), "advice": error.advice.to_json()} if error else {}
    return values | {
        "folder": str(job.folder),
        "image": job.image._asdict(),
        "views": {side: view._asdict() for side, view in job.views.items()},
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
            "views": {
                side: View(**_known(View, view)) for side, view in (known.get("views") or {}).items() if side in VIEWS
            },
            "target_scene": target_scene_from_json(known.get("target_scene") or {}),
            "placement": Placement.from_json(known.get("placement") or {}),
            "error": _error_from_json(error) if error else None,
            "note": Message.from_json(known.get("note")),
            "lost_reply": Message.from_json(known.get("lost_reply")),
            "links": tuple(tuple(str(url) for url in mirrors) for mirrors in known.get("links", ())),
            "companions": tuple((str(ours), str(theirs)) for ours, theirs in known.get("companions", ())),
            "made_files": tuple(str(name) for name in known.get("made_files", ())),
            "objects": tuple(str(name) for name in known.get("objects", ())),
        }
        return _with_state(_checked(Job(**known)), stored_state)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"not a job: {error}") from error


def _checked(job: Job) -> Job:
    """Returns the job. Raises ValueError if a value has a wrong type, or a file is not inside the job's folder."""
    for part in (job, job.image, job.target_scene, *job.views.values()):
        defaults = _DEFAULTS[type(part)]
        for name, default in defaults.items():
            value = getattr(part, name)
            if type(default) is float and type(value) is int:
                value = float(value)
            if not isinstance(value, type(default)) or (isinstance(value, bool) and type(default) is not bool):
                raise ValueError(f"{name} has the wrong type")
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{name} is not finite")
            if isinstance(value, str):
                value.encode()  # lone surrogates can't be stored
    if not (isinstance(job.parameters, Mapping) and isinstance(job.details, Mapping)):
        raise ValueError("parameters or details have the wrong type")
    model_summary(job.details)  # the interface shows it: it must be of the right types
    no_mesh_note(job.details)
    if not all(map(math.isfinite, job.target_scene.location)):
        raise ValueError("location is not finite")
    for name in (job.id, *filter(None, _files(job))):
        if not is_plain_name(name):
            raise ValueError("a file is not inside its folder")
    return job


def is_plain_name(name: str) -> bool:
    """Whether this can be the name of a file in the job's own folder, on every system."""
    return bool(_PLAIN_NAME.fullmatch(name)) and not name.endswith((".", " "))


def _files(job: Job) -> tuple[str, ...]:
    """Returns the names of all files of a job that are inside its folder; empty ones too."""
    made = (job.thumbnail_file, job.upload_file, job.model_file, job.video_file, job.blend_file, job.tool_file)
    views = [name for view in job.views.values() for name in (view.file, view.upload_file)]
    return (job.image.file, *views, *made, *(ours for ours, _ in job.companions), *job.made_files)


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
    with (folder / JOB_FILE).open("rb") as file:
        content = file.read(_MAX_JOB_FILE + 1)
    if len(content) > _MAX_JOB_FILE:
        raise ValueError("it is too large")
    try:
        values = json.loads(content)
    except RecursionError as error:
        raise ValueError("not a job") from error
    if not isinstance(values, dict):
        raise ValueError("not a job")
    job, owner = from_json(values | {"folder": str(folder)}), values.get("owner", NO_OWNER)
    if any((folder / name).is_symlink() for name in _files(job) if name):
        raise ValueError("a file is not inside its folder")
    return job, owner if isinstance(owner, str) and _PLAIN_NAME.fullmatch(owner) else NO_OWNER


def job_folders(results: Path) -> list[Path]:
    """Returns the job folders in a results folder, and those in the folders of its batches, by their names."""
    return sorted(file.parent for pattern in ("*", "*/*") for file in results.glob(f"{pattern}/{JOB_FILE}"))


def read_job_files(results_folders: Sequence[Path]) -> Iterator[tuple[Job, str]]:
    """Yields the jobs in these results folders, oldest first in each, with their owners. Skips unreadable files."""
    for results in results_folders:
        for folder in job_folders(results):
            try:
                yield read_job_file(folder)
            except (OSError, ValueError) as error:
                _log.warning("%s has no readable %s: %s", folder.name, JOB_FILE, error)


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


def target_scene_from_json(values: Mapping[str, Any]) -> TargetScene:
    """Returns a target scene in the form of its `_asdict`, of this or another version. Raises ValueError, TypeError."""
    known = _known(TargetScene, values, _RENAMED_SCENE_FIELDS)
    if "location" in known:
        x, y, z = known["location"]
        known["location"] = (float(x), float(y), float(z))
    return TargetScene(**known)
