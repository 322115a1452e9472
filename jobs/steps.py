# SPDX-License-Identifier: GPL-3.0-or-later
"""The way from image to model: prepare → upload → submit → wait → download → convert.

A step takes a job in its state, does one thing that may take long, and says what comes next. It raises
ImageTo3DError and nothing else on purpose; what that means for the job is the queue's decision (`faults`).
Each state is in the journal before its step begins.
"""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..atomic_file import atomic_write
from ..errors import (
    CancelledError,
    ImageError,
    ImageTo3DError,
    Message,
    OutcomeUnknownError,
    ResultDamagedError,
    ResultMissingError,
    StorageError,
    WorkerError,
)
from .job import Job, State
from .provenance import record_of
from .recovery import match_lost_submit

if TYPE_CHECKING:
    from ..api.client import Client, Generated
    from ..api.replies import Reply
    from ..worker.worker_process import WorkerProcess
    from .journal import Journal

_log = logging.getLogger(__name__)

UPLOAD_KEPT_SECONDS: Final = 20 * 3600.0
"""An uploaded image lives 24 hours at the service; older than this it is uploaded again."""
SMALL_SIDE: Final = 1024
"""Pixels; an image up to this size is decoded in a few milliseconds."""
THUMBNAIL_FILE: Final = "thumbnail.png"
REPLY_FILE: Final = "reply.json"
_LIST_PAGES: Final = 3
_LIST_PAGE: Final = 30
_DEFAULT_EXPECTED: Final = 60.0


@dataclass(frozen=True, slots=True)
class Timing:
    """How often to ask and how long to wait for an answer, in seconds. The service documents no interval."""

    first_least: float = 2.0
    first_most: float = 30.0
    then: float = 3.0
    growth: float = 1.3
    most: float = 15.0
    give_up: float = 3600.0
    looks: tuple[float, ...] = (3.0, 10.0, 30.0)
    """Waits before each look for a lost submit."""
    rounds: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)
    """Waits between rounds through a file's mirrors."""
    connect: float = 10.0
    read: float = 60.0
    """For the next bytes of an answer."""
    stall: float = 30.0
    """For the next bytes of a file."""


