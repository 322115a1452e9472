# SPDX-License-Identifier: GPL-3.0-or-later
"""A real offline preview, in a real second Blender, for the tests of what it answers and makes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import house
import pytest
from image_to_3d.offline.launch import OfflineService
from image_to_3d.workshop.process import Launch
from service import Service

SAMPLES = house.ROOT / "samples"


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
    """A picture without alpha, on white; its handle lets the white be seen through."""
    return SAMPLES / "mug.png"
