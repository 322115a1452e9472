# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that is not whole yet: it grows under a name that begins with "~", and remembers what it is a part of."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import StorageError, one_line
from .http.urls import parse_http_url


@dataclass(frozen=True, slots=True)
class Origin:
    """What a partial file is a part of, and how to make sure that the rest belongs to it."""

    total: int | None
    """Bytes of the whole file; None where that isn't known."""
    tag: str
    """A strong ETag; "" where the server gave none."""
    date: str
    """Its Last-Modified header."""
    place: str
    """Host and path it came from: without a tag, only the same address can go on."""

    @classmethod
    def of(cls, url: str, headers: Mapping[str, str], total: int | None) -> Origin:
        """The source that an answer from an address describes."""
        tag = headers.get("ETag", "")
        strong = tag.startswith('"') and tag.isprintable()
        return cls(total, tag if strong else "", headers.get("Last-Modified", ""), _place(url))

    def range_headers(self, url: str, start: int) -> dict[str, str]:
        """What to ask an address with, to get the rest from `start` on; {} where it has to be asked for everything."""
        if not start or self.total is None or start > self.total:
            return {}
        if not self.tag and self.place != _place(url):
            return {}
        condition = self.tag or self.date
        return {"Range": f"bytes={start}-"} | ({"If-Range": condition} if condition else {})

    def is_rest(self, headers: Mapping[str, str], start: int) -> bool:
        """Whether an answer says that it brings just what is missing."""
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
    def memory(self) -> Path:
        """The file that tells the partial file's source."""
        return self.target.with_name(f"~{self.target.name}.json")

    def size(self) -> int:
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def source(self) -> Origin | None:
        """What was remembered; None where that is nothing, or makes no sense."""
        try:
            kept = json.loads(self.memory.read_text("utf-8"))
            total = kept["total"] if isinstance(kept["total"], int) else None
            return Origin(total, str(kept["tag"]), str(kept["date"]), str(kept["place"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def remember(self, source: Origin) -> None:
        kept = {"total": source.total, "tag": source.tag, "date": source.date, "place": source.place}
        self.memory.write_text(json.dumps(kept), "utf-8")

    def finish(self) -> None:
        """Give the file its name. Raises StorageError."""
        with self.disk_errors():
            os.replace(self.path, self.target)
        self.forget()

    def forget(self) -> None:
        for path in (self.path, self.memory):
            with suppress(OSError):  # What can't be removed is overwritten by the next try.
                path.unlink(missing_ok=True)

    @contextmanager
    def disk_errors(self) -> Iterator[None]:
        """Turns what goes wrong with the disk into a StorageError that names the folder."""
        try:
            yield
        except OSError as error:
            why = one_line(error.strerror or error, 80)
            folder = one_line(self.target.parent, 160)
            raise StorageError(f"The file can't be written to {folder}: {why}.") from error


def _place(url: str) -> str:
    parts = parse_http_url(url)
    return f"{parts.netloc}{parts.path}" if parts else ""
