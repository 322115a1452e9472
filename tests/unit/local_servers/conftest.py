# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that are asked again and again about a job are asked without long pauses."""

from __future__ import annotations

import package_stub  # noqa: F401  makes `image_to_3d` importable
import pytest
from image_to_3d.local_servers import polling


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "_FIRST_PAUSE", 0.05)
