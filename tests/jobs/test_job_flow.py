# SPDX-License-Identifier: GPL-3.0-or-later
"""From image to model without faults, and what an artist can do meanwhile."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from image_to_3d.errors import ImageError, ParameterError
from image_to_3d.jobs.commands import Command
from image_to_3d.jobs.job import State, resume_state
from image_to_3d.jobs.queue import Queue
from journal_rows import states_of
from queues import KEY, a_config, a_request, an_image, rest, states_seen, until, until_journaled
from scripted_service import ScriptedService, answers, to_json


def test_an_image_becomes_a_ready_made_blend(queue: Queue, service: ScriptedService, tmp_path: Path) -> None:
    image_file = tmp_path / "chair.png"
    image_file.write_bytes(an_image())
    job = queue.add(a_request(image=image_file, name="", parameters={"seed": 7}))
    assert job.state is State.QUEUED
    [job] = rest(queue)
    assert (job.state, job.name, str(job.error)) == (State.READY, "chair", "None")
    assert states_seen(queue, job.id) == [
        State.QUEUED,
        State.PREPARING,
        State.UPLOADING,
        State.SUBMITTING,
        State.WAITING,
        State.DOWNLOADING,
        State.IMPORTING,
        State.READY,
    ]
    assert job.model_path
    assert job.model_path.read_bytes() == service.model
    assert job.blend_path
    assert job.blend_path.read_bytes()[:7] == b"BLENDER"
    assert job.details["triangles"] == 12


def test_model_image_settings_and_reply_are_kept_in_one_folder(queue: Queue) -> None:
    queue.add(a_request(parameters={"mesh_simplify": 0.95}))
    [job] = rest(queue)
    assert job.image_path
    assert job.image_path.read_bytes() == an_image()
    record = json.loads((job.folder / "job.json").read_text())
    assert record["parameters"]["mesh_simplify"] == 0.95
    assert json.loads((job.folder / "reply.json").read_text())["generationTime"] == 10.62


def test_the_seed_that_the_service_used_is_kept_even_if_it_exceeds_31_bits(queue: Queue) -> None:
    queue.add(a_request())
    [job] = rest(queue)
    assert job.seed == "3480183101"


def test_a_model_that_is_done_immediately_needs_no_poll(queue: Queue, service: ScriptedService) -> None:
    links = [f"{service.origin}/files/x.glb"]
    service.next("submit", answers(to_json({"status": "success", "id": 5, "output": links, "generationTime": 1.0})))
    queue.add(a_request())
    [job] = rest(queue)
    assert job.state is State.READY
    assert service.count("fetch") == 0


def test_an_image_at_a_public_url_is_not_uploaded(queue: Queue, service: ScriptedService) -> None:
    queue.add(a_request(image="https://example.org/a%20chair.png", name=""))
    [job] = rest(queue)
    assert (job.state, job.name) == (State.READY, "a chair")
    assert service.count("upload") == 0
    assert service.submits[0].body["image"] == "https://example.org/a%20chair.png"
    assert service.submits[0].body["init_image"] == "https://example.org/a%20chair.png"


@pytest.mark.parametrize(
    ("parameters", "words"),
    [({"mesh_simplify": 0.5}, ["mesh_simplify", "0.5", "0.9"]), ({"resolution": 4096}, ["resolution", "512"])],
)
def test_a_value_out_of_range_is_refused_before_anything_is_sent(
    queue: Queue, service: ScriptedService, parameters: dict[str, object], words: list[str]
) -> None:
    with pytest.raises(ParameterError) as caught:
        queue.add(a_request(parameters=parameters))
    assert all(word in str(caught.value) for word in words)
    assert not service.requests
    assert not queue.jobs()


def test_a_missing_image_is_reported_at_once(queue: Queue, tmp_path: Path) -> None:
    for wrong in (tmp_path / "missing.png", tmp_path):
        with pytest.raises(ImageError):
            queue.add(a_request(image=wrong))
    (tmp_path / "empty.png").touch()
    with pytest.raises(ImageError, match="empty"):
        queue.add(a_request(image=tmp_path / "empty.png"))


def test_the_artist_may_delete_the_image_right_after_the_click(queue: Queue, tmp_path: Path) -> None:
    image_file = tmp_path / "chair.png"
    image_file.write_bytes(an_image())
    job = queue.add(a_request(image=image_file))
    until(lambda: (job.folder / "image.png").exists())
    until(lambda: queue.jobs()[0].image.sha256 != "")
    image_file.unlink()
    assert rest(queue)[0].state is State.READY


@pytest.mark.parametrize(
    "state", [State.QUEUED, State.PREPARING, State.UPLOADING, State.SUBMITTING, State.WAITING, State.DOWNLOADING]
)
def test_cancel_works_in_every_state(queue: Queue, service: ScriptedService, state: State) -> None:
    service.latency = 0.15
    service.polls_until_done = 3
    job = queue.add(a_request())
    seen: list[State] = []
    until(lambda: seen.extend(states_seen(queue, job.id)) or state in seen)  # type: ignore[func-returns-value]
    queue.cancel(job.id)
    assert queue.jobs()[0].state is State.CANCELLED
    until(lambda: queue.is_idle())
    time.sleep(0.3)
    assert queue.jobs()[0].state is State.CANCELLED


def test_a_job_cancelled_while_submitting_can_continue_without_a_second_charge(
    queue: Queue, service: ScriptedService
) -> None:
    service.latency = 0.2
    job = queue.add(a_request())
    until(lambda: len(service.submits) == 1)
    queue.cancel(job.id)
    until(lambda: queue.jobs()[0].service_id != "" and queue.is_idle())
    assert resume_state(queue.jobs()[0]) is State.WAITING
    queue.command(job.id, Command.RETRY)
    assert rest(queue)[0].state is State.READY
    assert len(service.submits) == 1


def test_no_more_jobs_run_at_once_than_the_plan_allows(
    make_queue: Callable[..., Queue], service: ScriptedService
) -> None:
    queue = make_queue(limit=3)
    service.polls_until_done = 4
    for number in range(9):
        queue.add(a_request(number))
    most = 0
    while queue.running():
        at_work = {work.id for work in service.submits if work.polls <= service.polls_until_done}
        most = max(most, len(at_work))
        time.sleep(0.01)
    assert most == 3
    assert [job.state for job in queue.jobs()] == [State.READY] * 9


def test_a_thousand_queued_jobs_do_not_need_a_thread_each(
    make_queue: Callable[..., Queue], service: ScriptedService
) -> None:
    queue = make_queue(limit=2)
    service.polls_until_done = 10**6
    before = set(threading.enumerate())  # an earlier test's thread pools may still be ending
    for number in range(1000):
        queue.add(a_request(number))
    until(lambda: len(service.submits) == 2)
    new = set(threading.enumerate()) - before
    assert len([thread for thread in new if thread.name.startswith("image_to_3d")]) <= 20
    assert len(new) <= 60  # including the test service's own, one per connection


def test_no_thread_is_left_without_work(make_queue: Callable[..., Queue]) -> None:
    queue = make_queue()
    queue.add(a_request())
    rest(queue)
    until(lambda: not [t for t in threading.enumerate() if t.name.startswith("image_to_3d queue")], 20)
    lanes = ("image_to_3d network", "image_to_3d files")
    until(lambda: not [t for t in threading.enumerate() if t.name.startswith(lanes)], 20)


def test_jobs_continue_in_the_next_blender(make_queue: Callable[..., Queue], service: ScriptedService) -> None:
    first = make_queue()
    service.polls_until_done = 10**6
    first.add(a_request())
    until(lambda: first.jobs()[0].state is State.WAITING)
    first.stop()
    service.polls_until_done = 0
    second = make_queue()
    second.adopt()
    until(lambda: len(second.jobs()) == 1)
    [job] = rest(second)
    assert job.state is State.READY
    assert len(service.submits) == 1


def test_no_file_contains_the_key(make_queue: Callable[..., Queue], tmp_path: Path, service: ScriptedService) -> None:
    service.next("submit", answers(to_json({"status": "error", "message": f"The key {KEY} is not valid here"})))
    queue = make_queue()
    queue.add(a_request())
    queue.add(a_request(1))
    rest(queue)
    queue.stop()  # else a file may be replaced while it is read
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 5
    for path in files:
        assert KEY.encode() not in path.read_bytes(), path
    assert all(KEY not in str(job.error) for job in queue.jobs())


def test_a_hundred_jobs_cancelled_at_once_are_all_cancelled(
    make_queue: Callable[..., Queue], service: ScriptedService, caplog: pytest.LogCaptureFixture
) -> None:
    queue = make_queue(limit=10)
    service.latency = 0.02
    jobs = [queue.add(a_request(number)) for number in range(100)]
    for job in jobs:
        until_journaled(queue, job)
        queue.cancel(job.id)
    until(lambda: queue.is_idle())
    assert {job.state for job in queue.jobs()} <= {State.CANCELLED, State.READY}
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_a_job_cancelled_while_the_journal_is_busy_is_never_recorded_as_running(
    make_queue: Callable[..., Queue], service: ScriptedService, tmp_path: Path
) -> None:
    queue = make_queue(limit=1)
    service.polls_until_done = 10**6
    first, second = queue.add(a_request()), queue.add(a_request(1))
    until(lambda: queue.job(first.id).state is State.WAITING and queue.is_idle())  # type: ignore[union-attr]
    with closing(sqlite3.connect(tmp_path / "user" / "journal.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        queue.configure(a_config(tmp_path, service.base_url, limit=2))
        until(lambda: not queue.is_idle())  # the second job is being claimed, and waits for the journal
        time.sleep(0.2)
        queue.cancel(second.id)
        other.execute("ROLLBACK")
    until(lambda: states_of(tmp_path / "user", second.id)[-1] == "cancelled")
    assert states_of(tmp_path / "user", second.id) == ["queued", "cancelled"]
    assert len(service.submits) == 1
