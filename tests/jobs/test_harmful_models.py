# SPDX-License-Identifier: GPL-3.0-or-later
"""A model that ends Blender or its worker blocks no other job, and never reaches the artist's Blender by itself."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import model_files
import pytest
from image_to_3d.benchmarks.shapes import ball, write_glb
from image_to_3d.errors import Action, ConversionLimitError, WorkerError
from image_to_3d.jobs.commands import Command, apply
from image_to_3d.jobs.job import InputImage, Job, State
from image_to_3d.jobs.queue import Queue
from image_to_3d.jobs.recovery import after_crash
from image_to_3d.jobs.retry import MAX_WORKER_ATTEMPTS, Failures, RetryPolicy, decide
from image_to_3d.worker.worker_process import Launch, WorkerProcess
from queues import a_config, a_queue, a_request, no_loopback_service, rest, until
from scripted_service import ScriptedService
from systems import needs_posix
from victim import Victim, kept_jobs


@pytest.fixture(scope="module")
def slow_model(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A model whose conversion takes a few seconds."""
    return write_glb(tmp_path_factory.mktemp("slow") / "model.glb", ball(1_000_000)).read_bytes()


def importing(folder: Path, conversions: int) -> Job:
    job = Job("1", "chair", InputImage("a.png", "image.png", "ab"), {}, folder, "MODELSLAB", model_file="model.glb")
    return replace(job, state=State.IMPORTING, conversions=conversions, service_id="7")


def test_a_conversion_that_ended_two_blenders_is_not_resumed_but_can_be_imported_again(
    tmp_path: Path, service: ScriptedService, slow_model: bytes, worker: WorkerProcess
) -> None:
    service.model = slow_model
    for kill in range(2):
        victim = Victim(tmp_path, service, 0, 1 - kill)
        assert victim.comes_to(State.IMPORTING, 60)
        until(lambda number=kill: kept_jobs(tmp_path)[0].conversions == number + 1)  # type: ignore[misc]
        victim.kill()
    queue = a_queue(tmp_path, service.base_url, worker)
    queue.adopt()
    until(lambda: len(queue.jobs()) == 1)
    [job] = rest(queue)
    assert (job.state, job.error.action if job.error else "") == (State.FAILED, Action.IMPORT_AGAIN)
    assert job.model_path is not None
    assert job.model_path.read_bytes() == service.model
    assert len(service.submits) == 1
    queue.command(job.id, Command.IMPORT_AGAIN)
    until(lambda: rest(queue)[0].state is State.READY)
    assert rest(queue)[0].conversions == 0
    queue.stop()


def test_quitting_blender_during_a_conversion_does_not_count(
    tmp_path: Path, service: ScriptedService, slow_model: bytes
) -> None:
    service.model = slow_model
    for quits in range(3):
        queue = a_queue(tmp_path, service.base_url, WorkerProcess(Launch.for_wheel()))
        if quits:
            queue.adopt()
        else:
            queue.add(a_request())
        until(lambda queue=queue: any(job.conversions for job in queue.jobs()))  # type: ignore[misc]
        queue.stop()
        assert [(job.state, job.conversions) for job in kept_jobs(tmp_path)] == [(State.IMPORTING, 0)]


@needs_posix
def test_a_file_that_ended_a_worker_is_not_imported_directly(tmp_path: Path, service: ScriptedService) -> None:
    counter, starter = tmp_path / "started", tmp_path / "starter.sh"
    starter.write_text(f'#!/bin/sh\n[ -e "{counter}" ] && exit 3\ntouch "{counter}"\nexec "{sys.executable}" -P "$@"\n')
    starter.chmod(0o755)
    worker = WorkerProcess(Launch((str(starter),)))
    worker.run({"do": "ping"})
    queue = Queue(tmp_path / "user", a_config(tmp_path, service.base_url), worker, no_loopback_service)
    service.model = model_files.glb(900_000)
    job = queue.add(a_request())
    until(lambda: queue.jobs()[0].conversions == 1)
    time.sleep(0.3)  # the worker begins at once, and takes longer
    os.kill(worker.pid, signal.SIGKILL)
    [job] = rest(queue)
    assert worker.cannot_start
    assert job.state is State.FAILED
    assert job.error is not None
    assert job.error.action in {Action.IMPORT_AGAIN, Action.DOWNLOAD_AGAIN}
    queue.command(job.id, Command.IMPORT_AGAIN)
    time.sleep(0.1)
    assert rest(queue)[0].state is State.FAILED
    queue.stop()


@pytest.mark.parametrize(("conversions", "state"), [(0, State.IMPORTING), (1, State.IMPORTING), (2, State.FAILED)])
def test_jobs_that_only_waited_for_their_conversion_are_resumed(tmp_path: Path, conversions: int, state: State) -> None:
    assert after_crash(importing(tmp_path, conversions)).state is state


def test_a_conversion_that_took_too_long_is_not_tried_again(tmp_path: Path) -> None:
    error = ConversionLimitError("Converting the model took too long, and was stopped.")
    decision = decide(importing(tmp_path, 1), error, Failures(1, 0.0), RetryPolicy())
    assert decision.job.state is State.FAILED
    crash = WorkerError("The background Blender exited unexpectedly ({reason}).", reason="signal 11")
    assert decide(importing(tmp_path, 1), crash, Failures(1, 0.0), RetryPolicy()).job.state is State.IMPORTING
    again = decide(importing(tmp_path, MAX_WORKER_ATTEMPTS), crash, Failures(1, 0.0), RetryPolicy())
    assert again.job.state is State.FAILED


def test_a_model_that_is_downloaded_again_starts_anew(tmp_path: Path) -> None:
    failed = replace(importing(tmp_path, 2), state=State.FAILED)
    imported = apply(Command.IMPORT_AGAIN, failed)
    downloaded = apply(Command.DOWNLOAD_AGAIN, failed)
    assert imported is not None
    assert downloaded is not None
    assert (imported.conversions, downloaded.conversions) == (2, 0)
