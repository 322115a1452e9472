# SPDX-License-Identifier: GPL-3.0-or-later
"""The time in which the computer sleeps does not count as waiting, and no service can ask for more than an hour."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from image_to_3d.jobs.config import CUSTOM
from image_to_3d.jobs.job import InputImage, Job, State, new_id
from image_to_3d.jobs.journal import Journal
from image_to_3d.jobs.queue import Queue
from queues import EAGER, FAST, a_request, rest, until
from scripted_service import ScriptedService, answers, resets, to_json

MakeQueue = Callable[..., Queue]
NIGHT = 8 * 3600.0


def sleep_through_the_night(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the clock jump, as that of Windows does when the computer wakes."""
    real = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: real() + NIGHT)


def test_a_night_asleep_does_not_count_as_waiting_for_the_service(
    make_queue: MakeQueue, service: ScriptedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = make_queue(timing=replace(FAST, give_up=1800.0))
    service.polls_until_done = 12
    queue.add(a_request())
    until(lambda: service.count("fetch") >= 3)
    sleep_through_the_night(monkeypatch)
    [job] = rest(queue)
    assert job.state is State.READY, job.error
    assert len(service.submits) == 1


def test_a_connection_that_is_not_back_at_once_after_a_night_asleep_is_tried_again(
    make_queue: MakeQueue, service: ScriptedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = make_queue(retry_policy=replace(EAGER, after_accepted=1800.0))
    service.next("fetch", *[resets] * 8)
    queue.add(a_request())
    until(lambda: service.count("fetch") >= 3)
    sleep_through_the_night(monkeypatch)
    [job] = rest(queue)
    assert job.state is State.READY, job.error


@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_of_a_day_is_capped_at_an_hour_and_try_now_ends_it(
    make_queue: MakeQueue, service: ScriptedService, status: int
) -> None:
    queue = make_queue()
    asked = to_json({"status": "error", "message": "come back later"}, status, **{"Retry-After": "86400"})
    service.next("upload", answers(asked))
    queue.add(a_request())
    until(lambda: queue.paused() is not None and queue.is_idle())
    paused = queue.paused()
    assert paused is not None
    assert 3500 < paused[0] <= 3600
    assert "come back later" in str(paused[1])
    queue.try_now()
    assert queue.paused() is None
    [job] = rest(queue)
    assert job.state is State.READY, job.error


def test_jobs_of_a_crashed_blender_are_adopted_when_its_lock_is_released_later(
    make_queue: MakeQueue, service: ScriptedService, tmp_path: Path
) -> None:
    if sys.platform == "win32":
        pytest.skip("the holder uses flock")
    owners = tmp_path / "user" / "owners"
    owners.mkdir(parents=True)
    token = "4711-0123456789ab-0123456789ab"
    lock = owners / f"{token}.lock"
    lock.touch()
    hold = (
        f"import fcntl, sys; f = open({str(lock)!r}); fcntl.flock(f, fcntl.LOCK_EX)\n"
        "print(1, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as crashed:
        assert crashed.stdout is not None
        crashed.stdout.readline()
        work = service.take({})
        queue = make_queue(timing=replace(FAST, adoptions=(0.3, 0.2)))
        job = a_waiting_job(tmp_path, service, work.id)
        Journal(tmp_path / "user", [], token).write(job)
        queue.adopt()
        until(lambda: queue.others_own_jobs)
        time.sleep(0.7)
        assert not queue.jobs()
        crashed.kill()
    lock.unlink()  # its heartbeat would have to be seen to stop for a minute
    until(lambda: len(queue.jobs()) == 1, 10)
    [job] = rest(queue)
    assert job.state is State.READY
    until(lambda: not queue.others_own_jobs)


def a_waiting_job(folder: Path, service: ScriptedService, service_id: str) -> Job:
    job_id = new_id()
    (folder / "results" / job_id).mkdir(parents=True)
    image = InputImage("chair", "image.png", "")
    job = Job(job_id, "chair", image, {}, folder / "results" / job_id, CUSTOM, service.base_url)
    return replace(job, state=State.WAITING, service_id=service_id, sent=1.0)
