# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs over a server that the artist runs: from the image to the .blend, through the real bridge and worker."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from dialect_servers import Hunyuan21, Lemonade, LocalAI, TrellisCpp, running
from image_to_3d.errors import Action
from image_to_3d.jobs.batch_request import BatchRequest
from image_to_3d.jobs.commands import Command
from image_to_3d.jobs.config import LOCAL
from image_to_3d.jobs.job import State
from image_to_3d.jobs.queue import Queue
from image_to_3d.worker.worker_process import WorkerProcess
from local_jobs import MODEL, batch_images, local, notes, now, until_asked
from loopback_services import Loopback
from queues import EAGER, Borrowed, a_queue, a_request, an_image, rest, until
from server_faults import says
from slow_local_server import Machine, machine

pytestmark = pytest.mark.heavy


def test_a_local_server_makes_a_model(make_local_queue: Callable[..., Queue]) -> None:
    server = Lemonade(MODEL)
    with running(server) as address:
        queue = make_local_queue(address)
        queue.add(a_request(parameters={"seed": 7, "resolution": 512}))
        (job,) = rest(queue)
    assert job.error is None
    assert job.state is State.READY
    assert notes(job) == []
    (received,) = server.received
    assert (received.json["seed"], received.json["resolution"]) == (7, 1024)


def test_a_server_is_asked_what_it_is_once_and_again_when_another_runs_at_its_address(
    make_local_queue: Callable[..., Queue],
) -> None:
    before = Lemonade(MODEL)
    with running(before) as address:
        queue = make_local_queue(address)
        for number in range(3):
            queue.add(a_request(number))
        rest(queue)
    assert before.asked.count("GET /v1/health") == 1
    for kind in (LocalAI, TrellisCpp, Hunyuan21):
        after = kind(MODEL)
        with running(after, int(address.rpartition(":")[2])):
            job = queue.add(a_request())
            until(lambda job=job: not now(queue, job).running)  # type: ignore[misc]
        assert now(queue, job).state is State.READY, now(queue, job).error
        assert notes(now(queue, job)) == []


# --- cancel ---------------------------------------------------------------------------------------------------------


def test_a_cancel_ends_the_request_and_the_next_model_is_begun_at_once(
    make_local_queue: Callable[..., Queue], slow: Machine
) -> None:
    queue = make_local_queue(slow.address)
    first = queue.add(a_request(1))
    until_asked(slow)
    second = queue.add(a_request(2))
    until(lambda: now(queue, second).state is State.WAITING)  # it is ready to be made
    queue.cancel(first.id)
    cancelled = time.monotonic()
    until(lambda: slow.server.left == 1 and len(slow.server.received) == 2)
    assert time.monotonic() - cancelled < 2.0
    slow.server.seconds = 0.0
    until(lambda: now(queue, second).state is State.READY)
    queue.command(first.id, Command.RETRY)
    until(lambda: now(queue, first).state is State.READY)
    assert len(slow.server.received) == 3
    assert slow.server.most_at_once == 1
    assert notes(now(queue, first)) == []  # a cancelled request was not lost


def test_a_cancel_that_crosses_polls_is_final(make_local_queue: Callable[..., Queue], slow: Machine) -> None:
    queue = make_local_queue(slow.address)
    for number in range(5):
        job = queue.add(a_request(number))
        until_asked(slow, number + 1)
        time.sleep(0.013 * number)
        queue.cancel(job.id)
        queue.dismiss(job.id)
        until(lambda: slow.server.at_once == 0, 3.0)
    time.sleep(0.5)
    assert slow.server.at_once == 0
    assert queue.jobs() == ()


def test_cancelling_a_batch_ends_the_request_to_the_server(
    make_local_queue: Callable[..., Queue], slow: Machine, tmp_path: Path
) -> None:
    queue = make_local_queue(slow.address)
    batch = queue.add_batch(BatchRequest(batch_images(tmp_path, 4), parameters={"seed": 1}))
    until_asked(slow)
    queue.cancel_batch(batch.id)
    until(lambda: slow.server.left == 1 and queue.running() == 0)
    time.sleep(0.5)
    assert len(slow.server.received) == 1


