# SPDX-License-Identifier: GPL-3.0-or-later
"""A real second Blender for the tests of what it does."""

from __future__ import annotations

from collections.abc import Iterator

import house  # noqa: F401  makes `image_to_3d` importable
import pytest
from image_to_3d.workshop.process import Launch, Workshop


@pytest.fixture(scope="session")
def workshop() -> Iterator[Workshop]:
    """One that stays warm for all tests; none of them may leave anything in it."""
    shared = Workshop(Launch.for_wheel())
    yield shared
    shared.stop()
