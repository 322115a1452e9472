# SPDX-License-Identifier: GPL-3.0-or-later
"""Two Blenders on one user folder where file locks have no effect, as on some network drives: each job is paid once."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from image_to_3d.errors import StorageError
from image_to_3d.jobs import process_lock
from image_to_3d.jobs.commands import Command
from image_to_3d.jobs.job import State
from image_to_3d.jobs.journal import Journal
from image_to_3d.jobs.process_lock import ProcessLock
from image_to_3d.jobs.queue import Queue
from queues import a_request, rest, until
from scripted_service import ScriptedService

fcntl = pytest.importorskip("fcntl")


@pytest.fixture(autouse=True)
def locks_without_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)


def test_a_live_blenders_jobs_are_not_taken_over(make_queue: Callable[..., Queue], service: ScriptedService) -> None:
    first, second = make_queue(), make_queue()
    service.polls_until_done = 5
    for number in range(4):
        first.add(a_request(number))
    for _ in range(20):
        second.adopt()
        time.sleep(0.05)
    assert second.jobs() == ()
    assert second.others_own_jobs
    assert [job.state for job in rest(first)] == [State.READY] * 4
    assert len(service.submits) == 4


def test_two_blenders_that_take_each_other_for_dead_pay_for_each_job_once(
    make_queue: Callable[..., Queue], service: ScriptedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_lock, "HEARTBEAT_TIMEOUT", -1.0)  # a heartbeat that was seen twice has stopped
    service.latency = 0.05
    first, second = make_queue(), make_queue()
    for number in range(6):
        first.add(a_request(number))
        second.add(a_request(number + 10))
    stop = threading.Event()

    def take_over() -> None:
        while not stop.wait(0.05):
            first.adopt()
            second.adopt()

    thread = threading.Thread(target=take_over)
    thread.start()
    try:
        until(lambda: len(service.submits) >= 6)
    finally:
        stop.set()
        thread.join()
    rest(first)
    rest(second)
    for queue in (first, second):  # both may have written the same files; what failed there needs no second payment
        for job in queue.jobs():
            if job.state is State.FAILED:
                queue.command(job.id, Command.RETRY)
        rest(queue)
    paid = [submit.body["track_id"] for submit in service.submits]
    assert len(paid) == len(set(paid))
    # One that was taken over while it was sent may be unconfirmed: the artist decides. None is lost.
    listed = {job.id: job.state for job in (*first.jobs(), *second.jobs())}
    assert len(listed) == 12
    assert set(listed.values()) <= {State.READY, State.UNCONFIRMED}


def test_a_job_that_another_blender_took_over_is_not_submitted_here(
    make_queue: Callable[..., Queue], service: ScriptedService, tmp_path: Path
) -> None:
    first = make_queue()
    service.polls_until_done = 10**6
    for number in range(3):
        first.add(a_request(number))
    until(lambda: all(job.state is State.WAITING for job in first.jobs()))
    [owner] = Journal(tmp_path / "user", [], "thief").owners()
    Journal(tmp_path / "user", [], "thief").take_over(owner)
    job = first.jobs()[0]
    first.cancel(job.id)
    until(first.is_idle)
    first.command(job.id, Command.SEND_AGAIN)
    until(lambda: job.id not in {job.id for job in first.jobs()})
    assert len(service.submits) == 3


def test_a_folder_without_file_locks_is_reported_with_what_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(StorageError, match="IMAGE_TO_3D_DATA"):
        ProcessLock(tmp_path)
    with pytest.raises(StorageError, match="can't be locked"):
        Journal(tmp_path, [], "me")


def test_a_process_on_another_computer_is_dead_only_after_its_heartbeat_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_lock, "HEARTBEAT_TIMEOUT", 0.3)
    other = tmp_path / "1-0123456789ab-0123456789ab.lock"
    other.touch()
    me = ProcessLock(tmp_path)
    until_dead = time.monotonic() + 1.0
    while time.monotonic() < until_dead:
        os.utime(other, ns=(time.time_ns(), time.time_ns()))
        with me.claim_dead(other.stem) as dead:
            assert not dead
        time.sleep(0.1)
    time.sleep(0.5)
    with me.claim_dead(other.stem) as dead:
        assert dead
    me.release()


def test_blenders_that_start_at_the_same_moment_share_a_new_journal(tmp_path: Path) -> None:
    errors: list[StorageError] = []

    def open_journal(folder: Path, owner: str, barrier: threading.Barrier) -> None:
        barrier.wait()
        try:
            Journal(folder, [], owner).close()
        except StorageError as error:
            errors.append(error)

    for attempt in range(20):
        barrier = threading.Barrier(6)
        threads = [
            threading.Thread(target=open_journal, args=(tmp_path / str(attempt), str(number), barrier))
            for number in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == []
