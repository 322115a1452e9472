# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps from image to model: prepare → upload → submit → poll → download → import → run a mesh tool.

A step takes a job in its state, does one thing that may take long, and returns the job's next state. It raises
only ImageTo3DError on purpose; `retry` decides what that means for the job. Each state is in the journal before its
step starts.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..api.parameters import without_local
from ..atomic_file import atomic_write, delete
from ..atomic_file import replace as replace_file
from ..control import Control
from ..errors import (
    NO_MESSAGE,
    CancelledError,
    ImageTo3DError,
    OutcomeUnknownError,
    ResultDamagedError,
    ResultMissingError,
    StorageError,
)
from . import after_import
from .config import FREE, LOCAL
from .estimates import expected_by_service, poll_delay
from .image_steps import prepare, upload
from .job import NO_REPLY, SERVICE_NOTES, Job, State, resume_state
from .provenance import record_of
from .step_context import StepContext, StepResult

if TYPE_CHECKING:
    from ..api.replies import Reply
    from ..api.result_files import ResultFiles

_log = logging.getLogger(__name__)

REPLY_FILE: Final = "reply.json"


def submit(job: Job, context: StepContext) -> StepResult:
    """Send the request that costs money, once. `Executor._authorize_submit` has allowed it."""
    parameters = without_local(job.parameters)
    if job.service == LOCAL:
        parameters = {**job.parameters, **{f"image_{side}": view.upload_url for side, view in job.views.items()}}
    # The artist's own id if there is one; else ours, by which a lost submit can be found in the service's list.
    parameters["track_id"] = parameters.get("track_id") or job.id
    reply = context.client().submit(parameters | {"image": job.upload_url})
    _write_reply(job, reply)
    if not reply.id and not reply.fetch_url and not reply.links:
        raise OutcomeUnknownError("The service accepted the request, but gave no id to poll it by.")
    now = time.time()
    job = replace(job, service_id=reply.id, fetch_url=reply.fetch_url, submitted=now, seed=reply.seed)
    if reply.done and reply.links:
        return StepResult(job.moved(State.DOWNLOADING, links=reply.links))
    expected = context.estimate.typical or reply.eta or 0.0
    job = job.moved(State.WAITING, expected=expected, links=reply.links)
    return StepResult(job, _poll_delay(job, context))


def _poll_delay(job: Job, context: StepContext) -> float:
    """Returns the seconds until the job's next poll."""
    estimate = context.estimate if context.estimate.typical else expected_by_service(job.expected)
    timing = context.timing
    longest = min(timing.max_poll_interval, timing.free_poll_interval if job.service in FREE else math.inf)
    limits = timing.min_poll_interval, longest
    return poll_delay(max(time.time() - job.submitted, 0.0), estimate, limits, rate_limited=context.rate_limited)


def poll(job: Job, context: StepContext) -> StepResult:
    """Ask the service whether the job is done."""
    from ..api.replies import merged

    reply = context.client().fetch(job.service_id, job.fetch_url, context.control)
    if not reply.done:
        job = replace(job, note=reply.waits_for or NO_MESSAGE)
        if reply.waits_for is not None:  # the time until it is begun says nothing about how long it takes
            job = replace(job, submitted=time.time())
        return StepResult(job, _poll_delay(job, context))
    _write_reply(job, reply)
    if not reply.links:
        raise ResultMissingError("The service says that the job is done, but gives no file.")
    links = merged(reply.links, job.links)
    passed = time.time() - job.submitted
    # Else nobody knows when it was done: this is the first poll after Blender was closed.
    watched = context.attempt > 0 or 0 <= passed <= context.timing.max_poll_interval
    seconds = max(passed, 0.0) if watched else 0.0
    return StepResult(
        job.moved(
            State.DOWNLOADING,
            links=links,
            seed=reply.seed or job.seed,
            generation_seconds=seconds,
            details=_with_notes(job, reply),
        )
    )


def _with_notes(job: Job, reply: Reply) -> dict[str, Any]:
    notes = [note.to_json() for note in reply.notes]
    return {**job.details, SERVICE_NOTES: notes} if notes else dict(job.details)


def find_in_list(job: Job, context: StepContext) -> StepResult:
    """Look a job whose submit got no clear reply up in the service's list."""
    entry = context.list_reader.find_lost_submit(job, context.client())
    if entry is not None:
        _log.info("%s was found in the service's list", job.id)
        found = replace(job, service_id=entry.id, submitted=job.sent, links=entry.links)
        return StepResult(found.moved(State.WAITING))
    # The list of a process on this computer is complete.
    if job.service not in FREE and context.attempt + 1 < len(context.timing.list_checks):
        return StepResult(job, context.timing.list_checks[context.attempt + 1])
    reason = job.lost_reply or NO_REPLY
    raise OutcomeUnknownError("{reason} The model is not in your account's list yet.", reason=reason)


