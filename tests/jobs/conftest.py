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
from queues import Borrowed, a_queue, a_worker
from scripted_service import ScriptedService


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
