# SPDX-License-Identifier: GPL-3.0-or-later
"""A partial download: a file under a name that begins with "~", and the origin that a range request can resume from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from ..atomic_file import delete, replace
from ..errors import StorageError, one_line
from .http.urls import parse_http_url


@dataclass(frozen=True, slots=True)
class Origin:
    """What a partial file is a part of, and how to make sure that the rest belongs to it."""

    total: int | None
    """Bytes of the complete file; None if unknown."""
    tag: str
    """A strong ETag; "" if the server gave none."""
    date: str
    """The Last-Modified header."""
    place: str
    """Host and path of the URL: without an ETag, only the same URL can be resumed."""

    @classmethod
    def of(cls, url: str, headers: Mapping[str, str], total: int | None) -> Origin:
        """Returns the origin that a response describes."""
        tag = headers.get("ETag", "")
        strong = tag.startswith('"') and tag.isprintable()
        return cls(total, tag if strong else "", headers.get("Last-Modified", ""), _place(url))

    def range_headers(self, url: str, start: int) -> dict[str, str]:
        """Returns the headers that request the rest from `start` on; {} if the file has to be requested as a whole."""
        can_resume = start and self.total is not None and start <= self.total
        if not can_resume or not (self.tag or self.place == _place(url)):
            return {}
        condition = self.tag or self.date
        return {"Range": f"bytes={start}-"} | ({"If-Range": condition} if condition else {})

    def is_rest(self, headers: Mapping[str, str], start: int) -> bool:
        """Whether a response says that it holds exactly the missing bytes."""
        words = headers.get("Content-Range", "").lower().removeprefix("bytes").strip()
        return self.total is not None and words == f"{start}-{self.total - 1}/{self.total}"


@dataclass(frozen=True, slots=True)
class PartialFile:
    """The partial file of a target."""

    target: Path

    @property
    def path(self) -> Path:
        return self.target.with_name(f"~{self.target.name}")

    @property
    def origin_path(self) -> Path:
        """The file that stores the partial file's origin."""
        return self.target.with_name(f"~{self.target.name}.json")

    def size(self) -> int:
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def origin(self) -> Origin | None:
        """Returns the stored origin; None if there is none, or it is invalid."""
        try:
            stored = json.loads(self.origin_path.read_text("utf-8"))
            total = stored["total"] if isinstance(stored["total"], int) else None
            return Origin(total, str(stored["tag"]), str(stored["date"]), str(stored["place"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def remember(self, origin: Origin) -> None:
        self.origin_path.write_text(json.dumps(asdict(origin)), "utf-8")

    def finish(self) -> None:
        """Rename the file to its target. Raises StorageError."""
        with self.disk_errors():
            replace(self.path, self.target)
        self.delete()

    def delete(self) -> None:
        for path in (self.path, self.origin_path):
            with suppress(OSError):  # a file that can't be deleted is overwritten by the next attempt
                delete(path)

    @contextmanager
    def disk_errors(self) -> Iterator[None]:
        """Raises a StorageError that names the folder for an OSError inside."""
        try:
            yield
        except OSError as error:
            raise StorageError(
                "The file can't be written to {folder}: {reason}.",
                folder=one_line(self.target.parent, 160),
                cause=error,
            ) from error


def _place(url: str) -> str:
    parts = parse_http_url(url)
    return f"{parts.netloc}{parts.path}" if parts else ""
