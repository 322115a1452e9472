# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores uploaded images, jobs, and their result files for a day, as the service does.

    uploads/TOKEN.png        uploaded images
    jobs/ID.json             one file per job, so that a server started later knows it
    results/TOKEN/ID.glb …   result files

Files are written atomically. Thread-safe, also for two servers on one folder. The total is limited: the oldest files
give way to new ones.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import secrets
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from ..atomic_file import atomic_write

_log = logging.getLogger(__name__)

MAX_AGE: Final = 24 * 3600.0
"""Seconds."""
MAX_UPLOAD_BYTES: Final = 256 * 1024**2
MAX_TOTAL_BYTES: Final = 2 * 1024**3
"""Uploads, jobs and results together."""
_SETTLED_AGE: Final = 900.0
"""Seconds; what is younger may be in use, and gives way to nothing."""
_MIN_ENTRY_BYTES: Final = 64 * 1024
"""What the smallest file counts, so that their number is limited as well."""
TYPES: Final[Mapping[str, str]] = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "glb": "model/gltf-binary",
    "obj": "model/obj",
    "mtl": "model/mtl",
    "stl": "model/stl",
    "ply": "application/octet-stream",
    "mp4": "video/mp4",
}
"""File name extension → Content-Type, of all served files."""


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A job as it is stored."""

    id: int
    token: str
    """The name of its results folder; can't be guessed."""
    created: float
    """Seconds since the epoch."""
    upload: str
    """File name of its image."""
    parameters: Mapping[str, Any]
    """All of them, with defaults and the seed filled in."""
    state: str = "waiting"
    """waiting, done or failed."""
    error: str = ""
    files: Sequence[str] = ()
    """File names of its results."""
    seconds: float = 0.0
    """How long it took."""
    views: Mapping[str, str] = field(default_factory=dict)
    """File names of further images, by the side of the subject that they show."""
    attempts: int = 0
    """How often it was begun."""
    error_info: Mapping[str, Any] = field(default_factory=dict)
    """Message and advice of the error, as data."""
    notes: Sequence[Any] = ()
    """What the artist should know about it: messages as data."""
    target: str = ""
    """See `generator.Generator.target`."""


class StorageFullError(Exception):
    """The limits are reached, and everything is still in use."""


class Storage:
    """The storage folder. Thread-safe. Raises OSError if it can't be written."""

    def __init__(self, folder: Path) -> None:
        self._folders = [folder / name for name in ("uploads", "jobs", "results")]
        self._uploads, self._jobs, self._results = self._folders
        self._lock = threading.Lock()
        for subfolder in self._folders:
            subfolder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def store_upload(self, image: bytes, extension: str) -> str:
        """Store an image. Returns its file name. Raises StorageFullError."""
        self._make_room([self._uploads], MAX_UPLOAD_BYTES, len(image))
        self._make_room(self._folders, MAX_TOTAL_BYTES, len(image))
        name = f"{secrets.token_hex(16)}.{extension}"
        atomic_write(self._uploads / name, image)
        return name

    def upload(self, name: str) -> Path | None:
        """Returns an uploaded image; None if there is none of that name."""
        return _file_in(self._uploads, name)

    def delete_upload(self, name: str) -> None:
        """Delete an upload; one that can't be deleted is deleted with the old ones."""
        with contextlib.suppress(OSError):
            (self._uploads / name).unlink()

    def result(self, token: str, name: str) -> Path | None:
        """Returns a result file; None if there is none of that name."""
        return _file_in(self._results / token, name) if token.isalnum() else None

    def results_folder(self, job: StoredJob) -> Path:
        """Returns the folder for a job's results, created if needed."""
        folder = self._results / job.token
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def create(
        self, upload: str, parameters: Mapping[str, Any], views: Mapping[str, str], target: str = ""
    ) -> StoredJob:
        """Store a new job, and return it. Raises StorageFullError."""
        self._make_room(self._folders, MAX_TOTAL_BYTES, 0)
        while True:
            job_id = 100_000_000 + secrets.randbelow(900_000_000)
            with contextlib.suppress(FileExistsError):
                (self._jobs / f"{job_id}.json").touch(exist_ok=False)
                break
        job = StoredJob(job_id, secrets.token_hex(12), time.time(), upload, dict(parameters))
        job = replace(job, views=dict(views), target=target)
        self.save(job)
        return job

    def save(self, job: StoredJob, **changes: Any) -> StoredJob:
        """Store a job with changes, and return it."""
        job = replace(job, **changes)
        with self._lock:  # the temporary file has the same name in all threads
            atomic_write(self._jobs / f"{job.id}.json", json.dumps(asdict(job), indent=1).encode())
        return job

    def find(self, job_id: str) -> StoredJob | None:
        """Returns the job with that id; None if there is none."""
        path = _file_in(self._jobs, f"{job_id}.json") if job_id.isascii() and job_id.isdigit() else None
        with self._lock:  # on Windows, a file that is being read can't be replaced
            return _read(path) if path else None

    def all(self) -> list[StoredJob]:
        """Returns all jobs, the newest first."""
        with self._lock:
            jobs = [job for path in self._jobs.glob("[0-9]*.json") if (job := _read(path)) is not None]
        return sorted(jobs, key=lambda job: job.created, reverse=True)

    def clean(self) -> None:
        """Delete what is older than a day. Files that can't be deleted are tried again the next time."""
        oldest = time.time() - MAX_AGE
        for path, modified, _size in _entries(self._folders):
            if modified < oldest:
                _delete(path)

    def _make_room(self, folders: Sequence[Path], limit: int, needed: int) -> None:
        """Delete the oldest entries of folders until `needed` bytes fit. Raises StorageFullError."""
        entries = sorted(_entries(folders), key=lambda entry: entry[1])
        total = needed + sum(size for _path, _modified, size in entries)
        for path, modified, size in entries:
            if total <= limit or time.time() - modified < _SETTLED_AGE:
                break
            _delete(path)
            total -= size
        if total > limit:
            raise StorageFullError


def _entries(folders: Sequence[Path]) -> list[tuple[Path, float, int]]:
    """Returns what is in the folders, with the time of its last change and its size in bytes."""
    found = []
    for folder in folders:
        for path in folder.iterdir():
            with contextlib.suppress(OSError):  # such as deleted by another server
                parts = list(path.iterdir()) if path.is_dir() else [path]
                size = sum(max(part.stat().st_size, _MIN_ENTRY_BYTES) for part in parts)
                found.append((path, path.stat().st_mtime, size))
    return found


def _delete(path: Path) -> None:
    with contextlib.suppress(OSError):
        _log.info("deleting %s", path.name)
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()


def _file_in(folder: Path, name: str) -> Path | None:
    """Returns the file with that plain name in a folder; None if there is none."""
    path = folder / name
    return path if re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", name) and path.is_file() else None


def _read(path: Path) -> StoredJob | None:
    """Returns a stored job, of this or another version; None if it can't be read."""
    try:
        values = json.loads(path.read_bytes())
        return StoredJob(**{f.name: values[f.name] for f in fields(StoredJob) if f.name in values})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError):
        _log.warning("%s can't be read and is ignored", path.name)
        return None
