# SPDX-License-Identifier: GPL-3.0-or-later
"""A real second Blender for the tests of what it does."""

from __future__ import annotations

from collections.abc import Iterator

import package_stub  # noqa: F401  makes `image_to_3d` importable
import pytest
from image_to_3d.worker.worker_process import Launch, WorkerProcess


@pytest.fixture(scope="session")
def worker() -> Iterator[WorkerProcess]:
    """One that stays warm for all tests; none of them may leave anything in it."""
    shared = WorkerProcess(Launch.for_wheel())
    yield shared
    shared.stop()