@dataclass(frozen=True, slots=True)
class StepContext:
    """What a step works with."""

    client: Callable[[], Client]
    worker: WorkerProcess
    journal: Journal
    timing: Timing
    cancelled: Callable[[], bool]
    report: Callable[[float], None]
    """Tells progress of the present step, 0 to 1."""
    list_known: Callable[[], bool]
    """Sees to it that the service's list is known as it is before this queue's first submit; whether it is."""
    attempt: int
    """How many times this step has been done for this job before, without a fault."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """What comes after a step: the job as it is now, and the seconds to wait before its next step."""

    job: Job
    after: float = 0.0


def prepare(job: Job, context: StepContext) -> StepResult:
    """Make the image fit for upload; most images are as they come."""
    from ..api.client import UPLOAD_LIMIT_BYTES
    from ..formats.image_info import ready_as_it_is

    if job.image.url:
        return StepResult(job.moved(State.UPLOADING, upload_url=job.image.url))
    source = job.image_path
    if source is None or not source.is_file():
        raise ImageError("The image is not in the job's folder any more.")
    facts = ready_as_it_is(source, UPLOAD_LIMIT_BYTES)
    if facts is not None:
        file, width, height = source.name, facts.width, facts.height
    else:
        made = context.worker.run(
            {"do": "image", "source": str(source), "folder": str(job.folder), "limit": UPLOAD_LIMIT_BYTES},
            cancelled=context.cancelled,
            progress=context.report,
        )
        file, width, height = str(made["file"]), int(made["width"]), int(made["height"])
    job = replace(job, image=replace(job.image, width=width, height=height))
    return StepResult(job.moved(State.UPLOADING, upload_file=file, thumbnail_file=_thumbnail(job, file, context)))


def _thumbnail(job: Job, file: str, context: StepContext) -> str:
    """The file to show of an image. Blender decodes a large one on its main thread when it is first drawn."""
    if max(job.image.width, job.image.height) <= SMALL_SIDE:
        return file
    request = {"do": "thumbnail", "source": str(job.folder / file), "target": str(job.folder / THUMBNAIL_FILE)}
    try:
        context.worker.run(request | {"longest": SMALL_SIDE // 2}, cancelled=context.cancelled)
    except (ImageError, WorkerError) as error:
        _log.warning("%s: no thumbnail could be made: %s", job.id, error)
        return ""
    return THUMBNAIL_FILE


def upload(job: Job, context: StepContext) -> StepResult:
    """Give the image a public address; one uploaded lately is used again."""
    job = replace(job, list_known=context.list_known())
    if job.image.url:
        return StepResult(job.moved(State.SUBMITTING))
    if job.upload_url and 0 <= time.time() - job.uploaded < UPLOAD_KEPT_SECONDS:
        return StepResult(job.moved(State.SUBMITTING))
    path = job.folder / job.upload_file
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ImageError(f"The prepared image can't be read: {error.strerror}.") from error
    url = context.client().upload(content, _mime(path), cancelled=context.cancelled)
    return StepResult(job.moved(State.SUBMITTING, upload_url=url, uploaded=time.time()))


def submit(job: Job, context: StepContext) -> StepResult:
    """Send the request that costs money; once."""
    parameters = dict(job.parameters)
    # The artist's own id if there is one; else ours, by which a lost submit can be found in the service's list.
    parameters["track_id"] = parameters.get("track_id") or job.id
    reply = context.client().submit(parameters | {"image": job.upload_url})
    _keep_reply(job, reply)
    if not reply.id and not reply.fetch_url and not reply.links:
        raise OutcomeUnknownError("The service took the request, but gave no id to ask for it by.")
    now = time.time()
    job = replace(job, service_id=reply.id, fetch_url=reply.fetch_url, submitted=now, seed=reply.seed)
    if reply.done and reply.links:
        return StepResult(job.moved(State.DOWNLOADING, links=reply.links))
    eta = reply.eta
    after = context.timing.then if eta is None else min(max(eta, context.timing.first_least), context.timing.first_most)
    expected = eta if eta else _DEFAULT_EXPECTED
    return StepResult(job.moved(State.WAITING, expected=expected, links=reply.links), after)


def poll(job: Job, context: StepContext) -> StepResult:
    """Ask whether the service is done."""
    from ..api.replies import merged

    reply = context.client().fetch(job.service_id, job.fetch_url, cancelled=context.cancelled)
    if not reply.done:
        wait = min(context.timing.then * context.timing.growth**context.attempt, context.timing.most)
        return StepResult(replace(job, note=Message()), wait)
    _keep_reply(job, reply)
    if not reply.links:
        raise ResultMissingError("The service says it is done, but names no file.")
    links = merged(reply.links, job.links)
    return StepResult(job.moved(State.DOWNLOADING, links=links, seed=reply.seed or job.seed))


def look(job: Job, context: StepContext) -> StepResult:
    """Look in the service's list for a job whose submit was never answered."""
    client = context.client()
    listed = read_list(client)
    only_one = not context.journal.others_lost(job)
    lost = match_lost_submit(job, listed, lambda ids: context.journal.unseen(job.account, ids), only_one)
    if lost is not None:
        _log.info("%s was found in the service's list", job.id)
        found_job = replace(job, service_id=lost.id, submitted=job.sent, links=lost.links)
        return StepResult(found_job.moved(State.WAITING, expected=_DEFAULT_EXPECTED))
    if context.attempt + 1 < len(context.timing.looks):
        return StepResult(job, context.timing.looks[context.attempt + 1])
    raise OutcomeUnknownError("No answer came to the request, and it is not in the service's list.")


def read_list(client: Client) -> list[Generated]:
    """The newest pages of the service's list of generated models."""
    listed: list[Generated] = []
    for page in range(1, _LIST_PAGES + 1):
        found = client.generated(page)
        known = {entry.id for entry in listed}
        listed += [entry for entry in found if entry.id not in known]
        if len(found) < _LIST_PAGE:
            break
    return listed


