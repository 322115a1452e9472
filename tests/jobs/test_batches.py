# SPDX-License-Identifier: GPL-3.0-or-later
"""Many images as one batch: one set of settings, one progress, one report, and no image stops the others."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from image_to_3d.errors import ParameterError
from image_to_3d.jobs.batch import Batch, BatchProgress, progress, states_of
from image_to_3d.jobs.batch_request import BatchImage, BatchRequest
from image_to_3d.jobs.job import State
from image_to_3d.jobs.journal import FILE_NAME
from image_to_3d.jobs.queue import Queue
from queues import a_request, an_image, rest, until
from scripted_service import ScriptedService, answers, to_json

SCRIPT = Path(__file__).parents[1] / "support" / "batch_process.py"


def images(folder: Path, count: int) -> list[BatchImage]:
    folder.mkdir(exist_ok=True)
    for number in range(count):
        (folder / f"chair {number}.png").write_bytes(an_image(number))
    return [BatchImage(folder / f"chair {number}.png") for number in range(count)]


def a_batch(queue: Queue, tmp_path: Path, count: int = 4, **changes: Any) -> Batch:
    return queue.add_batch(BatchRequest(images(tmp_path / "chairs", count), **changes))


def progress_of(queue: Queue, batch: Batch) -> BatchProgress:
    [current] = [each for each in queue.batches() if each.id == batch.id]
    return progress(len(current.items), states_of(queue.batch_jobs(batch.id)), cancelled=current.cancelled)


def finish(queue: Queue, batch: Batch) -> BatchProgress:
    until(lambda: progress_of(queue, batch).finished and queue.running() == 0, 120)
    return progress_of(queue, batch)


def report(batch: Batch) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((batch.folder / "report.json").read_text())
    return content


def test_each_image_of_a_batch_becomes_a_model_in_the_batchs_folder(
    queue: Queue, service: ScriptedService, tmp_path: Path
) -> None:
    batch = a_batch(queue, tmp_path, parameters={"mesh_simplify": 0.9})
    assert batch.name == "chairs"
    assert finish(queue, batch)[:3] == (4, 4, 0)
    jobs = queue.batch_jobs(batch.id)
    assert [job.name for job in jobs] == ["chair 0", "chair 1", "chair 2", "chair 3"]
    assert {job.folder.parent for job in jobs} == {batch.folder}
    assert {job.parameters["mesh_simplify"] for job in jobs} == {0.9}
    assert len(service.submits) == 4


def test_an_image_can_have_settings_of_its_own(queue: Queue, service: ScriptedService, tmp_path: Path) -> None:
    first, second = images(tmp_path / "chairs", 2)
    batch = queue.add_batch(
        BatchRequest([first, second._replace(name="throne", parameters={"seed": 9})], parameters={"seed": 3})
    )
    finish(queue, batch)
    assert [(job.name, job.parameters["seed"]) for job in queue.batch_jobs(batch.id)] == [("chair 0", 3), ("throne", 9)]


def test_invalid_settings_of_one_image_are_an_error_before_anything_starts(queue: Queue, tmp_path: Path) -> None:
    [image] = images(tmp_path / "chairs", 1)
    with pytest.raises(ParameterError, match="resolution"):
        queue.add_batch(BatchRequest([image, image._replace(parameters={"resolution": -3})]))
    assert not queue.batches()
    assert not queue.jobs()


def test_an_image_that_fails_does_not_stop_the_others(queue: Queue, service: ScriptedService, tmp_path: Path) -> None:
    good = images(tmp_path / "chairs", 3)
    (tmp_path / "broken.png").write_bytes(b"not an image")
    (tmp_path / "empty.png").write_bytes(b"")
    bad = [BatchImage(tmp_path / name) for name in ("missing.png", "broken.png", "empty.png")]
    batch = queue.add_batch(BatchRequest([good[0], *bad, *good[1:]]))
    assert finish(queue, batch)[:3] == (6, 3, 3)
    failed = [job for job in queue.batch_jobs(batch.id) if job.state is State.FAILED]
    assert [job.error is not None and bool(str(job.error.message)) for job in failed] == [True] * 3
    assert len(service.submits) == 3


def test_retrying_a_batch_continues_only_what_failed(queue: Queue, service: ScriptedService, tmp_path: Path) -> None:
    service.next("submit", answers(to_json({"status": "error", "message": "Image could not be processed"})))
    batch = a_batch(queue, tmp_path, 3)
    assert finish(queue, batch)[:3] == (3, 2, 1)
    assert queue.retry_batch(batch.id) == 1
    assert finish(queue, batch)[:3] == (3, 3, 0)
    assert len(service.submits) == 3


def test_a_paused_batch_starts_no_job_until_it_is_resumed(
    queue: Queue, service: ScriptedService, tmp_path: Path
) -> None:
    batch = a_batch(queue, tmp_path, 3)
    queue.pause_batch(batch.id, True)
    until(lambda: len(queue.batch_jobs(batch.id)) == 3)
    single = queue.add(a_request(7))
    until(lambda: (queue.job(single.id) or single).state is State.READY)
    waiting = [job.state for job in queue.batch_jobs(batch.id)].count(State.QUEUED)
    assert waiting >= 3 - queue_limit(queue)
    started = len(service.submits)
    queue.pause_batch(batch.id, False)
    assert finish(queue, batch)[:3] == (3, 3, 0)
    assert len(service.submits) == 4 >= started


def queue_limit(queue: Queue) -> int:
    return queue._clients.config.limit


def test_a_single_job_does_not_wait_for_a_batch(make_queue: Callable[..., Queue], tmp_path: Path) -> None:
    queue = make_queue(limit=1)
    batch = a_batch(queue, tmp_path, 10)
    until(lambda: len(queue.batch_jobs(batch.id)) >= 3)
    single = queue.add(a_request(7))
    until(lambda: (queue.job(single.id) or single).state is State.READY)
    assert progress_of(queue, batch).waiting >= 2
    finish(queue, batch)


def test_cancelling_a_batch_keeps_what_is_done(
    make_queue: Callable[..., Queue], service: ScriptedService, tmp_path: Path
) -> None:
    queue = make_queue(limit=1)
    batch = a_batch(queue, tmp_path, 12)
    until(lambda: progress_of(queue, batch).done >= 1)
    service.polls_until_done = 10**6
    # One that is cancelled before there is a reply to its request can be unconfirmed after a retry.
    until(lambda: any(job.state is State.WAITING for job in queue.batch_jobs(batch.id)))
    queue.cancel_batch(batch.id)
    service.polls_until_done = 0
    done = finish(queue, batch)
    assert done.done >= 1
    assert done.done + done.cancelled == 12
    assert queue.retry_batch(batch.id) == done.cancelled
    assert finish(queue, batch)[:3] == (12, 12, 0)


def test_the_report_follows_the_batch(queue: Queue, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"not an image")
    batch = queue.add_batch(BatchRequest([*images(tmp_path / "chairs", 2), BatchImage(tmp_path / "broken.png")]))
    finish(queue, batch)
    until(lambda: (batch.folder / "report.json").exists() and report(batch)["summary"]["done"] == 2)
    assert report(batch)["summary"]["failed"] == 1
    assert (batch.folder / "report.html").is_file()
    assert (batch.folder / "report.csv").is_file()


def test_a_finished_batch_leaves_the_list_with_its_jobs_and_keeps_its_files(
    make_queue: Callable[..., Queue], tmp_path: Path
) -> None:
    queue = make_queue()
    batch = a_batch(queue, tmp_path, 2)
    assert not queue.remove_batch(batch.id)
    finish(queue, batch)
    [first, _] = queue.batch_jobs(batch.id)
    queue.dismiss(first.id)
    assert len(queue.batch_jobs(batch.id)) == 2, "a job leaves the list with its batch"
    assert queue.remove_batch(batch.id)
    rest(queue)
    assert not queue.jobs()
    assert first.blend_path
    assert first.blend_path.exists()
    queue.stop()
    later = make_queue()
    later.adopt()
    rest(later)
    assert not later.batches()
    assert not later.jobs()


def test_a_batch_continues_in_the_next_blender(
    make_queue: Callable[..., Queue], service: ScriptedService, tmp_path: Path
) -> None:
    queue = make_queue(limit=1)
    batch = a_batch(queue, tmp_path, 20)
    until(lambda: progress_of(queue, batch).done >= 1)
    queue.stop()
    later = make_queue()
    later.adopt()
    until(lambda: bool(later.batches()))
    assert finish(later, batch)[:3] == (20, 20, 0)
    assert len(service.submits) == 20


def test_a_damaged_journal_loses_neither_the_batch_nor_its_jobs(
    make_queue: Callable[..., Queue], service: ScriptedService, tmp_path: Path
) -> None:
    queue = make_queue()
    batch = a_batch(queue, tmp_path, 3)
    finish(queue, batch)
    queue.stop()
    (tmp_path / "user" / FILE_NAME).write_bytes(b"damaged" * 999)
    later = make_queue()
    later.adopt()
    until(lambda: bool(later.batches()))
    assert finish(later, batch)[:3] == (3, 3, 0)
    assert len(service.submits) == 3


def run_with_kills(folder: Path, service: ScriptedService, count: int, kills: int, limit: int, seed: int) -> None:
    """Run a batch in processes that are killed at random moments; the last one finishes it."""
    chance = random.Random(seed)
    images(folder / "images", count)
    command = [sys.executable, str(SCRIPT), str(folder), service.base_url, str(limit)]
    moments = sorted(chance.sample(range(1, count), kills))
    for moment in [*moments, None]:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if moment is not None and int(line) >= moment:
                    time.sleep(chance.random() * 0.3)
                    process.kill()
                    break


def results_in(folder: Path) -> list[State]:
    with sqlite3.connect(folder / "user" / FILE_NAME) as database:
        return [State(state) for (state,) in database.execute("SELECT state FROM jobs WHERE batch != ''")]


def assert_paid_once(folder: Path, service: ScriptedService, count: int) -> None:
    """Each image has its model. One during whose conversion a process was killed twice waits for *Import Again*.

    One is unconfirmed if a process was killed after it had noted the request, and before the request was sent.
    """
    found = Counter(results_in(folder))
    assert found[State.READY] + found[State.FAILED] + found[State.UNCONFIRMED] == count, found
    assert found[State.FAILED] <= 2, found
    assert found[State.UNCONFIRMED] <= count / 10, found
    paid = {work.body["track_id"] for work in service.submits}
    assert count - found[State.UNCONFIRMED] <= len(paid) == len(service.submits) <= count


@pytest.mark.timeout(300)
def test_a_batch_that_is_killed_five_times_pays_for_each_image_once(service: ScriptedService, tmp_path: Path) -> None:
    service.list_shows = lambda work: {"id": work.id, "track_id": work.body["track_id"], "output": service.links(work)}
    run_with_kills(tmp_path, service, 60, 5, 5, seed=1)
    assert_paid_once(tmp_path, service, 60)


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_a_thousand_images_killed_five_times_are_paid_for_once_each(service: ScriptedService, tmp_path: Path) -> None:
    service.list_shows = lambda work: {"id": work.id, "track_id": work.body["track_id"], "output": service.links(work)}
    run_with_kills(tmp_path, service, 1000, 5, 15, seed=2)
    assert_paid_once(tmp_path, service, 1000)
