# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that another program has open, as Windows refuses to rename or delete them: no paid job fails by that."""

from __future__ import annotations

from pathlib import Path

import pytest
from image_to_3d.jobs.commands import Command
from image_to_3d.jobs.job import Job, State
from image_to_3d.jobs.journal import FILE_NAME, Journal
from image_to_3d.jobs.queue import Queue
from queues import a_request, rest, until
from refused_files import refuse_once, refuse_open
from scripted_service import ScriptedService, answers, cube_glb, to_json


def ready(queue: Queue) -> Job:
    [job] = rest(queue)
    assert job.state is State.READY, job.error
    assert job.model_path is not None
    return job


def test_files_that_a_virus_scanner_holds_for_a_moment_cost_nothing(
    queue: Queue, service: ScriptedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = refuse_once(monkeypatch)
    queue.add(a_request())
    job = ready(queue)
    assert {"~model.glb"} <= held
    assert any(name.endswith("job.json") for name in held)
    assert job.model_path.read_bytes() == service.model  # type: ignore[union-attr]
    assert len(service.submits) == 1


def fail(queue: Queue, service: ScriptedService) -> Job:
    """A job that ends with its model file downloaded."""
    queue.add(a_request())
    job = ready(queue)
    queue.cancel(job.id)
    until(queue.is_idle)
    return job


@pytest.mark.parametrize("command", [Command.SEND_AGAIN, Command.DOWNLOAD_AGAIN])
def test_a_file_that_is_open_elsewhere_is_never_delivered_again(
    queue: Queue, service: ScriptedService, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    first = fail(queue, service)
    assert first.model_path is not None
    assert first.blend_path is not None
    refuse_open(monkeypatch, first.model_path, first.blend_path)
    service.model = cube_glb(padding=100)
    queue.command(first.id, command)
    second = ready(queue)
    assert second.model_path is not None
    assert second.blend_path is not None
    assert second.model_path.read_bytes() == service.model
    assert second.blend_path != first.blend_path
    assert len(service.submits) == (2 if command is Command.SEND_AGAIN else 1)


def test_a_retry_after_the_service_failed_does_not_deliver_an_earlier_file(
    queue: Queue, service: ScriptedService
) -> None:
    service.next("submit", answers(to_json({"status": "processing", "id": 1, "eta": 0})))
    service.next("fetch", answers(to_json({"status": "failed", "message": "out of memory"})))
    queue.add(a_request())
    [job] = rest(queue)
    assert job.state is State.FAILED
    (job.folder / "model.glb").write_bytes(cube_glb(padding=200))
    queue.command(job.id, Command.RETRY)
    model = ready(queue).model_path
    assert model is not None
    assert model.read_bytes() == service.model


def test_a_damaged_journal_that_another_blender_has_open_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(b"scrambled" * 500)
    with path.open("rb"):
        refuse_open(monkeypatch)
        journal = Journal(tmp_path, [], "second")
        assert journal.recovered == 0
        journal.add_seen(("MODELSLAB", ""), ["1"])
    assert Journal(tmp_path, [], "third").unseen(("MODELSLAB", ""), ["1", "2"]) == ["2"]
