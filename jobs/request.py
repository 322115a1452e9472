# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking an order in: what is checked at once, and what is put into the job's folder before anything is sent."""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
import time
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from ..api import parameters
from ..atomic_file import atomic_write
from ..errors import ImageError, StorageError, one_line
from ..placement import Placement
from . import serialization
from .job import InputImage, Job, TargetScene, new_id

_log = logging.getLogger(__name__)

LARGEST_IMAGE: Final = 512 * 1024 * 1024
"""Bytes; a larger file is hardly an image."""
_LONGEST_NAME: Final = 60
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What somebody wants made."""

    image: Path | bytes | str
    """A file, an image file's content, or a public http(s) address."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Request parameters by the service's own names; what is missing is the default."""
    name: str = ""
    """The model's name; by default the image's."""
    placement: Placement = field(default_factory=Placement)
    target_scene: TargetScene = field(default_factory=TargetScene)
    place_by_itself: bool = True
    group: str = ""
    """What variations of one model have in common."""


def begin(order: JobRequest, results: Path, service: str, base_url: str) -> Job:
    """A new job for an order. Touches nothing. Raises ParameterError, ImageError."""
    given = {name: value for name, value in order.parameters.items() if name != "image"}
    chosen = parameters.defaults() | parameters.validate(given)
    url = order.image if isinstance(order.image, str) else ""
    if url:
        parameters.validate({"image": url})
    elif isinstance(order.image, Path):
        _check_file(order.image)
    elif not order.image:
        raise ImageError("The image is empty.")
    name = _name(order)
    job_id = new_id()
    suffix = order.image.suffix.lower() if isinstance(order.image, Path) else ""
    if not re.fullmatch(r"\.[a-z0-9]{1,5}", suffix):
        suffix = ".png" if isinstance(order.image, bytes) else ".img"
    now = time.time()
    return Job(
        id=job_id,
        name=name,
        image=InputImage(name=_image_name(order) or name, file="" if url else f"image{suffix}", sha256="", url=url),
        parameters=chosen,
        folder=results / f"{job_id}_{_slug(name)}",
        service=service,
        base_url=base_url,
        placement=order.placement.to_json(),
        target_scene=order.target_scene,
        place_by_itself=order.place_by_itself,
        group=order.group,
        created=now,
        since=now,
    )


def store_input(job: Job, order: JobRequest) -> Job:
    """Make the job's folder, with a copy of the image: the artist may change or delete theirs.

    Raises ImageError, StorageError.
    """
    try:
        job.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"The results folder can't be written: {error.strerror}.") from error
    if job.image.file:
        digest = _copy(order.image, job.folder / job.image.file)
        job = replace(job, image=replace(job.image, sha256=digest))
    try:
        serialization.write_record(job)
    except OSError as error:
        raise StorageError(f"The results folder can't be written: {error.strerror}.") from error
    return job


def copy_job_folder(folder: Path, place: Path) -> None:
    """Copy what can be read of a job's folder to another place, where it goes on."""
    try:
        shutil.copytree(folder, place / folder.name, dirs_exist_ok=True)
    except (OSError, shutil.Error) as error:
        _log.warning("not all of %s could be brought along: %s", folder.name, error)


def _check_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise ImageError(f"{one_line(path.name)} is a folder, not an image.")
        size = path.stat().st_size
    except FileNotFoundError:
        raise ImageError(f"There is no image at {one_line(str(path))}.") from None
    except (OSError, ValueError) as error:
        raise ImageError(f"The image can't be read: {one_line(error)}.") from error
    if size == 0:
        raise ImageError(f"{one_line(path.name)} is empty.")
    if size > LARGEST_IMAGE:
        raise ImageError(f"{one_line(path.name)} is larger than {LARGEST_IMAGE >> 20} MB.")


def _copy(image: Path | bytes | str, target: Path) -> str:
    """Copy the image; its SHA-256 as hexadecimal text."""
    digest = hashlib.sha256()
    if isinstance(image, bytes):
        digest.update(image)
        try:
            atomic_write(target, image)
        except OSError as error:
            raise StorageError(f"The image can't be kept: {error.strerror}.") from error
        return digest.hexdigest()
    try:
        source = Path(image).open("rb")  # noqa: SIM115 (its own error differs from the copy's)
    except OSError as error:
        raise ImageError(f"The image can't be read: {error.strerror}.") from error
    with source:
        try:
            with target.open("wb") as copy:
                while chunk := source.read(_CHUNK):
                    digest.update(chunk)
                    copy.write(chunk)
        except OSError as error:
            raise StorageError(f"The image can't be copied: {error.strerror}.") from error
    return digest.hexdigest()


def _name(order: JobRequest) -> str:
    return one_line(order.name or Path(_image_name(order)).stem, _LONGEST_NAME) or "Model"


def _image_name(order: JobRequest) -> str:
    """The image's own file name; empty for one that comes as bytes."""
    if isinstance(order.image, Path):
        return one_line(order.image.name)
    return one_line(Path(unquote(urlsplit(order.image).path)).name) if isinstance(order.image, str) else ""


def _slug(name: str) -> str:
    """A name as part of a folder's name, on any file system."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")[:40] or "model"
