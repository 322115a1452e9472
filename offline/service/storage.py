# SPDX-License-Identifier: GPL-3.0-or-later
"""What the offline preview keeps: uploaded images, jobs, and the files made for them. For a day, as the service does.

    uploads/TOKEN.png        images sent to it
    jobs/ID.json             one file a job, so that a server started later still knows it
    results/TOKEN/ID.glb …   what was made

Each file is written under another name and renamed when it is whole. Safe to use from several
threads, and from two servers on one folder.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

_log = logging.getLogger(__name__)

KEPT_SECONDS: Final = 24 * 3600.0
TYPES: Final[Mapping[str, str]] = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "bmp": "image/bmp",
    "tif": "image/tiff",
    "gif": "image/gif",
    "glb": "model/gltf-binary",
    "obj": "model/obj",
    "mtl": "model/mtl",
    "stl": "model/stl",
    "ply": "application/octet-stream",
    "mp4": "video/mp4",
}
"""File name extension → Content-Type, of all that is served."""


@dataclass(frozen=True, slots=True)
class Record:
    """A job as it is kept."""

    id: int
    token: str
    """Names the folder of its results; not to be guessed."""
    created: float
    """Seconds since the epoch."""
    upload: str
    """File name of its image."""
    parameters: Mapping[str, Any]
    """All of them, defaults filled in, the seed settled."""
    state: str = "waiting"
    """waiting, done or failed."""
    error: str = ""
    files: tuple[str, ...] = field(default=())
    """File names of its results."""
    seconds: float = 0.0
    """How long it took to make."""


class Storage:
    """The folder. Raises OSError where it can't be written."""

    def __init__(self, folder: Path) -> None:
        self._uploads = folder / "uploads"
        self._jobs = folder / "jobs"
        self._results = folder / "results"
        self._lock = threading.Lock()
        for place in (self._uploads, self._jobs, self._results):
            place.mkdir(parents=True, exist_ok=True)

    def keep_upload(self, image: bytes, kind: str) -> str:
        """Keep an image (`kind`: its file name extension); its file name."""
        name = f"{secrets.token_hex(16)}.{kind}"
        _write(self._uploads / name, image)
        return name

    def upload(self, name: str) -> Path | None:
        """An uploaded image; None where there is none of that name."""
        return _inside(self._uploads, name)

    def result(self, token: str, name: str) -> Path | None:
        """A result file; None where there is none of that name."""
        return _inside(self._results / token, name) if token.isalnum() else None

    def workplace(self, record: Record) -> Path:
        """The folder for a job's results."""
        place = self._results / record.token
        place.mkdir(parents=True, exist_ok=True)
        return place

    def new(self, upload: str, parameters: Mapping[str, Any]) -> Record:
        """A new job, kept."""
        while True:
            number = 100_000_000 + secrets.randbelow(900_000_000)
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self._jobs / f"{number}.json", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
                break
        record = Record(number, secrets.token_hex(12), time.time(), upload, dict(parameters))
        self.keep(record)
        return record

    def keep(self, record: Record, **changes: Any) -> Record:
        """Keep a job, with changes."""
        record = replace(record, **changes)
        with self._lock:
            _write(self._jobs / f"{record.id}.json", json.dumps(asdict(record), indent=1).encode())
        return record

    def find(self, number: str) -> Record | None:
        """The job of that id."""
        path = _inside(self._jobs, f"{number}.json") if number.isascii() and number.isdigit() else None
        return _read(path) if path else None

    def all(self) -> list[Record]:
        """Every job, the newest first."""
        found = [record for path in self._jobs.glob("*.json") if (record := _read(path)) is not None]
        return sorted(found, key=lambda record: record.created, reverse=True)

    def clean(self) -> None:
        """Remove what is older than a day. What can't be removed is left for the next time."""
        oldest = time.time() - KEPT_SECONDS
        for place in (self._uploads, self._jobs, self._results):
            for path in _older(place, oldest):
                _log.info("removing %s", path.name)
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    with contextlib.suppress(OSError):
                        path.unlink()


def _older(place: Path, oldest: float) -> Iterator[Path]:
    for path in list(place.iterdir()):
        with contextlib.suppress(OSError):  # gone meanwhile
            if path.stat().st_mtime < oldest:
                yield path


def _inside(place: Path, name: str) -> Path | None:
    """The file of that plain name in a folder."""
    if not name or name.startswith((".", "~")) or not all(c.isascii() and (c.isalnum() or c in "._-") for c in name):
        return None
    path = place / name
    return path if path.is_file() else None


def _read(path: Path) -> Record | None:
    try:
        values = json.loads(path.read_bytes())
        known = {f.name for f in fields(Record)}
        record = Record(**{name: value for name, value in values.items() if name in known})
        return replace(record, files=tuple(record.files))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, AttributeError):
        _log.warning("%s can't be read and is passed over", path.name)
        return None


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(f"~{secrets.token_hex(4)}-{path.name}")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise
