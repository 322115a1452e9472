# SPDX-License-Identifier: GPL-3.0-or-later
"""A job, its states, and the events that tell of it.

A `Job` is an immutable snapshot: the queue replaces it whole at each change, so that any thread may
read one. The states and what may follow what are said here, once.
"""

from __future__ import annotations

import enum
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from ..errors import NO_MESSAGE, ErrorInfo, Message


class State(enum.StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    """Waits for its turn."""
    PREPARING = "preparing"
    """The image is made fit for upload."""
    UPLOADING = "uploading"
    SUBMITTING = "submitting"
    """The request that costs money is on its way."""
    WAITING = "waiting"
    """The service works; it is polled."""
    DOWNLOADING = "downloading"
    IMPORTING = "importing"
    """The worker makes the .blend."""
    READY = "ready"
    """The .blend lies in the job's folder and waits to be placed."""
    PLACED = "placed"
    """The model stands in a scene."""
    RECONCILING = "reconciling"
    """A submit's answer never came: the job is looked for in the service's list."""
    UNCONFIRMED = "unconfirmed"
    """It was not found there either; it may have been paid for, so the artist decides."""
    FAILED = "failed"
    CANCELLED = "cancelled"


WAY: Final = (
    State.QUEUED,
    State.PREPARING,
    State.UPLOADING,
    State.SUBMITTING,
    State.RECONCILING,
    State.WAITING,
    State.DOWNLOADING,
    State.IMPORTING,
)
"""The states on the way, in their order."""

RUNNING: Final = frozenset(WAY)
"""The queue has something to do for these; all others rest until somebody acts."""

OCCUPYING: Final = frozenset({State.PREPARING, State.UPLOADING, State.SUBMITTING, State.WAITING})
"""These count against the number of jobs the plan allows at once."""

_FORWARD: Final[Mapping[State, tuple[State, ...]]] = {
    State.QUEUED: (State.PREPARING,),
    State.PREPARING: (State.UPLOADING, State.SUBMITTING, State.QUEUED),
    State.UPLOADING: (State.SUBMITTING, State.QUEUED),
    State.SUBMITTING: (State.WAITING, State.DOWNLOADING, State.RECONCILING, State.QUEUED),
    State.RECONCILING: (State.WAITING, State.UNCONFIRMED),
    State.WAITING: (State.DOWNLOADING,),
    State.DOWNLOADING: (State.IMPORTING, State.WAITING),
    State.IMPORTING: (State.READY, State.DOWNLOADING),
    State.READY: (State.PLACED, State.IMPORTING),
    State.PLACED: (State.READY,),
}
_BEGIN_AGAIN: Final = (State.QUEUED, State.RECONCILING, State.WAITING, State.DOWNLOADING, State.IMPORTING, State.READY)

FOLLOWS: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {state: frozenset((*ahead, State.CANCELLED, State.FAILED)) for state, ahead in _FORWARD.items()}
    | {resting: frozenset(_BEGIN_AGAIN) for resting in (State.UNCONFIRMED, State.FAILED, State.CANCELLED)}
)
"""Which state may come after which."""


@dataclass(frozen=True, slots=True)
class InputImage:
    """The image a job was started with, kept in the job's folder."""

    name: str
    """Its own file name, as the artist knows it."""
    file: str
    """Its file name inside the job's folder."""
    sha256: str
    width: int = 0
    height: int = 0
    """0 where not known."""
    url: str = ""
    """A public address, where the artist gave one: nothing is uploaded then."""


