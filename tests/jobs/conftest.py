# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs from picture to .blend, against a scripted service and a real second Blender."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import house  # noqa: F401
import pytest
from image_to_3d.jobs.queue import Queue
from image_to_3d.workshop.process import Workshop
from queues import Borrowed, a_queue, a_workshop
from scripted_service import ScriptedService


@pytest.fixture
def service() -> Iterator[ScriptedService]:
    service = ScriptedService()
    yield service
    service.close()


@pytest.fixture(scope="session")
def workshop() -> Iterator[Workshop]:
    """One warm second Blender for all tests of a session."""
    workshop = a_workshop()
    yield workshop
    workshop.stop()


@pytest.fixture
def make_queue(tmp_path: Path, service: ScriptedService, workshop: Workshop) -> Iterator[Callable[..., Queue]]:
    """Queues on one journal, talking to the scripted service; all ended with the test."""
    made: list[Queue] = []

    def make(**changes: Any) -> Queue:
        base_url = changes.pop("base_url", service.base_url)
        queue = a_queue(tmp_path, base_url, Borrowed(workshop), **changes)
        made.append(queue)
        return queue

    yield make
    for queue in made:
        queue.stop()


@pytest.fixture
def queue(make_queue: Callable[..., Queue]) -> Queue:
    return make_queue()
