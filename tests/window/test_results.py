# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of all files are a few clicks away."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from window import Blender


@pytest.mark.newest
def test_a_result_of_another_file_is_placed_again_from_the_popover(start: Callable[..., Blender], chair: Path) -> None:
    blender = start()
    blender.ask("set_preference", name="service", value="OFFLINE")
    blender.open_sidebar("Image to 3D")
    blender.generate(chair)
    job = blender.wait_for("placed", "failed", "ready")
    assert job["state"] == "placed", job["error"]
    blender.ask("new_file")
    blender.open_sidebar("Image to 3D")
    assert not set(job["objects"]) & set(blender.ask("objects"))
    blender.press_button("image_to_3d.show_results")
    time.sleep(0.7)
    blender.screenshot("results")
