# SPDX-License-Identifier: GPL-3.0-or-later
"""What a batch says of its progress, in the panel and in a terminal."""

from __future__ import annotations

import io
from collections import Counter

import pytest
from image_to_3d.jobs.batch import progress
from image_to_3d.jobs.job import State
from image_to_3d.terminal_progress import TerminalProgress, progress_line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_each_image_counts_once_whether_its_job_exists_or_not() -> None:
    states = Counter({State.PLACED: 2, State.READY: 1, State.FAILED: 1, State.UNCONFIRMED: 1, State.WAITING: 2})
    found = progress(10, states)
    assert (found.done, found.failed, found.running, found.waiting, found.cancelled) == (3, 2, 2, 3, 0)
    assert not found.finished
    assert found.fraction == pytest.approx(0.6)


def test_images_without_a_job_are_cancelled_with_their_batch() -> None:
    found = progress(10, Counter({State.PLACED: 4}), cancelled=True)
    assert (found.done, found.cancelled, found.waiting) == (4, 6, 0)
    assert found.finished
    assert found.fraction == 1.0


def test_a_terminal_gets_one_line_that_is_rewritten() -> None:
    stream = Terminal()
    shown = TerminalProgress(stream, "chairs")
    shown.show(progress(4, Counter({State.READY: 1})), 90.0)
    shown.finish(progress(4, Counter({State.READY: 3, State.FAILED: 1})), 125.0)
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert text.startswith("\rchairs: [######")
    assert "25%, 1 of 4 done, 1:30 left" in text
    assert text.rstrip().endswith("chairs: 3 of 4 models in 2:05, 1 failed")


def test_a_file_gets_plain_lines_only_when_something_changed() -> None:
    stream = io.StringIO()
    shown = TerminalProgress(stream, "chairs")
    for _ in range(50):
        shown.show(progress(4, Counter({State.READY: 1})), None)
    shown.show(progress(4, Counter({State.READY: 2})), None)
    lines = stream.getvalue().splitlines()
    assert lines == ["chairs: 25%, 1 of 4 done", "chairs: 50%, 2 of 4 done"]
    assert "\r" not in stream.getvalue()


def test_a_line_names_what_is_running_and_what_failed() -> None:
    line = progress_line("chairs", progress(9, Counter({State.WAITING: 2, State.FAILED: 1})), 3700.0, bar=False)
    assert line == "chairs: 22%, 0 of 9 done, 2 running, 1 failed, 1:01:40 left"


def test_a_line_of_a_batch_that_is_done_has_no_time_left() -> None:
    assert progress_line("chairs", progress(2, Counter({State.READY: 2})), 0.0, bar=False).endswith("2 of 2 done")
