# SPDX-License-Identifier: GPL-3.0-or-later
"""The first steps of a job: its image, and the views of other sides, are prepared and uploaded."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..control import Control
from ..errors import ImageError, Message, WorkerError
from .job import Job, State
from .step_context import StepContext, StepResult
from .views import message_for, named

if TYPE_CHECKING:
    from ..formats.image_info import ImageInfo

_log = logging.getLogger(__name__)

UPLOAD_LIFETIME: Final = 20 * 3600.0
"""Seconds; the service keeps an uploaded image for 24 hours. An older one is uploaded again."""
MAX_THUMBNAIL_SIDE: Final = 1024
"""Pixels; Blender decodes an image up to this size in a few milliseconds."""
THUMBNAIL_FILE: Final = "thumbnail.png"


def prepare(job: Job, context: StepContext) -> StepResult:
    """Prepare the images for upload. Most need no change; one that no model can be made from is refused."""
    share = 1.0 / (1 + len(job.views))
    found: list[Any] = []
    for number, (side, view) in enumerate(job.views.items()):
        with named(side):
            part = context.control.span(number * share, (number + 1) * share)
            made = _prepared(job.folder / view.file, f"upload-{side}", job, context, part, has_thumbnail=False)
        found += [message_for(side, Message.from_json(stored)).to_json() for stored in made.get("warnings", ())]
        job = replace(job, views={**job.views, side: view._replace(upload_file=str(made["file"]))})
    if job.image.url:
        return StepResult(job.moved(State.UPLOADING, upload_url=job.image.url))
    if job.image_path is None:
        raise ImageError("The image is no longer in the job's folder.")
    last = context.control.span(1.0 - share, 1.0)
    made = _prepared(job.image_path, "upload", job, context, last, has_thumbnail=True)
    if "warnings" in made or found:
        job = replace(job, details={**job.details, "warnings": [*made.get("warnings", ()), *found]})
    file = str(made["file"])
    job = replace(job, image=job.image._replace(width=int(made["width"]), height=int(made["height"])))
    return StepResult(job.moved(State.UPLOADING, upload_file=file, thumbnail_file=_make_thumbnail(job, file, context)))


def _prepared(
    source: Path, stem: str, job: Job, context: StepContext, control: Control, *, has_thumbnail: bool
) -> Mapping[str, Any]:
    """Returns the file of an image as it is uploaded, its width and height, and warnings if the worker looked at it."""
    from ..api.client import UPLOAD_LIMIT_BYTES
    from ..formats.image_info import uploadable_unchanged

    if not source.is_file():
        raise ImageError("The image is no longer in the job's folder.")
    info = uploadable_unchanged(source, UPLOAD_LIMIT_BYTES)
    framed = job.placement.cut_out or job.placement.crop
    if info is None or framed or _must_be_decoded(info, has_thumbnail):
        made = _prepared_by_worker(source, stem, info is not None and not framed, job, context, control)
        if made is not None:
            return made
    assert info is not None
    return {"file": source.name, "width": info.width, "height": info.height}


def _must_be_decoded(info: ImageInfo, has_thumbnail: bool) -> bool:
    """Whether only decoding tells if all of the image is there. (Making the thumbnail decodes large ones.)"""
    small = max(info.width, info.height) <= MAX_THUMBNAIL_SIDE or not has_thumbnail
    return info.alpha or (small and info.mime == "image/jpeg")


def _prepared_by_worker(
    source: Path, stem: str, unchanged: bool, job: Job, context: StepContext, control: Control
) -> Mapping[str, Any] | None:
    """Returns the worker's reply to an "image" request; None if there is no worker and the image needs no change.

    `unchanged`: the image is uploaded as it is if decoding it finds nothing wrong.
    """
    from ..api.client import UPLOAD_LIMIT_BYTES

    request = {"do": "image", "source": str(source), "folder": str(job.folder), "limit": UPLOAD_LIMIT_BYTES}
    request |= {"stem": stem, "cut_out": job.placement.cut_out, "crop": job.placement.crop}
    try:
        return context.worker.run(request | {"unchanged": unchanged}, control)
    except WorkerError as error:
        if not (unchanged and context.worker.cannot_start):
            raise
        _log.warning("%s is sent without having been decoded: %s", source.name, error)
        return None


def _make_thumbnail(job: Job, file: str, context: StepContext) -> str:
    """Returns the file to show. Blender decodes a large one on its main thread when it is first drawn.

    Raises ImageError if it turns out now that the image can't be decoded completely.
    """
    if max(job.image.width, job.image.height) <= MAX_THUMBNAIL_SIDE:
        return file
    request = {"do": "thumbnail", "source": str(job.folder / file), "target": str(job.folder / THUMBNAIL_FILE)}
    try:
        context.worker.run(request | {"longest": MAX_THUMBNAIL_SIDE // 2}, Control(context.control.cancelled))
    except WorkerError as error:
        _log.warning("%s: no thumbnail could be made: %s", job.id, error)
        return ""
    return THUMBNAIL_FILE


def upload(job: Job, context: StepContext) -> StepResult:
    """Upload the images to get URLs that the service can read."""
    job = replace(job, list_known=context.list_reader.read_before_submit(job, context.client()))
    share = 1.0 / (1 + len(job.views))
    for number, (side, view) in enumerate(job.views.items()):
        with named(side):
            part = context.control.span(number * share, (number + 1) * share)
            url, uploaded = _uploaded(job, view.upload_file, (view.upload_url, view.uploaded), context, part)
        job = replace(job, views={**job.views, side: view._replace(upload_url=url, uploaded=uploaded)})
    if job.image.url:
        return StepResult(job.moved(State.SUBMITTING))
    part = context.control.span(1.0 - share, 1.0)
    url, uploaded = _uploaded(job, job.upload_file, (job.upload_url, job.uploaded), context, part)
    return StepResult(job.moved(State.SUBMITTING, upload_url=url, uploaded=uploaded))


def _uploaded(
    job: Job, file: str, before: tuple[str, float], context: StepContext, control: Control
) -> tuple[str, float]:
    """Returns the URL of an image of the job, and when it was uploaded. A recently uploaded one is used again."""
    from ..formats.image_info import upload_type

    url, uploaded = before
    if url and 0 <= time.time() - uploaded < UPLOAD_LIFETIME:
        return before
    try:
        content = (job.folder / file).read_bytes()
    except OSError as error:
        raise ImageError("The prepared image can't be read: {reason}.", cause=error) from error
    return context.client().upload(content, upload_type(content), control), time.time()