def test_a_cancel_starts_no_process(tmp_path: Path, worker: WorkerProcess, slow: Machine) -> None:
    services = Loopback(tmp_path / "services")
    queue = a_queue(tmp_path, "", Borrowed(worker), loopback=services, **local(slow.address))
    try:
        job = queue.add(a_request())
        until_asked(slow)
        queue.cancel(job.id)
        until(lambda: slow.server.left == 1)
        services.stop()
        queue.cancel(job.id)  # by a second click
        time.sleep(0.5)
        assert not services.services[LOCAL].running
    finally:
        queue.stop()
        services.stop()


# --- waiting for the server -----------------------------------------------------------------------------------------


def test_a_job_says_that_its_server_is_not_running_and_continues_when_it_is(
    make_local_queue: Callable[..., Queue], slow: Machine
) -> None:
    slow.kill()
    queue = make_local_queue(slow.address)
    job = queue.add(a_request())
    until(lambda: str(now(queue, job).note) == "Waiting for the server: it is not running", 10.0)
    slow.server.seconds = 0.0
    slow.start()
    until(lambda: now(queue, job).state is State.READY)
    assert notes(now(queue, job)) == []
    assert now(queue, job).generation_seconds < 1.5  # without the time that it waited


def test_a_job_that_waits_for_its_server_can_be_cancelled(
    make_local_queue: Callable[..., Queue], slow: Machine
) -> None:
    slow.kill()
    queue = make_local_queue(slow.address)
    job = queue.add(a_request())
    until(lambda: bool(now(queue, job).note), 10.0)
    queue.cancel(job.id)
    time.sleep(0.5)
    slow.start()
    time.sleep(2.5)
    assert slow.server.received == []
    assert now(queue, job).state is State.CANCELLED


def test_a_busy_server_is_waited_for_as_long_as_it_may_take_for_a_model(
    make_local_queue: Callable[..., Queue],
) -> None:
    server = Lemonade(MODEL, faults=[says(503, {"error": {"message": "busy"}})] * 2)
    with running(server) as address:
        queue = make_local_queue(address, wait=1.0)
        job = queue.add(a_request())
        until(lambda: now(queue, job).state is State.READY)


def test_images_of_other_sides_that_a_server_ignores_are_not_sent_and_that_is_said(
    make_local_queue: Callable[..., Queue],
) -> None:
    server = Hunyuan21(MODEL)
    with running(server) as address:
        queue = make_local_queue(address)
        queue.add(a_request(views={"left": an_image(2)}))
        (job,) = rest(queue)
    assert "image_left" not in server.received[0].json
    assert notes(job) == ["The server takes no views of other sides, so it got only the front image."]


def test_a_server_that_never_runs_is_waited_for_once_in_a_batch(
    make_local_queue: Callable[..., Queue], slow: Machine, tmp_path: Path
) -> None:
    slow.kill()
    queue = make_local_queue(slow.address, wait=6.0)
    batch = queue.add_batch(BatchRequest(batch_images(tmp_path, 5)))
    started = time.monotonic()
    until(lambda: [job.state for job in queue.batch_jobs(batch.id)] == [State.FAILED] * 5)
    assert 4.0 < time.monotonic() - started < 20.0  # 30 seconds if each of them waited
    for job in queue.batch_jobs(batch.id):
        error = job.error
        assert error is not None
        assert slow.address in str(error.message)
        assert str(error.advice).startswith("Start the server")
        assert error.action is Action.OPEN_PREFERENCES
    slow.server.seconds = 0.0
    slow.start()
    assert queue.retry_batch(batch.id) == 5  # "Retry Failed"
    until(lambda: [job.state for job in queue.batch_jobs(batch.id)] == [State.READY] * 5)
    assert len(slow.server.received) == 5


# --- lost requests --------------------------------------------------------------------------------------------------