def download(job: Job, context: StepContext) -> StepResult:
    """Bring the result's files into the job's folder, whole and checked."""
    from ..api import download, result_files

    wanted = str(job.parameters.get("output_format", "glb"))
    sorted_links = result_files.classify(job.links, wanted)
    if not sorted_links.model:
        raise ResultMissingError("The service names no model file.")
    context.worker.warm()  # it starts while the file comes, and is there when the file is
    origin = context.client().origin

    def fetch(mirrors: tuple[str, ...], name: str, kind: str, share: tuple[float, float]) -> Path:
        start, end = share
        if _is_sound(job.folder / name, kind):
            return job.folder / name  # brought before something else failed
        return download.download(
            mirrors,
            job.folder / name,
            format=kind,
            cancelled=context.cancelled,
            progress=lambda done: context.report(start + (end - start) * done),
            service_origin=origin,
            waits=context.timing.rounds,
            connect=context.timing.connect,
            stall=context.timing.stall,
        )

    model = fetch(sorted_links.model, f"model.{sorted_links.format}", sorted_links.format, (0.0, 0.8))
    companions = []
    for number, (theirs, mirrors) in enumerate(sorted_links.companions, 1):
        kind = Path(theirs).suffix.lower().lstrip(".")
        ours = f"part-{number}.{kind}"
        try:
            fetch(mirrors, ours, kind, (0.8, 0.9))
        except (ResultMissingError, ResultDamagedError) as error:
            _log.warning("%s: %s could not be had: %s", job.id, ours, error)
            continue
        companions.append((ours, theirs))
    video = ""
    if sorted_links.video:
        try:
            kind = sorted_links.video_format
            video = fetch(sorted_links.video, f"video.{kind}", kind, (0.9, 1.0)).name
        except (StorageError, CancelledError):
            raise
        except ImageTo3DError as error:
            # A model without its video is still the model that was paid for.
            _log.warning("%s: the video could not be had: %s", job.id, error)
    return StepResult(job.moved(State.IMPORTING, model_file=model.name, companions=tuple(companions), video_file=video))


def _is_sound(path: Path, kind: str) -> bool:
    from ..formats.check import check_file

    if not path.is_file():
        return False
    try:
        check_file(path, kind)
    except ImageTo3DError as error:
        _log.warning("%s is brought again: %s", path.name, error)
        return False
    return True


def delete_downloads(job: Job) -> None:
    """Remove what was brought, so that it is brought again. What can't be removed is overwritten."""
    for pattern in ("model.*", "video.*", "part-*", "~*"):
        for path in job.folder.glob(pattern):
            with contextlib.suppress(OSError):
                path.unlink()


def convert(job: Job, context: StepContext) -> StepResult:
    """Have the worker turn the model file into a .blend that can be placed without work."""
    assert job.model_path is not None
    if not job.model_path.is_file():
        raise ResultMissingError("The model file is not in the job's folder any more.")
    name = "model.blend"
    details = context.worker.run(
        {
            "do": "model",
            "source": str(job.model_path),
            "format": job.model_path.suffix.lstrip("."),
            "target": str(job.folder / name),
            "name": job.name,
            "placement": dict(job.placement),
            "companions": [{"file": str(job.folder / ours), "name": theirs} for ours, theirs in job.companions],
            "record": record_of(job),
        },
        cancelled=context.cancelled,
        progress=context.report,
    )
    return StepResult(job.moved(State.READY, blend_file=name, details=details))


Step = Callable[[Job, StepContext], StepResult]

STEPS: Final[Mapping[State, Step]] = {
    State.PREPARING: prepare,
    State.UPLOADING: upload,
    State.SUBMITTING: submit,
    State.RECONCILING: look,
    State.WAITING: poll,
    State.DOWNLOADING: download,
    State.IMPORTING: convert,
}


def _keep_reply(job: Job, reply: Reply) -> None:
    """The service's own words, beside the model. A full disk must not lose the reply itself."""
    try:
        content: dict[str, Any] = dict(reply.raw)
        atomic_write(job.folder / REPLY_FILE, json.dumps(content, ensure_ascii=False, indent=1).encode())
    except (OSError, ValueError) as error:
        _log.warning("%s: the service's reply could not be kept: %s", job.id, error)


def _mime(path: Path) -> str:
    return "image/jpeg" if path.suffix.lower() in {".jpg", ".jpeg"} else "image/png"
