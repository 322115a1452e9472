# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on is disabled and enabled again while it works, as an update does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from slow_service import KEY, SlowService
from window import INSIDE, Blender


@pytest.mark.newest
def test_a_job_outlives_the_add_on_being_switched_off_and_on(
    start: Callable[..., Blender], slow_service: SlowService, small_model: Path, chair: Path
) -> None:
    slow_service.seconds = 8.0
    slow_service.deliver(small_model)
    blender = start(
        network=True,
        variables={"IMAGE_TO_3D_BASE_URL": slow_service.base_url, "MODELSLAB_API_KEY": KEY},
        arguments=("--python", str(INSIDE / "disable_and_enable.py")),
    )
    blender.ask("set_preference", name="service", value="CUSTOM")
    blender.open_sidebar("Image to 3D")
    blender.generate(chair)
    blender.wait_until(lambda: "switched off and on" in blender.log(), "the add-on was not switched", 60)
    blender.wait_until(lambda: blender.ask("jobs"), "the job was forgotten", 30)
    assert blender.wait_for("placed", "failed", "ready")["state"] == "placed"
    assert len(slow_service.submitted) == 1