def download(job: Job, context: StepContext) -> StepResult:
    """Download the result's files into the job's folder, complete and checked."""
    from ..api import result_files
    from ..formats import companion_names

    files = result_files.classify(job.links, str(job.parameters.get("output_format", "glb")))
    if not files.model:
        raise ResultMissingError("The service gives no model file.")
    context.worker.prestart()  # it starts during the download, and is ready when the file is
    control = context.control
    model, companions = _fetch_model(job, context, files, control.span(0.0, 0.8))
    for number, (theirs, mirrors) in enumerate(files.companions, len(companions) + 1):
        ours = companion_names.numbered(number, theirs, job.file_suffix)
        try:
            _fetch(job, context, mirrors, ours, control.span(0.8, 0.9))
        except (StorageError, CancelledError):
            raise
        except ImageTo3DError as error:
            # A model without one of its textures is still the model that was paid for.
            _log.warning("%s: %s could not be downloaded: %s", job.id, ours, error)
            continue
        companions.append((ours, theirs))
    video = ""
    if files.video:
        try:
            name = job.file_name("video", files.video_format)
            video = _fetch(job, context, files.video, name, control.span(0.9, 1.0)).name
        except (StorageError, CancelledError):
            raise
        except ImageTo3DError as error:
            # A model without its video is still the model that was paid for.
            _log.warning("%s: the video could not be downloaded: %s", job.id, error)
    job = replace(job, conversions=0, companions=tuple(companions))
    return StepResult(job.moved(State.IMPORTING, model_file=model.name, video_file=video))


def _fetch_model(
    job: Job, context: StepContext, files: ResultFiles, control: Control
) -> tuple[Path, list[tuple[str, str]]]:
    """Download the model. Returns its path, and the companions if both came in a ZIP archive, which is unpacked."""
    from ..formats import archive
    from ..formats.check import check_file
    from ..formats.sniff import FIRST_BYTES, FormatError, sniff

    packed = job.folder / job.file_name("model", "zip")
    path = None
    if not _is_complete(packed, "zip"):
        path = _fetch(job, context, files.model, job.file_name("model", files.format), control)
        with path.open("rb") as file:
            if sniff(file.read(FIRST_BYTES)) != "zip":
                return path, []
    try:
        if path is not None:
            replace_file(path, packed)  # the archive is kept: its files can be unpacked again
        model, companions = archive.unpack(packed, job.folder, job.file_suffix)
    except FormatError as error:
        with contextlib.suppress(OSError):  # it is damaged, so it is never taken for complete
            delete(packed)
        raise ResultDamagedError("The ZIP file is damaged: {reason}.", reason=error.reason) from error
    except OSError as error:
        raise StorageError("The results folder can't be written: {reason}.", cause=error) from error
    check_file(model, model.suffix[1:])
    return model, companions


def _fetch(job: Job, context: StepContext, mirrors: tuple[str, ...], name: str, control: Control) -> Path:
    """Download one file, unless an earlier attempt already did. Returns its path."""
    from ..api.download import download

    path, format = job.folder / name, Path(name).suffix[1:]
    if _is_complete(path, format):
        return path
    client = context.client()
    return download(
        mirrors,
        path,
        format=format,
        control=control,
        service_origin=client.origin,
        service_peer=lambda: client.peer(control),
        waits=context.timing.mirror_rounds,
        connect=context.timing.connect,
        stall=context.timing.stall,
    )


def _is_complete(path: Path, format: str) -> bool:
    from ..formats.check import check_file

    if not path.is_file():
        return False
    try:
        check_file(path, format)
    except ImageTo3DError as error:
        _log.warning("%s is downloaded again: %s", path.name, error)
        return False
    return True


def delete_downloads(job: Job) -> None:
    """Delete files of earlier deliveries. One that can't be deleted stays: later ones have other names."""
    for pattern in ("model*", "video*", "part-*", "~*"):
        for path in job.folder.glob(pattern):
            with contextlib.suppress(OSError):
                path.unlink()


def import_model(job: Job, context: StepContext) -> StepResult:
    """Have the worker make a .blend of the model file that only needs to be appended."""
    assert job.model_path is not None
    if not job.model_path.is_file():
        raise ResultMissingError("The model file is no longer in the job's folder.")
    name = job.file_name("model", "blend")
    details = context.worker.run(
        {
            "do": "model",
            "source": str(job.model_path),
            "format": job.model_path.suffix.lstrip("."),
            "target": str(job.folder / name),
            "name": job.name,
            "placement": job.placement.to_json(),
            "companions": [{"file": str(job.folder / ours), "name": theirs} for ours, theirs in job.companions],
            "record": record_of(job),
            "thumbnail": job.thumbnail_file,
        },
        context.control,
    )
    job = after_import.without_outcome(replace(job, blend_file=name, conversions=0))
    return StepResult(job.moved(resume_state(job), details={**job.details, **details}))


STEPS: Final[Mapping[State, Callable[[Job, StepContext], StepResult]]] = {
    State.PREPARING: prepare,
    State.UPLOADING: upload,
    State.SUBMITTING: submit,
    State.RECONCILING: find_in_list,
    State.WAITING: poll,
    State.DOWNLOADING: download,
    State.IMPORTING: import_model,
    State.PROCESSING: after_import.process,
}


def _write_reply(job: Job, reply: Reply) -> None:
    """Keep the service's reply beside the model. A full disk must not lose the reply itself."""
    try:
        atomic_write(job.folder / REPLY_FILE, json.dumps(dict(reply.raw), ensure_ascii=False, indent=1).encode())
    except (OSError, ValueError) as error:
        _log.warning("%s: the service's reply can't be written: %s", job.id, error)