def test_a_request_that_a_restarted_server_lost_is_sent_once_more_and_that_is_said(
    make_local_queue: Callable[..., Queue], slow: Machine
) -> None:
    queue = make_local_queue(slow.address)
    job = queue.add(a_request())
    until_asked(slow)
    slow.kill()
    time.sleep(2.5)  # meanwhile it is asked whether the server is back
    slow.server.seconds = 0.5
    slow.start()
    until(lambda: now(queue, job).state is State.READY)
    assert len(slow.server.received) == 2
    assert notes(now(queue, job)) == ["The connection to the server was lost, so the image was sent again."]


def test_a_request_that_is_lost_twice_is_not_sent_a_third_time(
    make_local_queue: Callable[..., Queue], slow: Machine
) -> None:
    queue = make_local_queue(slow.address)
    job = queue.add(a_request())
    for count in (1, 2):
        until_asked(slow, count)
        slow.kill()
        time.sleep(0.5)
        slow.start()
    until(lambda: now(queue, job).state is State.FAILED)
    assert len(slow.server.received) == 2
    error = now(queue, job).error
    assert error is not None
    assert str(error.message) == (
        "The model was lost twice while the server made it: the connection broke, or Blender ended."
    )
    assert "memory" in str(error.advice)
    slow.server.seconds = 0.0
    queue.command(job.id, Command.RETRY)
    until(lambda: now(queue, job).state is State.READY)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no signals")
def test_a_request_whose_bridge_was_killed_is_sent_once_more(
    make_local_queue: Callable[..., Queue], slow: Machine, loopback: Loopback
) -> None:
    queue = make_local_queue(slow.address)
    job = queue.add(a_request())
    until_asked(slow)
    os.kill(loopback.services[LOCAL].pid, signal.SIGKILL)
    until_asked(slow, 2)
    slow.server.seconds = 0.0
    os.kill(loopback.services[LOCAL].pid, signal.SIGKILL)
    until(lambda: now(queue, job).state is State.FAILED)
    assert len(slow.server.received) == 2
    queue.command(job.id, Command.RETRY)
    until(lambda: now(queue, job).state is State.READY)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no signals")
def test_a_model_whose_bridge_was_killed_before_the_download_is_fetched_from_the_next_bridge(
    tmp_path: Path, worker: WorkerProcess, loopback: Loopback
) -> None:
    class KillsTheBridgeOnce(Borrowed):
        killed = False

        def prestart(self) -> None:  # the first step of a download
            if not self.killed:
                self.killed = True
                os.kill(loopback.services[LOCAL].pid, signal.SIGKILL)

    server = Lemonade(MODEL)
    with running(server) as address:
        slow_to_give_up = replace(EAGER, after_accepted=60.0)
        queue = a_queue(
            tmp_path, "", KillsTheBridgeOnce(worker), loopback=loopback, retry_policy=slow_to_give_up, **local(address)
        )
        try:
            queue.add(a_request())
            (job,) = rest(queue)
        finally:
            queue.stop()
    assert job.state is State.READY
    assert len(server.received) == 1


# --- several jobs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [6, pytest.param(20, marks=pytest.mark.long)])
def test_a_batch_is_made_one_after_the_other_without_pauses(
    make_local_queue: Callable[..., Queue], tmp_path: Path, count: int
) -> None:
    with machine(MODEL, seconds=0.25) as server:
        queue = make_local_queue(server.address)
        batch = queue.add_batch(BatchRequest(batch_images(tmp_path, count)))
        until(lambda: len(queue.batch_jobs(batch.id)) == count and queue.running() == 0)
        jobs = queue.batch_jobs(batch.id)
    assert [job.state for job in jobs] == [State.READY] * count
    assert len(server.server.received) == count
    assert server.server.most_at_once == 1
    assert server.server.idle < 0.35
    report = batch.folder / "report.json"
    until(lambda: json.loads(report.read_bytes())["summary"]["finished"])
    summary, rows = (json.loads(report.read_bytes())[part] for part in ("summary", "items"))
    assert (summary["done"], summary["failed"], summary["waiting"]) == (count, 0, 0)
    assert all(0.2 <= row["seconds"] < 2.0 for row in rows), [row["seconds"] for row in rows]
    # The time in which a job waited for the one before is not its own.
    assert all(job.generation_seconds < 2.0 for job in jobs), [job.generation_seconds for job in jobs]
