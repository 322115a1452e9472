# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run writes: one JSON line per image on stdout, and nothing else there; progress and messages on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any, Final, Protocol, TextIO

from ..errors import ErrorInfo, one_line
from ..jobs.batch import Batch, BatchItem, BatchProgress, kind_of
from ..jobs.job import Job
from ..jobs.report import row_of
from ..terminal_progress import TerminalProgress, progress_line

UNFINISHED: Final = "unfinished"
"""The state of an image that had not ended when the run was interrupted."""

_FILE_KEYS: Final = ("model_file", "blend_file", "preview_file")


class Progress(Protocol):
    """Shows the progress of a run."""

    def show(self, progress: BatchProgress, seconds_left: float | None) -> None: ...

    def message(self, text: str) -> None: ...

    def finish(self, progress: BatchProgress, seconds: float) -> None: ...


class OpenJobProgress:
    """Shows progress as the messages of Open Job Description, which a farm reads from a task's output."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream = stream
        self._name = name
        self._written: tuple[int, ...] = ()

    def show(self, progress: BatchProgress, seconds_left: float | None) -> None:
        """Write the progress if something has changed."""
        if progress[1:6] == self._written:
            return
        self._written = progress[1:6]
        self._write("progress", f"{100 * progress.fraction:.1f}")
        self._write("status", progress_line(self._name, progress, seconds_left, bar=False))

    def message(self, text: str) -> None:
        """Write a message for people, on a line of its own."""
        self._stream.write(f"{one_line(text)}\n")

    def finish(self, progress: BatchProgress, seconds: float) -> None:
        """Write the last progress."""
        self.show(progress, None)

    def _write(self, kind: str, text: str) -> None:
        self._stream.write(f"openjd_{kind}: {one_line(text)}\n")
        self._stream.flush()


class ResultLines:
    """Writes the JSON lines. A reader that has gone away does not stop the run: its models are paid for."""

    def __init__(self, stream: TextIO) -> None:
        self._stream: TextIO | None = stream

    def write(self, line: Mapping[str, Any]) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(json.dumps(line) + "\n")
            self._stream.flush()
        except OSError as error:
            self._stream = None
            say(f"The results can't be written to stdout any more: {error.strerror}.")


def take_stdout() -> TextIO:
    """Returns a stream for stdout, and leads all else that this process writes there to stderr, until it ends."""
    try:
        descriptor = os.dup(1)
        os.dup2(2, 1)
    except OSError:  # there is no stdout
        return open(os.devnull, "w", encoding="utf-8")
    return open(descriptor, "w", encoding="utf-8", newline="\n")


def say(text: str) -> None:
    """Write a message for the person at the terminal."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def make_progress(name: str, *, openjd: bool) -> Progress:
    """Returns what shows the progress of a run."""
    return OpenJobProgress(sys.stderr, name) if openjd else TerminalProgress(sys.stderr, name)


def line_of(batch: Batch, job: Job, item: BatchItem, *, skipped: bool) -> dict[str, Any]:
    """Returns the JSON line of an image whose job exists. Its keys are documented in docs/command-line.md."""
    row = row_of(batch, job, item)
    paths = {key.removesuffix("_file"): str(batch.folder / row[key]) if row[key] else None for key in _FILE_KEYS}
    return {
        "image": item.image,
        "state": UNFINISHED if job.running else kind_of(job.state),
        "name": job.name,
        **paths,
        "video": str(job.video_path) if job.video_path else None,
        "files": [str(batch.folder / path) for path in row["tool_files"]],
        "folder": str(job.folder),
        "seed": row["seed"] or None,
        "triangles": row["triangles"],
        "dimensions": row["dimensions"],
        "seconds": row["seconds"],
        "warnings": [*row["warnings"], *row["notes"], *row["repairs"]],
        "skipped": skipped,
        "job": job.id,
        "error": error_of(job.error),
    }


def line_without_job(item: BatchItem, error: ErrorInfo | None) -> dict[str, Any]:
    """Returns the JSON line of an image whose job does not exist yet, or that another Blender has taken over."""
    empty = ("model", "blend", "preview", "video", "folder", "seed", "triangles", "dimensions", "seconds")
    return {
        "image": item.image,
        "state": "failed" if error else UNFINISHED,
        "name": item.name,
        **dict.fromkeys(empty),
        "files": [],
        "warnings": [],
        "skipped": False,
        "job": item.job_id,
        "error": error_of(error),
    }


def error_of(error: ErrorInfo | None) -> dict[str, str] | None:
    """Returns an error as the JSON lines have it."""
    if error is None:
        return None
    return {
        "code": error.code,
        "message": str(error.message),
        "advice": str(error.advice),
        "action": str(error.action),
    }
