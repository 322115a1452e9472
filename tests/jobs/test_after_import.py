# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh tool runs on each model before it is placed. It never costs the model, and never runs or is paid for twice."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import model_files
import pytest
from image_to_3d.errors import Message
from image_to_3d.jobs import after_import
from image_to_3d.jobs.batch_request import BatchImage, BatchRequest
from image_to_3d.jobs.commands import Command
from image_to_3d.jobs.job import Job, State
from image_to_3d.jobs.progress import fraction_and_eta, status_text
from image_to_3d.jobs.queue import Queue
from image_to_3d.jobs.step_context import StepContext
from image_to_3d.placement import Placement
from image_to_3d.worker.tool_runner import ToolResult
from queues import a_request, an_image, rest, states_seen, until
from scripted_service import ScriptedService, ranged

CLEAN_UP = Placement(after_import="CLEAN_UP")


def without_area() -> bytes:
    """A model file that can be imported, but of which *Clean Up* leaves nothing."""
    scene, binary = model_files.scene_of()
    points = [(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (1.0, 0.0, 0.0)]
    return model_files.glb_of(scene, b"".join(struct.pack("<3f", *point) for point in points) + binary[36:])


def result_of(job: Job) -> ToolResult:
    found = after_import.outcome_of(job)
    assert found is not None
    return found.result


def repairs(job: Job) -> list[str]:
    return [str(Message.from_json(each)) for each in job.details["repairs"]]


def test_the_tool_s_result_is_beside_the_model_and_no_temporary_file_is_left(queue: Queue) -> None:
    job = queue.add(a_request(placement=CLEAN_UP))
    [job] = rest(queue)
    assert (job.state, job.blend_file, job.tool_file) == (State.READY, "model.blend", "model-clean.blend")
    assert states_seen(queue, job.id)[-3:] == [State.IMPORTING, State.PROCESSING, State.READY]
    assert result_of(job).notes
    assert result_of(job).blend == job.folder / "model-clean.blend"
    assert {"model.blend", "model-clean.blend"} <= {path.name for path in job.folder.iterdir()}
    assert list(job.folder.glob("~tool")) == []


def test_a_tool_that_fails_leaves_the_model_as_it_was_generated_and_says_why(
    queue: Queue, service: ScriptedService
) -> None:
    service.model = without_area()
    queue.add(a_request(placement=CLEAN_UP))
    [job] = rest(queue)
    assert (job.state, job.blend_file, job.tool_file, job.error) == (State.READY, "model.blend", "", None)
    assert [text for text in repairs(job) if text.startswith("Clean Up failed: Nothing remains of this mesh")]
    assert repairs(job)[-1].endswith("The model is as it was generated.")
    assert result_of(job).blend is None


def test_an_interrupted_tool_continues_without_paying_or_importing_again(
    make_queue: Callable[..., Queue], service: ScriptedService
) -> None:
    first = make_queue()
    job = first.add(a_request(placement=CLEAN_UP))
    until(lambda: first.jobs()[0].state is State.PROCESSING)
    first.stop()
    made = (job.folder / "model.blend").stat().st_mtime_ns
    second = make_queue()
    second.adopt()
    until(lambda: bool(second.jobs()))
    [job] = rest(second)
    assert (job.state, job.tool_file) == (State.READY, "model-clean.blend")
    assert (job.folder / "model.blend").stat().st_mtime_ns == made
    assert len(service.submits) == 1
    assert State.IMPORTING not in states_seen(second, job.id)


def test_a_tool_during_which_blender_ended_again_and_again_is_given_up(queue: Queue) -> None:
    queue.add(a_request())
    [job] = rest(queue)
    job = replace(job, placement=CLEAN_UP, state=State.PROCESSING, conversions=3)
    job = after_import.process(job, cast(StepContext, None)).job
    assert (job.state, job.conversions) == (State.READY, 0)
    assert "ended 2 times" in repairs(job)[-1]


def test_a_cancelled_tool_leaves_no_file_and_retry_runs_it(queue: Queue, service: ScriptedService) -> None:
    job = queue.add(a_request(placement=CLEAN_UP))
    until(lambda: queue.jobs()[0].state is State.PROCESSING)
    queue.cancel(job.id)
    [job] = rest(queue)
    assert (job.state, job.tool_file) == (State.CANCELLED, "")
    until(queue.is_idle)
    assert list(job.folder.glob("~tool")) == []
    queue.command(job.id, Command.RETRY)
    [job] = rest(queue)
    assert (job.state, job.tool_file, len(service.submits)) == (State.READY, "model-clean.blend", 1)


def test_importing_again_runs_the_tool_again(queue: Queue) -> None:
    queue.add(a_request(placement=CLEAN_UP))
    [job] = rest(queue)
    before = (job.folder / job.tool_file).stat().st_mtime_ns
    queue.command(job.id, Command.IMPORT_AGAIN)
    [job] = rest(queue)
    assert job.state is State.READY
    assert (job.folder / job.tool_file).stat().st_mtime_ns > before


def test_one_model_of_a_batch_whose_tool_fails_does_not_stop_the_others(
    queue: Queue, service: ScriptedService, tmp_path: Path
) -> None:
    service.next("file", lambda request: ranged(request, without_area()))
    images = []
    for number in range(2):
        images.append(BatchImage(tmp_path / f"chair {number}.png"))
        (tmp_path / f"chair {number}.png").write_bytes(an_image(number))
    queue.add_batch(BatchRequest(images, placement=CLEAN_UP))
    until(lambda: len(queue.jobs()) == 2)
    jobs = rest(queue)
    assert [job.state for job in jobs] == [State.READY] * 2
    assert sorted(job.tool_file for job in jobs) == ["", "model-clean.blend"]


def test_the_bar_says_what_the_tool_does_and_never_goes_back(queue: Queue) -> None:
    job = queue.add(a_request())
    job = replace(job, placement=Placement(after_import="REMESH"))
    states = [State.IMPORTING, State.PROCESSING, State.READY]
    fractions = [fraction_and_eta(replace(job, state=s, progress=p), 0.0)[0] for s in states for p in (0.0, 0.5, 1.0)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert str(status_text(replace(job, state=State.PROCESSING), 0.0)) == "Remeshing"


@pytest.mark.parametrize(
    "stored",
    [
        None,
        5,
        {},
        {"name": "FLY"},
        {"name": ["CLEAN_UP"]},
        {"name": "PRINT", "parts": [5, ["a"]], "notes": "x", "facts": 3},
    ],
)
def test_a_strange_record_of_a_tool_does_no_harm(queue: Queue, stored: Any) -> None:
    job = queue.add(a_request())
    found = after_import.outcome_of(replace(job, details={"tool": stored}))
    assert found is None or (found.result.parts, found.result.notes, dict(found.result.facts)) == ((), (), {})


@pytest.mark.parametrize(
    ("placement", "names", "facts"),
    [
        (
            Placement(after_import="REMESH", faces=500, texture_size="512"),
            ["model-quads"],
            {"faces", "quads", "method"},
        ),
        pytest.param(
            Placement(after_import="PRINT", print_height=40.0),
            ["model-print"],
            {"height_mm", "volume_cm3"},
            marks=pytest.mark.long,
        ),
    ],
)
def test_each_tool_s_files_and_facts_belong_to_the_job(
    queue: Queue, placement: Placement, names: list[str], facts: set[str]
) -> None:
    queue.add(a_request(placement=placement))
    [job] = rest(queue)
    assert job.state is State.READY
    assert [name.partition(".")[0] for name in (job.tool_file, *job.made_files)] == names * (1 + len(job.made_files))
    ends = {Path(name).suffix for name in job.made_files}
    assert ends == ({".stl"} if placement.tool == "PRINT" else {".glb"})
    assert facts <= result_of(job).facts.keys()
