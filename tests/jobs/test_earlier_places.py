# SPDX-License-Identifier: GPL-3.0-or-later
"""What earlier versions kept in Blender's user folder is found: its jobs continue, and its results move on request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from image_to_3d.jobs.commands import Command
from image_to_3d.jobs.job import State
from image_to_3d.jobs.journal import Journal
from image_to_3d.jobs.move_results import Moved
from image_to_3d.jobs.process_lock import ProcessLock
from image_to_3d.jobs.queue import Queue
from image_to_3d.worker.worker_process import WorkerProcess
from queues import FAST, Borrowed, a_config, a_request, no_loopback_service, rest, until
from refused_files import refuse_open, refuse_other_drive
from scripted_service import ScriptedService


class Blenders:
    """Makes queues in the place of an earlier version, and in today's."""

    def __init__(self, folder: Path, service: ScriptedService, worker: WorkerProcess) -> None:
        self.earlier, self.today = folder / "extension", folder / "data"
        self._service, self._worker = service, worker
        self.made: list[Queue] = []

    def _queue(self, folder: Path, **options: Any) -> Queue:
        earlier = (self.earlier / "results",)
        config = a_config(folder, self._service.base_url, earlier_results=earlier)
        queue = Queue(folder, config, Borrowed(self._worker), no_loopback_service, timing=FAST, **options)  # type: ignore[arg-type]
        self.made.append(queue)
        return queue

    def of_an_earlier_version(self) -> Queue:
        return self._queue(self.earlier)

    def of_today(self) -> Queue:
        queue = self._queue(self.today, earlier=self.earlier)
        queue.adopt()
        until(queue.is_idle)
        return queue


@pytest.fixture
def blenders(tmp_path: Path, service: ScriptedService, worker: WorkerProcess) -> Iterator[Blenders]:
    blenders = Blenders(tmp_path, service, worker)
    yield blenders
    for queue in blenders.made:
        queue.stop()


def test_jobs_of_an_earlier_version_continue_and_are_paid_once(blenders: Blenders, service: ScriptedService) -> None:
    service.polls_until_done = 10**6
    earlier = blenders.of_an_earlier_version()
    for number in range(2):
        earlier.add(a_request(number))
    until(lambda: all(job.state is State.WAITING for job in earlier.jobs()))
    Journal(blenders.earlier, [], "me").add_seen(("CUSTOM", service.base_url), ["older"])
    earlier.stop()
    service.polls_until_done = 0
    today = blenders.of_today()
    jobs = rest(today)
    assert [job.state for job in jobs] == [State.READY] * 2
    assert all(job.folder.parent == blenders.earlier / "results" for job in jobs)
    assert len(service.submits) == 2
    assert Journal(blenders.today, [], "me").unseen(("CUSTOM", service.base_url), ["older", "new"]) == ["new"]
    again = Journal(blenders.earlier, [], "an earlier version")
    assert again.owners() == [], "the earlier version would continue them, too"


def test_jobs_of_an_earlier_version_that_is_still_running_are_left_alone(
    blenders: Blenders, service: ScriptedService
) -> None:
    service.polls_until_done = 10**6
    earlier = blenders.of_an_earlier_version()
    earlier.add(a_request())
    until(lambda: earlier.jobs()[0].state is State.WAITING)
    today = blenders.of_today()
    assert today.jobs() == ()
    assert today.others_own_jobs
    earlier.stop()
    today.adopt()
    until(lambda: len(today.jobs()) == 1)


def test_a_crash_while_jobs_are_taken_over_loses_none(blenders: Blenders) -> None:
    earlier = blenders.of_an_earlier_version()
    earlier.add(a_request())
    [job] = rest(earlier)
    earlier.stop()
    lock = ProcessLock(blenders.earlier / "owners")
    crashed = Journal(blenders.earlier, [], lock.token)
    for owner in crashed.owners():
        crashed.take_over(owner)
    crashed.close()
    lock.release()
    assert [found.id for found in blenders.of_today().jobs()] == [job.id]


def move(today: Queue, blenders: Blenders) -> Moved:
    return today.move_results([blenders.earlier / "results"], blenders.today / "results")


@pytest.mark.parametrize("other_drive", [False, True])
def test_earlier_results_are_moved_on_request(
    blenders: Blenders, service: ScriptedService, monkeypatch: pytest.MonkeyPatch, other_drive: bool
) -> None:
    earlier = blenders.of_an_earlier_version()
    for number in range(3):
        earlier.add(a_request(number))
    removed = rest(earlier)[0]
    earlier.dismiss(removed.id)
    until(earlier.is_idle)
    earlier.stop()
    today = blenders.of_today()
    if other_drive:
        refuse_other_drive(monkeypatch, blenders.earlier)
    assert move(today, blenders) == Moved(count=3)
    assert list((blenders.earlier / "results").iterdir()) == []
    jobs = rest(today)
    assert len(jobs) == 2
    assert all(job.folder.parent == blenders.today / "results" for job in jobs)
    assert all(job.model_path is not None and job.model_path.is_file() for job in jobs)
    today.command(jobs[0].id, Command.IMPORT_AGAIN)
    assert rest(today)[0].state is State.READY
    today.stop()
    folders = {job.folder for job in blenders.of_today().jobs()}
    assert folders == {job.folder for job in jobs}


def test_results_in_use_stay_and_move_the_next_time(
    blenders: Blenders, service: ScriptedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = blenders.of_an_earlier_version()
    for number in range(2):
        earlier.add(a_request(number))
    opened = rest(earlier)[0].model_path
    earlier.stop()
    assert opened is not None
    today = blenders.of_today()
    service.polls_until_done = 10**6
    today.add(a_request(7))
    with monkeypatch.context() as patch:
        refuse_open(patch, opened)
        assert move(today, blenders) == Moved(count=1, left=1)
    assert opened.is_file()
    assert move(today, blenders) == Moved(count=1)


def test_a_result_that_was_moved_when_blender_crashed_is_found(blenders: Blenders) -> None:
    earlier = blenders.of_an_earlier_version()
    earlier.add(a_request())
    [job] = rest(earlier)
    earlier.stop()
    (blenders.today / "results").mkdir(parents=True)
    job.folder.rename(blenders.today / "results" / job.folder.name)
    [found] = blenders.of_today().jobs()
    assert found.state is State.READY
    assert found.blend_path is not None
    assert found.blend_path.is_file()
