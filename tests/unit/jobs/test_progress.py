# SPDX-License-Identifier: GPL-3.0-or-later
"""Every state has a label, and a bar never runs backward."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from image_to_3d.errors import NO_MESSAGE, Message
from image_to_3d.jobs import progress
from image_to_3d.jobs.job import RUNNING_STATES, TRANSITIONS, InputImage, Job, State


def a_job(state: State, **changes: float) -> Job:
    return Job("1", "chair", InputImage("chair", "", ""), {}, Path(), "MODELSLAB", state=state, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_a_label_and_can_be_left_or_resumed(state: State) -> None:
    assert progress.LABELS[state]
    assert TRANSITIONS[state]


def test_every_running_state_has_its_part_of_the_progress_bar() -> None:
    spans = [progress._SPANS[state] for state in RUNNING_STATES]
    assert all(start <= end for start, end in spans)
    assert [start for start, _ in spans] == sorted(start for start, _ in spans)


def test_the_bar_never_reaches_its_end_before_the_service_is_done() -> None:
    times = [0.0, 10.0, 39.0, 41.0, 400.0, 4000.0]
    shown = [progress.fraction_and_eta(a_job(State.WAITING, expected=40.0, submitted=0.0), now) for now in times]
    fractions = [fraction for fraction, _ in shown]
    assert fractions == sorted(fractions)
    assert fractions[-1] < 0.8
    assert shown[0][1] == pytest.approx(48.0)
    assert shown[-1][1] is None


def test_the_time_left_falls_and_is_replaced_by_words_when_it_was_too_short() -> None:
    job = a_job(State.WAITING, expected=40.0, submitted=0.0)
    lefts = [left for now in range(40) if (left := progress.fraction_and_eta(job, float(now))[1]) is not None]
    assert lefts == sorted(lefts, reverse=True)
    assert min(lefts) > 0
    assert str(progress.status_text(job, 10.0)) == "Generating 0:38"
    assert str(progress.status_text(job, 41.0)) == str(progress.status_text(job, 4000.0)) == "Longer than usual"
    assert str(progress.status_text(a_job(State.DOWNLOADING), 10.0)) == "Downloading"


def test_the_offline_preview_does_not_say_that_it_uploads() -> None:
    uploading = a_job(State.UPLOADING)
    assert str(progress.status_text(uploading, 10.0)) == "Uploading"
    assert str(progress.status_text(replace(uploading, service="OFFLINE"), 10.0)) == "Preparing"


def test_a_job_that_waits_for_the_artists_server_does_not_say_that_it_generates() -> None:
    waiting = replace(a_job(State.WAITING, expected=60.0, submitted=10.0), service="LOCAL", note=Message("Why"))
    assert str(progress.status_text(waiting, 30.0)) == "Waiting"
    assert progress.fraction_and_eta(waiting, 30.0) == progress.fraction_and_eta(waiting, 300.0)
    assert str(progress.status_text(replace(waiting, note=NO_MESSAGE), 30.0)) == "Generating 0:48"


@pytest.mark.parametrize(("seconds", "text"), [(-1, "0:00"), (45, "0:45"), (725, "12:05"), (3720, "1:02:00")])
def test_durations_read_as_artists_expect(seconds: float, text: str) -> None:
    assert progress.format_duration(seconds) == text


def test_the_list_says_that_a_point_cloud_is_no_mesh() -> None:
    told = "the file has 792 points instead of a mesh"
    assert str(progress.no_mesh_note({"triangles": 0, "repairs": [told]})) == told
    assert progress.no_mesh_note({"triangles": 12, "repairs": ["2 faces were turned"]}) == NO_MESSAGE
    assert progress.no_mesh_note({}) == NO_MESSAGE
