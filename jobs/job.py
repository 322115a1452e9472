# SPDX-License-Identifier: GPL-3.0-or-later
"""A job, its state machine, and the events that report its changes.

A `Job` is an immutable snapshot: the store replaces it as a whole at each change, so any thread may read one.
"""

from __future__ import annotations

import enum
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from ..errors import NO_MESSAGE, ErrorInfo, Message
from ..placement import Placement


class State(enum.StrEnum):
    """The state of a job. The values are stored in journals: a new name needs an entry in `serialization`."""

    QUEUED = "queued"
    """Waits for a free slot at the service."""
    PREPARING = "preparing"
    """The image is prepared for upload."""
    UPLOADING = "uploading"
    SUBMITTING = "submitting"
    """The request that costs money is being sent."""
    WAITING = "waiting"
    """The service is working; it is polled."""
    DOWNLOADING = "downloading"
    IMPORTING = "importing"
    """The worker makes the .blend from the model file."""
    PROCESSING = "processing"
    """The worker runs the mesh tool that the settings want, on the .blend."""
    READY = "ready"
    """The .blend is in the job's folder and waits to be placed."""
    PLACED = "placed"
    """The model is in a scene."""
    RECONCILING = "reconciling"
    """The reply to the submit was lost: the job is looked up in the service's list."""
    UNCONFIRMED = "unconfirmed"
    """It was not found there either. It may have been charged, so the artist decides."""
    FAILED = "failed"
    CANCELLED = "cancelled"


RUNNING_STATES: Final = (
    State.QUEUED,
    State.PREPARING,
    State.UPLOADING,
    State.SUBMITTING,
    State.RECONCILING,
    State.WAITING,
    State.DOWNLOADING,
    State.IMPORTING,
    State.PROCESSING,
)
"""The states in which the executor has work to do, in their order. In all others the job waits for somebody."""

_RUNNING: Final = frozenset(RUNNING_STATES)
TOOL_OUTCOME: Final = "tool"
"""In `Job.details`: what became of the mesh tool (see after_import); missing before it ran."""
SERVICE_NOTES: Final = "service_notes"
"""In `Job.details`: what a loopback service noted about the model, messages as data."""
NO_REPLY: Final = Message("No reply was received.")
"""In place of an empty `Job.lost_reply`."""

SLOT_STATES: Final = frozenset({State.PREPARING, State.UPLOADING, State.SUBMITTING, State.WAITING})
"""Jobs in these states count against the number of jobs that the account's plan allows at once."""

_NEXT: Final[Mapping[State, tuple[State, ...]]] = {
    State.QUEUED: (State.PREPARING,),
    State.PREPARING: (State.UPLOADING, State.SUBMITTING, State.QUEUED),
    State.UPLOADING: (State.SUBMITTING, State.QUEUED),
    State.SUBMITTING: (State.WAITING, State.DOWNLOADING, State.RECONCILING, State.QUEUED),
    State.RECONCILING: (State.WAITING, State.UNCONFIRMED, State.QUEUED),
    State.WAITING: (State.DOWNLOADING, State.QUEUED),
    State.DOWNLOADING: (State.IMPORTING, State.WAITING),
    State.IMPORTING: (State.PROCESSING, State.READY, State.DOWNLOADING),
    State.PROCESSING: (State.READY,),
    State.READY: (State.PLACED, State.IMPORTING),
    State.PLACED: (State.READY,),
}
_RESUME_STATES: Final = (
    State.QUEUED,
    State.RECONCILING,
    State.WAITING,
    State.DOWNLOADING,
    State.IMPORTING,
    State.PROCESSING,
    State.READY,
)

TRANSITIONS: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {state: frozenset((*after, State.CANCELLED, State.FAILED)) for state, after in _NEXT.items()}
    | {ended: frozenset(_RESUME_STATES) for ended in (State.UNCONFIRMED, State.FAILED, State.CANCELLED)}
)
"""The states that may follow each state. The diagram in docs/architecture.md is generated from this."""


class InputImage(NamedTuple):
    """The image a job was started with; a copy is in the job's folder."""

    name: str
    """The file name that the artist knows."""
    file: str
    """The file name inside the job's folder; empty for an image given by its URL."""
    sha256: str
    width: int = 0
    height: int = 0
    """In pixels; 0 if not known."""
    url: str = ""
    """A public URL given by the artist: nothing is uploaded then."""


