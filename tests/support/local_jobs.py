# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs over a server that the artist runs, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from image_to_3d.errors import Message
from image_to_3d.jobs.batch_request import BatchImage
from image_to_3d.jobs.config import LOCAL
from image_to_3d.jobs.job import Job
from image_to_3d.jobs.queue import Queue
from model_files import glb_of, scene_of
from queues import an_image, until
from slow_local_server import Machine

MODEL = glb_of(*scene_of())


def local(address: str, **settings: Any) -> dict[str, Any]:
    """The configuration for a server at an address."""
    values = {"address": address, "wait": 5.0, "time_limit": 20.0, **settings}
    return {"service": LOCAL, "local_url": address, "local_settings": values, "keys": {}}


def now(queue: Queue, job: Job) -> Job:
    """The job as it is now."""
    found = queue.job(job.id)
    assert found is not None
    return found


def notes(job: Job) -> list[str]:
    """What the bridge noted about the model."""
    return [str(Message.from_json(note)) for note in job.details.get("service_notes", ())]


def until_asked(server: Machine, count: int = 1) -> None:
    """Wait until the server makes a model, and was asked for so many."""
    until(lambda: len(server.server.received) >= count and server.server.at_once > 0)


def batch_images(folder: Path, count: int) -> list[BatchImage]:
    found = []
    for number in range(count):
        path = folder / f"image {number:02}.png"
        path.write_bytes(an_image(number))
        found.append(BatchImage(path))
    return found
