# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows a batch's progress in a terminal, as one line that is rewritten; as plain lines where there is no terminal."""

from __future__ import annotations

import time
from typing import Final, TextIO

from .jobs.batch import BatchProgress
from .jobs.progress import format_duration

_BAR: Final = 24
"""Characters."""
_PLAIN_INTERVAL: Final = 30.0
"""Seconds between two lines where the output is no terminal, unless an image has ended."""
_TERMINAL_INTERVAL: Final = 0.2


class TerminalProgress:
    """Writes to `stream`, such as sys.stderr."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream = stream
        self._name = name
        self._rewrites = stream.isatty()
        self._written = ""
        self._ended = -1
        self._next = 0.0

    def show(self, progress: BatchProgress, seconds_left: float | None) -> None:
        """Show the progress, if something has changed or some time has passed. `seconds_left`: None if unknown."""
        now = time.monotonic()
        ended = progress.done + progress.failed + progress.cancelled
        if now < self._next and (self._rewrites or ended == self._ended):
            return
        self._ended = ended
        self._next = now + (_TERMINAL_INTERVAL if self._rewrites else _PLAIN_INTERVAL)
        self._write(progress_line(self._name, progress, seconds_left, bar=self._rewrites))

    def message(self, text: str) -> None:
        """Write a message on a line of its own, above the progress."""
        self._write(text)
        if self._rewrites:
            self._stream.write("\n")
            self._written = ""
            self._next = 0.0

    def finish(self, progress: BatchProgress, seconds: float) -> None:
        """Show the last line: how many models there are, and how long it took."""
        text = f"{self._name}: {progress.done} of {progress.total} models in {format_duration(seconds)}"
        text += f", {progress.failed} failed" if progress.failed else ""
        text += f", {progress.cancelled} cancelled" if progress.cancelled else ""
        self._write(text)
        if self._rewrites:
            self._stream.write("\n")
            self._stream.flush()

    def _write(self, line: str) -> None:
        if self._rewrites:
            padding = " " * max(len(self._written) - len(line), 0)
            self._stream.write(f"\r{line}{padding}")
            self._written = line
        else:
            self._stream.write(f"{line}\n")
        self._stream.flush()


def progress_line(name: str, progress: BatchProgress, seconds_left: float | None, *, bar: bool) -> str:
    """Returns a batch's progress as one line of text."""
    parts = [f"{progress.done} of {progress.total} done"]
    parts += [f"{progress.running} running"] if progress.running else []
    parts += [f"{progress.failed} failed"] if progress.failed else []
    parts += [f"{format_duration(seconds_left)} left"] if seconds_left is not None and not progress.finished else []
    filled = round(progress.fraction * _BAR)
    drawn = f"[{'#' * filled}{'.' * (_BAR - filled)}] " if bar else ""
    return f"{name}: {drawn}{progress.fraction:.0%}, {', '.join(parts)}"