@dataclass(frozen=True, slots=True)
class TargetScene:
    """The scene a job was started from, so that its model is put into no other.

    `session` and `scene_uid` find it in the running Blender (they survive undo), `stamp` in a
    reopened file. All empty: no scene at all (a script that only wants files).
    """

    session: str = ""
    scene_uid: int = 0
    scene_token: str = ""
    scene_name: str = ""
    file: str = ""
    location: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Job:
    """One image on its way to a model."""

    id: str
    name: str
    image: InputImage
    parameters: Mapping[str, Any]
    """Validated request parameters (see api.parameters), without key and image."""
    folder: Path
    """The job's own results folder."""
    service: str
    """MODELSLAB, OFFLINE or CUSTOM."""
    base_url: str = ""
    """Where it was submitted to; empty for OFFLINE, whose port changes."""
    placement: Mapping[str, Any] = field(default_factory=dict)
    """How the model is to stand (see placement)."""
    target_scene: TargetScene = field(default_factory=TargetScene)
    place_by_itself: bool = True
    """Put into its scene on arrival; else it waits in the list."""
    group: str = ""
    """What variations of one model have in common."""

    state: State = State.QUEUED
    created: float = 0.0
    """Seconds since the epoch."""
    since: float = 0.0
    """When it came into its state, seconds since the epoch."""
    list_known: bool = False
    """The service's list was read before it was sent, so that a new entry can be told from old ones."""
    sent: float = 0.0
    """When the request that costs money went out; 0 before, and after a definite no."""
    submitted: float = 0.0
    """When the service took it; 0 before."""
    thumbnail_file: str = ""
    """The image, small enough to be drawn without a hitch; `image.file` itself where that is small."""
    upload_file: str = ""
    """The image as it is uploaded: `image.file` itself where that is fit as it is."""
    upload_url: str = ""
    uploaded: float = 0.0
    """When it was uploaded; the service keeps it for a day."""
    service_id: str = ""
    fetch_url: str = ""
    expected: float = 0.0
    """Seconds the service's work is expected to take, counted from `submitted`."""
    links: tuple[tuple[str, ...], ...] = ()
    """The result's addresses: per file, the mirrors in the order to try."""
    seed: str = ""
    """The seed the service really used: unsigned 32 bit, as text."""
    progress: float = 0.0
    """Of the present state, 0 to 1."""
    model_file: str = ""
    companions: tuple[tuple[str, str], ...] = ()
    """Files the model refers to (materials, textures): our file name, and the name the model uses."""
    video_file: str = ""
    blend_file: str = ""
    """File names inside the folder; empty until they are whole."""
    error: ErrorInfo | None = None
    note: Message = NO_MESSAGE
    """Why it waits, for the panel (a retry, a pause the service asked for)."""
    objects: tuple[str, ...] = ()
    """Names of the objects it became, once placed."""
    kept: bool = False
    """Once placed: the scene was saved since, or Blender was left in good order."""
    listed: bool = True
    """Shown in the job list; an artist may dismiss what rests."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """What the worker found: triangles, size, what it had to mend."""

    @property
    def model_path(self) -> Path | None:
        return self.folder / self.model_file if self.model_file else None

    @property
    def video_path(self) -> Path | None:
        return self.folder / self.video_file if self.video_file else None

    @property
    def blend_path(self) -> Path | None:
        return self.folder / self.blend_file if self.blend_file else None

    @property
    def image_path(self) -> Path | None:
        return self.folder / self.image.file if self.image.file else None

    @property
    def thumbnail_path(self) -> Path | None:
        return self.folder / self.thumbnail_file if self.thumbnail_file else None

    @property
    def account(self) -> tuple[str, str]:
        """The service it goes to, and that one's address."""
        return self.service, self.base_url

    @property
    def running(self) -> bool:
        """Whether the queue still has something to do for it."""
        return self.state in RUNNING

    def moved(self, state: State, **changes: Any) -> Job:
        """This job in another state. Raises ValueError where that state can't follow."""
        if state not in FOLLOWS[self.state]:
            raise ValueError(f"a job can't go from {self.state} to {state}")
        fresh: dict[str, Any] = {"progress": 0.0, "note": Message(), "error": None, "since": time.time()}
        return replace(self, state=state, **(fresh | changes))


def resume_state(job: Job) -> State:
    """Where a job goes on without paying again, judged by what it has already got."""
    if job.blend_file:
        return State.READY
    if job.model_file:
        return State.IMPORTING
    if job.service_id or job.fetch_url:
        return State.WAITING
    if job.links:
        return State.DOWNLOADING
    return State.RECONCILING if job.sent else State.QUEUED


def new_id() -> str:
    """A job id: sorts by time, is unique across processes, and is safe as a folder name."""
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    scene_token = time.strftime("%Y%m%d-%H%M%S", time.gmtime(seconds))
    return f"{scene_token}-{nanoseconds // 1000:06d}-{uuid.uuid4().hex[:8]}"


@dataclass(frozen=True, slots=True)
class Changed:
    """A job is not what it was."""

    job: Job


@dataclass(frozen=True, slots=True)
class Removed:
    """A job was taken off the list."""

    job_id: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell the artist that belongs to no one job."""

    message: Message | ErrorInfo
    warning: bool = False


Event = Changed | Removed | Notice
