# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs over a server that the artist runs: from the image to the .blend, through the real bridge and worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dialect_servers import Lemonade, running
from image_to_3d.jobs.config import LOCAL
from image_to_3d.jobs.job import State
from image_to_3d.jobs.queue import Queue
from image_to_3d.worker.worker_process import WorkerProcess
from loopback_services import Loopback
from model_files import glb_of, scene_of
from queues import Borrowed, a_queue, a_request, rest

pytestmark = pytest.mark.heavy


def a_local_queue(folder: Path, address: str, worker: Borrowed, loopback: Loopback) -> Queue:
    settings = {"address": address, "wait": 5.0, "time_limit": 20.0}
    return a_queue(
        folder, "", worker, loopback=loopback, service=LOCAL, local_url=address, local_settings=settings, keys={}
    )


@pytest.fixture
def loopback(tmp_path: Path) -> Iterator[Loopback]:
    services = Loopback(tmp_path / "services")
    yield services
    services.stop()


def test_a_local_server_makes_a_model(tmp_path: Path, worker: WorkerProcess, loopback: Loopback) -> None:
    server = Lemonade(glb_of(*scene_of()))
    with running(server) as address:
        queue = a_local_queue(tmp_path, address, Borrowed(worker), loopback)
        queue.add(a_request(parameters={"seed": 7, "resolution": 512}))
        (job,) = rest(queue)
        queue.stop()
    assert job.error is None
    assert job.state is State.READY
    (received,) = server.received
    assert (received.json["seed"], received.json["resolution"]) == (7, 1024)
