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
from ..api.errors import PictureError, StorageError, readable
from . import records
from .job import Destination, Job, Picture, new_id
from .placing import Placing

_log = logging.getLogger(__name__)

LARGEST_PICTURE: Final = 512 * 1024 * 1024
"""Bytes; a larger file is hardly a picture."""
_LONGEST_NAME: Final = 60
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants made."""

    picture: Path | bytes | str
    """A file, a picture file's content, or a public http(s) address."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Request parameters by the service's own names; what is missing is the default."""
    name: str = ""
    """The model's name; by default the picture's."""
    placing: Placing = field(default_factory=Placing)
    destination: Destination = field(default_factory=Destination)
    place_by_itself: bool = True
    group: str = ""
    """What variations of one model have in common."""


def begin(order: Order, results: Path, service: str, base_url: str) -> Job:
    """A new job for an order. Touches nothing. Raises ParameterError, PictureError."""
    given = {name: value for name, value in order.parameters.items() if name != "image"}
    chosen = parameters.defaults() | parameters.validate(given)
    url = order.picture if isinstance(order.picture, str) else ""
    if url:
        parameters.validate({"image": url})
    elif isinstance(order.picture, Path):
        _check_file(order.picture)
    elif not order.picture:
        raise PictureError("The picture is empty.")
    name = _name(order)
    job_id = new_id()
    suffix = order.picture.suffix.lower() if isinstance(order.picture, Path) else ""
    if not re.fullmatch(r"\.[a-z0-9]{1,5}", suffix):
        suffix = ".png" if isinstance(order.picture, bytes) else ".img"
    now = time.time()
    return Job(
        id=job_id,
        name=name,
        picture=Picture(name=_picture_name(order) or name, file="" if url else f"picture{suffix}", sha256="", url=url),
        parameters=chosen,
        folder=results / f"{job_id}_{_slug(name)}",
        service=service,
        base_url=base_url,
        placing=order.placing.as_json(),
        destination=order.destination,
        place_by_itself=order.place_by_itself,
        group=order.group,
        created=now,
        since=now,
    )


def take_in(job: Job, order: Order) -> Job:
    """Make the job's folder, with a copy of the picture: the artist may change or delete theirs.

    Raises PictureError, StorageError.
    """
    try:
        job.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"The results folder can't be written: {error.strerror}.") from error
    if job.picture.file:
        digest = _copy(order.picture, job.folder / job.picture.file)
        job = replace(job, picture=replace(job.picture, sha256=digest))
    try:
        records.write_record(job)
    except OSError as error:
        raise StorageError(f"The results folder can't be written: {error.strerror}.") from error
    return job


def bring_along(folder: Path, place: Path) -> None:
    """Copy what can be read of a job's folder to another place, where it goes on."""
    try:
        shutil.copytree(folder, place / folder.name, dirs_exist_ok=True)
    except (OSError, shutil.Error) as error:
        _log.warning("not all of %s could be brought along: %s", folder.name, error)


def _check_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise PictureError(f"{readable(path.name)} is a folder, not a picture.")
        size = path.stat().st_size
    except FileNotFoundError:
        raise PictureError(f"There is no picture at {readable(str(path))}.") from None
    except (OSError, ValueError) as error:
        raise PictureError(f"The picture can't be read: {readable(error)}.") from error
    if size == 0:
        raise PictureError(f"{readable(path.name)} is empty.")
    if size > LARGEST_PICTURE:
        raise PictureError(f"{readable(path.name)} is larger than {LARGEST_PICTURE >> 20} MB.")


def _copy(picture: Path | bytes | str, target: Path) -> str:
    """Copy the picture; its SHA-256 as hexadecimal text."""
    digest = hashlib.sha256()
    if isinstance(picture, bytes):
        digest.update(picture)
        try:
            records.write_whole(target, picture)
        except OSError as error:
            raise StorageError(f"The picture can't be kept: {error.strerror}.") from error
        return digest.hexdigest()
    try:
        source = Path(picture).open("rb")  # noqa: SIM115 (its own error differs from the copy's)
    except OSError as error:
        raise PictureError(f"The picture can't be read: {error.strerror}.") from error
    with source:
        try:
            with target.open("wb") as copy:
                while chunk := source.read(_CHUNK):
                    digest.update(chunk)
                    copy.write(chunk)
        except OSError as error:
            raise StorageError(f"The picture can't be copied: {error.strerror}.") from error
    return digest.hexdigest()


def _name(order: Order) -> str:
    return readable(order.name or Path(_picture_name(order)).stem, _LONGEST_NAME) or "Model"


def _picture_name(order: Order) -> str:
    """The picture's own file name; empty for one that comes as bytes."""
    if isinstance(order.picture, Path):
        return readable(order.picture.name)
    return readable(Path(unquote(urlsplit(order.picture).path)).name) if isinstance(order.picture, str) else ""


def _slug(name: str) -> str:
    """A name as part of a folder's name, on any file system."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")[:40] or "model"
