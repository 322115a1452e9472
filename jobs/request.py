# SPDX-License-Identifier: GPL-3.0-or-later
"""A request for a job: validation when it is made, and storing its image before anything is sent."""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
import time
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from ..api import parameters
from ..atomic_file import make_as_private
from ..errors import ImageError, ParameterError, StorageError, one_line
from ..placement import Placement
from . import serialization, spool
from .job import InputImage, Job, TargetScene, View, new_id
from .views import check_sides, named

_log = logging.getLogger(__name__)

MAX_IMAGE_BYTES: Final = 512 * 1024 * 1024
MAX_NAME: Final = 60
_MAX_SLUG: Final = 20
"""Paths are short: Windows allows 260 characters."""
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What somebody wants to be generated."""

    image: Path | bytes | str
    """A file, an image file's content, or a public http(s) URL."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Request parameters by the service's names; the others get their defaults."""
    name: str = ""
    """The model's name; by default the image's."""
    placement: Placement = field(default_factory=Placement)
    target_scene: TargetScene = field(default_factory=TargetScene)
    place_by_itself: bool = True
    group: str = ""
    """Shared by the variations of one model."""
    id: str = ""
    """The job's id; by default a new one."""
    batch: str = ""
    """The id of the batch that the job belongs to."""
    columns: int = -1
    """See `Job.columns`."""
    image_name: str = ""
    """The name of the image that the artist chose, if the file is a copy of it."""
    views: Mapping[str, Path | bytes] = field(default_factory=dict)
    """Further images of the subject, by the side that they show: files, or image files' contents."""


def create_job(request: JobRequest, results: Path, service: str, base_url: str) -> Job:
    """Returns a new job, validated. Writes nothing. Raises ParameterError, ImageError."""
    check_images(request)
    return unchecked_job(request, results, service, base_url)


def check_images(request: JobRequest) -> None:
    """Raises ImageError or ParameterError if what is given as an image can't be one."""
    check_image(request.image)
    check_sides(request.views)
    for side, view in request.views.items():
        with named(side):
            check_image(view)


def checked_parameters(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a job's parameters as they are sent, without its images and without defaults. Raises ParameterError."""
    checked = parameters.validate({name: value for name, value in values.items() if name != "image"})
    for name in checked:
        if parameters.PARAMETERS[name].group == "view":
            raise ParameterError(
                "{name} can't be given as a parameter.", advice="Give the file as a view of that side.", name=name
            )
    return checked


def check_image(image: Path | bytes | str) -> None:
    """Raises ImageError or ParameterError if this can't be an image."""
    if isinstance(image, str):
        parameters.validate({"image": image})
    elif isinstance(image, Path):
        _check_file(image)
    elif not image:
        raise ImageError("The image is empty.")


def unchecked_job(request: JobRequest, results: Path, service: str, base_url: str) -> Job:
    """Returns a new job, without a look at its image. Writes nothing. Raises ParameterError."""
    given = checked_parameters(request.parameters)
    image_name = _image_name(request)
    name = one_line(request.name or Path(image_name).stem, MAX_NAME) or "Model"
    job_id = request.id or new_id()
    now = time.time()
    url = request.image if isinstance(request.image, str) else ""
    image_file = "" if url else f"image{_suffix(request.image)}"
    views = {
        side: View(one_line(view.name) if isinstance(view, Path) else "", f"view-{side}{_suffix(view)}")
        for side, view in request.views.items()
    }
    return Job(
        id=job_id,
        name=name,
        image=InputImage(image_name or name, image_file, sha256="", url=url),
        parameters=parameters.defaults() | given,
        folder=results / f"{job_id}_{slug(name)}",
        service=service,
        base_url=base_url,
        placement=request.placement,
        target_scene=request.target_scene,
        place_by_itself=request.place_by_itself,
        group=request.group,
        batch=request.batch,
        columns=request.columns,
        views=views,
        created=now,
        since=now,
    )


def store_input(job: Job, request: JobRequest) -> Job:
    """Create the job's folder with copies of the images: the artist may change or delete the originals.

    Returns the job with the images' hashes. Raises ImageError, StorageError.
    """
    try:
        make_as_private(job.folder)
        if job.image.file:
            sha256 = _copy(request.image, job.folder / job.image.file)
            job = replace(job, image=job.image._replace(sha256=sha256))
        for side, view in job.views.items():
            with named(side):
                stored = view._replace(sha256=_copy(request.views[side], job.folder / view.file))
            job = replace(job, views={**job.views, side: stored})
        serialization.write_job_file(job)
    except OSError as error:
        raise StorageError("The results folder can't be written: {reason}.", cause=error) from error
    return job


def discard_spooled(request: JobRequest) -> None:
    """Delete images that were written for this job alone, which has copies now."""
    for image in (request.image, *request.views.values()):
        if isinstance(image, Path):
            spool.discard(image)


def copy_job_folder(folder: Path, results: Path) -> None:
    """Copy what can be read of a job's folder to another results folder, where the job continues."""
    try:
        shutil.copytree(folder, results / folder.name, dirs_exist_ok=True)
    except (OSError, shutil.Error) as error:
        _log.warning("not all of %s could be copied: %s", folder.name, error)


def _check_file(path: Path) -> None:
    name = one_line(path.name)
    try:
        if path.is_dir():
            raise ImageError("{name} is a folder, not an image.", name=name)
        size = path.stat().st_size
    except FileNotFoundError:
        raise ImageError("Image not found: {path}.", path=one_line(str(path))) from None
    except OSError as error:
        raise ImageError("The image can't be read: {reason}.", cause=error) from error
    except ValueError as error:
        raise ImageError("The image can't be read: {reason}.", reason=one_line(error)) from error
    if size == 0:
        raise ImageError("{name} is empty.", name=name)
    if size > MAX_IMAGE_BYTES:
        raise ImageError("{name} is larger than {limit} MB.", name=name, limit=MAX_IMAGE_BYTES >> 20)


def _suffix(image: Path | bytes | str) -> str:
    """Returns the extension for a job's copy of an image."""
    if isinstance(image, Path) and re.fullmatch(r"\.[a-zA-Z0-9]{1,5}", image.suffix):
        return image.suffix.lower()
    return ".png" if isinstance(image, bytes) else ".img"


def _copy(image: Path | bytes | str, target: Path) -> str:
    """Copy an image. Returns its SHA-256. Raises ImageError, OSError."""
    digest = hashlib.sha256()
    with target.open("wb") as copy:
        for chunk in _chunks(image):
            digest.update(chunk)
            copy.write(chunk)
    return digest.hexdigest()


def _chunks(image: Path | bytes | str) -> Iterator[bytes]:
    """Yields the image's bytes. Raises ImageError if the file can't be read."""
    if isinstance(image, bytes):
        yield image
        return
    spool.wait(Path(image))
    try:
        with Path(image).open("rb") as source:
            while chunk := source.read(_CHUNK):
                yield chunk
    except OSError as error:
        raise ImageError("The image can't be read: {reason}.", cause=error) from error


def _image_name(request: JobRequest) -> str:
    """Returns the image's file name; empty for one that is given as bytes and has no name."""
    if request.image_name:
        return one_line(request.image_name)
    if isinstance(request.image, Path):
        return one_line(request.image.name)
    return one_line(Path(unquote(urlsplit(request.image).path)).name) if isinstance(request.image, str) else ""


def slug(name: str) -> str:
    """Returns the name as a part of a folder name that is valid on any file system."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "-", ascii_name)[:_MAX_SLUG].strip("-") or "model"