class View(NamedTuple):
    """A further image of the subject, from another side; a copy is in the job's folder."""

    name: str
    """The file name that the artist knows; empty for one that was given as bytes."""
    file: str
    """The file name inside the job's folder."""
    sha256: str = ""
    upload_file: str = ""
    """Like the job's field of this name; also the two below."""
    upload_url: str = ""
    uploaded: float = 0.0


class TargetScene(NamedTuple):
    """The scene a job was started from; its model is placed in no other by itself.

    `session` and `scene_uid` identify it in the running Blender (they survive undo), `scene_token` in a
    reopened file. All empty: no scene at all (a script that only wants files).
    """

    session: str = ""
    scene_uid: int = 0
    scene_token: str = ""
    scene_name: str = ""
    file: str = ""
    location: tuple[float, float, float] = (0.0, 0.0, 0.0)
    exact_location: bool = False
    """A script chose the location: the model does not step aside for what stands there."""


@dataclass(frozen=True, slots=True)
class Job:
    """One image that becomes a model. All times are seconds since the epoch; 0 means not yet."""

    id: str
    name: str
    image: InputImage
    parameters: Mapping[str, Any]
    """Validated request parameters (see api.parameters), without key and image."""
    folder: Path
    """The job's own results folder."""
    service: str
    """MODELSLAB, OFFLINE, CUSTOM or LOCAL (see jobs.config)."""
    base_url: str = ""
    """The service's base URL; empty for OFFLINE, whose port changes."""
    placement: Placement = field(default_factory=Placement)
    target_scene: TargetScene = field(default_factory=TargetScene)
    place_by_itself: bool = True
    """The model is placed in its scene on arrival; otherwise it waits in the list."""
    group: str = ""
    """Shared by the variations of one model."""
    batch: str = ""
    """The id of its batch; empty for a single job."""
    columns: int = -1
    """How its batch is arranged in the scene: the columns of a grid, 0 for one row, -1 for not at all."""
    views: Mapping[str, View] = field(default_factory=dict)
    """Further images of the subject, by the side that they show (see api.parameters.VIEWS); LOCAL only."""

    state: State = State.QUEUED
    created: float = 0.0
    since: float = 0.0
    """When it entered its state."""
    list_known: bool = False
    """The service's list was read before the submit, so a new entry can be told from old ones."""
    sent: float = 0.0
    """When the request that costs money was sent; 0 again after the service refused it."""
    lost_reply: Message = NO_MESSAGE
    """Why it is unknown whether the service accepted it; empty if Blender ended meanwhile."""
    submitted: float = 0.0
    """When the service accepted it."""
    thumbnail_file: str = ""
    """A version of the image that is small enough to be drawn without a stall."""
    upload_file: str = ""
    """The image as it is uploaded; `image.file` itself if that needs no change."""
    upload_url: str = ""
    uploaded: float = 0.0
    """When it was uploaded; the service keeps it for a day."""
    service_id: str = ""
    fetch_url: str = ""
    generation_seconds: float = 0.0
    """How long the service took, as far as it was watched; 0 if that is unknown."""
    expected: float = 0.0
    """Seconds that the service's work is expected to take, counted from `submitted`; 0 if nothing is known."""
    links: tuple[tuple[str, ...], ...] = ()
    """The result's URLs: per file, the mirrors in the order to try."""
    seed: str = ""
    """The seed that the service used: unsigned 32 bit, as text."""
    delivery: int = 1
    """Counts what the service was asked to deliver: each submit and each *Download Again* has file names of its own."""
    progress: float = 0.0
    """Finished fraction of the present state, 0 to 1."""
    model_file: str = ""
    companions: tuple[tuple[str, str], ...] = ()
    """Files the model refers to (materials, textures): our file name, and the name the model uses."""
    conversions: int = 0
    """How many times the present file was given to the worker without a result: each may have ended a Blender."""
    video_file: str = ""
    blend_file: str = ""
    """File names inside the folder; empty until the files are complete."""
    tool_file: str = ""
    """The .blend that the mesh tool made of `blend_file`; empty without one, and if it failed."""
    made_files: tuple[str, ...] = ()
    """Other files that it made, for the artist: the one for 3D printing, for example."""
    error: ErrorInfo | None = None
    note: Message = NO_MESSAGE
    """Why it waits (a retry, a pause the service asked for), for the panel."""
    objects: tuple[str, ...] = ()
    """Names of the model's objects, once placed."""
    saved: bool = False
    """Once placed: the scene was saved since, or Blender quit normally."""
    listed: bool = True
    """Shown in the job list; False once the artist removed it."""
    price: float = 0.0
    """What it cost, as the balance told; 0 if that is not known."""
    currency: str = ""
    """The currency of the price: "USD"."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """What the worker found out about the model: triangles, dimensions, repairs; and what the mesh tool did."""

    def file_name(self, stem: str, extension: str) -> str:
        """Returns the name of a file of the present delivery: "model.glb", of the second one "model-2.glb"."""
        return f"{stem}{self.file_suffix}.{extension}"

    @property
    def file_suffix(self) -> str:
        return f"-{self.delivery}" if self.delivery > 1 else ""

    def to_download_again(self) -> Job:
        """Returns this job without its files. They stay, perhaps open in another program, and are not taken for new."""
        without: dict[str, Any] = {
            "model_file": "",
            "blend_file": "",
            "video_file": "",
            "companions": (),
            "conversions": 0,
            "tool_file": "",
            "made_files": (),
        }
        return replace(self, delivery=self.delivery + 1, **without)

    def without_uploads(self) -> Job:
        """Returns this job with images that are uploaded again: what one service has stored, another can't read."""
        views = {side: view._replace(upload_url="") for side, view in self.views.items()}
        return replace(self, upload_url="", views=views)

    def to_submit_again(self) -> Job:
        """Returns this job without anything that its last submit brought."""
        return replace(self.to_download_again(), sent=0.0, service_id="", fetch_url="", links=())

    @property
    def model_path(self) -> Path | None:
        return self._path(self.model_file)

    @property
    def video_path(self) -> Path | None:
        return self._path(self.video_file)

    @property
    def blend_path(self) -> Path | None:
        return self._path(self.blend_file)

    @property
    def shown_blend_path(self) -> Path | None:
        """The .blend of the model as it is shown: the mesh tool's if there is one, else the prepared one."""
        return self._path(self.tool_file) or self.blend_path

    @property
    def image_path(self) -> Path | None:
        return self._path(self.image.file)

    @property
    def thumbnail_path(self) -> Path | None:
        return self._path(self.thumbnail_file)

    def _path(self, name: str) -> Path | None:
        return self.folder / name if name else None

    @property
    def account(self) -> tuple[str, str]:
        """The service and its base URL: what is limited or paused together."""
        return self.service, self.base_url

    @property
    def running(self) -> bool:
        """Whether the executor still has work to do for it."""
        return self.state in _RUNNING

    @property
    def finished(self) -> bool:
        """Whether it is done or cancelled: nothing needs the artist's attention."""
        return self.state in (State.PLACED, State.CANCELLED)

    @property
    def settled(self) -> bool:
        """Whether it is finished and nothing that was paid for would be lost with it: saved, or never sent."""
        return self.finished and (self.saved if self.state is State.PLACED else not self.sent)

    def moved(self, state: State, **changes: Any) -> Job:
        """Returns this job in another state. Raises ValueError if that state can't follow."""
        if state not in TRANSITIONS[self.state]:
            raise ValueError(f"a job can't go from {self.state} to {state}")
        fresh: dict[str, Any] = {"progress": 0.0, "note": NO_MESSAGE, "error": None, "since": time.time()}
        return replace(self, state=state, **(fresh | changes))


def resume_state(job: Job) -> State:
    """The state in which an interrupted or ended job continues without being paid for again."""
    if job.blend_file:
        wants_tool = job.placement.tool is not None and TOOL_OUTCOME not in job.details
        return State.PROCESSING if wants_tool else State.READY
    if job.model_file:
        return State.IMPORTING
    if job.state is not State.DOWNLOADING and (job.service_id or job.fetch_url):
        return State.WAITING
    if job.links:
        return State.DOWNLOADING
    return State.RECONCILING if job.sent else State.QUEUED


def new_id() -> str:
    """Returns a job id that sorts by time, is unique across processes, and is safe as a folder name."""
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(seconds))
    return f"{stamp}-{nanoseconds // 1000:06d}-{os.urandom(4).hex()}"


class Changed(NamedTuple):
    """Event: a job is new, or has changed."""

    job: Job


class Removed(NamedTuple):
    """Event: a job was removed from the list."""

    job_id: str


class Notice(NamedTuple):
    """Event: a message for the artist that belongs to no particular job."""

    message: Message | ErrorInfo
    warning: bool = False


Event = Changed | Removed | Notice
