# SPDX-License-Identifier: GPL-3.0-or-later
"""What the interface says of a job: its progress, the time left, the label of its state, a summary of its model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..errors import NO_MESSAGE, Message, counted
from ..tool_settings import Tool
from .config import FREE, LOCAL
from .job import SERVICE_NOTES, TOOL_OUTCOME, Job, State

_SPANS: Final[Mapping[State, tuple[float, float]]] = {
    State.QUEUED: (0.0, 0.0),
    State.PREPARING: (0.0, 0.03),
    State.UPLOADING: (0.03, 0.08),
    State.SUBMITTING: (0.08, 0.10),
    State.RECONCILING: (0.10, 0.10),
    State.WAITING: (0.10, 0.80),
    State.DOWNLOADING: (0.80, 0.93),
    State.IMPORTING: (0.93, 1.0),
    State.PROCESSING: (1.0, 1.0),
    State.READY: (1.0, 1.0),
    State.PLACED: (1.0, 1.0),
}
"""The part of the whole job that each state covers, from its start to its end."""

_TOOL_SHARE: Final = 0.2
"""The part of a job with a mesh tool that the tool takes."""
_USUAL_SECONDS: Final = 60.0
"""What the bar assumes where nothing is known; no time left is shown then."""
SECONDS_AFTER_SERVICE: Final = 8.0
"""What downloading and importing usually take."""

LONGER: Final = "Longer than usual"
WAITS: Final = "Waiting"
"""For a model that is not begun: `Job.note` says what it waits for."""

LABELS: Final[Mapping[State, str]] = {
    State.QUEUED: "Queued",
    State.PREPARING: "Preparing",
    State.UPLOADING: "Uploading",
    State.SUBMITTING: "Sending",
    State.RECONCILING: "Checking Account",
    State.WAITING: "Generating",
    State.DOWNLOADING: "Downloading",
    State.IMPORTING: "Importing",
    State.PROCESSING: "Processing",
    State.READY: "Ready",
    State.PLACED: "Done",
    State.UNCONFIRMED: "No Reply",
    State.FAILED: "Failed",
    State.CANCELLED: "Cancelled",
}
_TOOL_LABELS: Final[Mapping[Tool | None, str]] = {
    Tool.CLEAN_UP: "Cleaning Up",
    Tool.REMESH: "Remeshing",
    Tool.PRINT: "Making Printable",
}


def fraction_and_eta(job: Job, now: float) -> tuple[float, float | None]:
    """Returns the finished fraction of the whole job (0 to 1), and the seconds left if they can be estimated.

    `now`: seconds since the epoch.
    """
    start, end = _SPANS.get(job.state, (0.0, 0.0))
    within = min(max(job.progress, 0.0), 1.0)
    seconds_left: float | None = None
    if waits(job):
        within = 0.0
    elif job.state is State.WAITING:
        passed = max(now - job.submitted, 0.0)
        # Estimates are exceeded: the bar then slows down, and never reaches its end before the service is done.
        share = passed / (job.expected or _USUAL_SECONDS)
        within = share * 0.9 if share < 1 else 1 - 0.1 / share
        if share < 1 and job.expected:
            seconds_left = job.expected - passed + SECONDS_AFTER_SERVICE
    fraction = start + (end - start) * within
    if job.placement.tool is not None and job.running:
        done = within if job.state is State.PROCESSING else 0.0
        fraction = fraction * (1.0 - _TOOL_SHARE) + done * _TOOL_SHARE
    return fraction, seconds_left


def waits(job: Job) -> bool:
    """Whether the artist's own server has not begun the model, or can't be asked for it now."""
    return job.state is State.WAITING and job.service == LOCAL and bool(job.note)


def status_text(job: Job, now: float) -> Message:
    """Returns what a running job's progress bar says: its state, and the time left if that can be estimated.

    `now`: seconds since the epoch.
    """
    if waits(job):
        return Message(WAITS)
    left = fraction_and_eta(job, now)[1]
    local = job.service in FREE and job.state is State.UPLOADING  # nothing leaves this computer
    label = LABELS[State.PREPARING if local else job.state]
    if job.state is State.PROCESSING:
        label = _TOOL_LABELS.get(job.placement.tool, label)
    if left is not None:
        return Message("{state} {time}", {"state": Message(label), "time": format_duration(left)})
    return Message(LONGER if job.state is State.WAITING and job.expected > 0 else label)


def format_duration(seconds: float) -> str:
    """Returns a duration as artists read it: 0:45, 12:05, 1:02:00."""
    minutes, whole_seconds = divmod(max(int(seconds + 0.5), 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{whole_seconds:02d}" if hours else f"{minutes}:{whole_seconds:02d}"


def repairs(details: Mapping[str, Any]) -> list[Message]:
    """Returns what the worker repaired in the model file, or left out. Earlier versions stored finished texts."""
    return [Message.from_json(stored) for stored in details.get("repairs") or ()]


def service_notes(details: Mapping[str, Any]) -> list[Message]:
    """Returns what the artist should know about how the model was made; only loopback services tell."""
    return [Message.from_json(stored) for stored in details.get(SERVICE_NOTES) or ()]


def tool_notes(details: Mapping[str, Any]) -> list[Message]:
    """Returns what the mesh tool did that ran on the model before it was placed."""
    stored = details.get(TOOL_OUTCOME)
    notes = stored.get("notes") if isinstance(stored, Mapping) else None
    return [Message.from_json(note) for note in notes if isinstance(note, Mapping)] if isinstance(notes, list) else []


def no_mesh_note(details: Mapping[str, Any]) -> Message:
    """Returns what the list says of a model without faces: that it is a point cloud; no message for a mesh."""
    return NO_MESSAGE if details.get("triangles", 1) else _joined(repairs(details))


def model_summary(details: Mapping[str, Any]) -> Message:
    """Returns what the worker found out about a model: "12,034 triangles, 1.00 × 0.50 × 0.80 m; …"."""
    if "triangles" not in details:
        return NO_MESSAGE
    text = counted(int(details["triangles"]), "1 triangle", "{count} triangles")
    dimensions = details.get("dimensions") or ()
    if dimensions:
        size = " × ".join(f"{length:.2f}" for length in dimensions)
        text = Message("{triangles}, {size} m", {"triangles": text, "size": size})
    return _joined([text, *repairs(details)])


def _joined(texts: Sequence[Message]) -> Message:
    if len(texts) < 2:
        return texts[0] if texts else NO_MESSAGE
    return Message("{first}; {others}", {"first": texts[0], "others": _joined(texts[1:])})
