# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs from image to .blend, with a scripted service and a real background Blender."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import package_stub  # noqa: F401
import pytest
from image_to_3d.jobs.queue import Queue
from image_to_3d.worker.worker_process import WorkerProcess
from local_jobs import MODEL, local
from loopback_services import Loopback
from queues import Borrowed, a_queue, a_worker
from scripted_service import ScriptedService
from slow_local_server import Machine, machine


@pytest.fixture
def service() -> Iterator[ScriptedService]:
    service = ScriptedService()
    yield service
    service.close()


@pytest.fixture(scope="session")
def worker() -> Iterator[WorkerProcess]:
    """One background Blender for all tests of a session."""
    worker = a_worker()
    yield worker
    worker.stop()


@pytest.fixture
def make_queue(tmp_path: Path, service: ScriptedService, worker: WorkerProcess) -> Iterator[Callable[..., Queue]]:
    """Makes queues on one journal that use the scripted service; all are stopped after the test."""
    made: list[Queue] = []

    def make(**changes: Any) -> Queue:
        base_url = changes.pop("base_url", service.base_url)
        queue = a_queue(tmp_path, base_url, Borrowed(worker), **changes)
        made.append(queue)
        return queue

    yield make
    for queue in made:
        queue.stop()


@pytest.fixture
def queue(make_queue: Callable[..., Queue]) -> Queue:
    return make_queue()


@pytest.fixture(scope="module")
def loopback(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loopback]:
    """One bridge for all tests: each has its own settings, and the one that a test kills is started again."""
    services = Loopback(tmp_path_factory.mktemp("services"))
    yield services
    services.stop()


@pytest.fixture
def make_local_queue(tmp_path: Path, worker: WorkerProcess, loopback: Loopback) -> Iterator[Callable[..., Queue]]:
    """Makes queues for the server at an address, with settings of the bridge; what is left is cancelled."""
    made: list[Queue] = []

    def make(address: str, **settings: Any) -> Queue:
        made.append(a_queue(tmp_path, "", Borrowed(worker), loopback=loopback, **local(address, **settings)))
        return made[-1]

    yield make
    for queue in made:
        for job in queue.jobs():
            queue.cancel(job.id)
        queue.stop()


@pytest.fixture
def slow() -> Iterator[Machine]:
    """A local server that needs half a minute for a model."""
    with machine(MODEL, seconds=30.0) as server:
        yield server
