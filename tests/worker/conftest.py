# SPDX-License-Identifier: GPL-3.0-or-later
"""A real worker for the tests of its tasks."""

from __future__ import annotations

from collections.abc import Iterator

import package_stub  # noqa: F401  makes `image_to_3d` importable
import pytest
from image_to_3d.worker.child_process import Launch
from image_to_3d.worker.worker_process import WorkerProcess


@pytest.fixture(scope="session")
def worker() -> Iterator[WorkerProcess]:
    """A worker that stays warm for all tests; none of them may leave data in it."""
    shared = WorkerProcess(Launch.for_wheel())
    yield shared
    shared.stop()
