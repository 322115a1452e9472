# SPDX-License-Identifier: GPL-3.0-or-later
"""A real offline preview, in a real second Blender, for the tests of what it answers and makes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import package_stub
import pytest
from image_to_3d.offline.service.launcher import OfflineService
from image_to_3d.worker.child_process import Launch
from service import Service

SAMPLES = package_stub.ROOT / "samples"


@pytest.fixture(scope="session")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfflineService]:
    """One for all tests."""
    shared = OfflineService(Launch.for_wheel(), tmp_path_factory.mktemp("offline"))
    yield shared
    shared.stop()


@pytest.fixture
def service(offline: OfflineService) -> Service:
    """It, as something to send requests to; idle."""
    talk = Service(offline.base_url())
    talk.wait_until_idle()
    return talk


@pytest.fixture
def chair() -> Path:
    return SAMPLES / "chair.png"


@pytest.fixture
def mug() -> Path:
    """An image without alpha, on white; its handle lets the white be seen through."""
    return SAMPLES / "mug.png"
