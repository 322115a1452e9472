# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures: a real offline preview in a real background Blender, and a client for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import package_stub
import pytest
from image_to_3d.loopback.launcher import LoopbackService
from loopback_services import offline_service
from service import Service

SAMPLES = package_stub.ROOT / "samples"


@pytest.fixture(scope="session")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackService]:
    """One server for all tests."""
    shared = offline_service(tmp_path_factory.mktemp("offline"))
    yield shared
    shared.stop()


@pytest.fixture
def service(offline: LoopbackService) -> Service:
    """A client for the server, which has no unfinished jobs."""
    client = Service(*offline.access())
    client.wait_until_idle()
    return client


@pytest.fixture
def chair() -> Path:
    return SAMPLES / "chair.png"


@pytest.fixture
def mug() -> Path:
    """An image without alpha, on white, which is visible through the handle."""
    return SAMPLES / "mug.png"
