# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of all files are one click away."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from window import Blender


@pytest.mark.newest
def test_a_result_of_another_file_is_placed_again_with_two_clicks(start: Callable[..., Blender], chair: Path) -> None:
    blender = start()
    blender.ask("set_preference", name="service", value="OFFLINE")
    blender.ask("open_panel", module="panels.results", name="IMAGE_TO_3D_PT_results")
    blender.open_sidebar("Image to 3D")
    blender.generate(chair)
    job = blender.wait_for("placed", "failed", "ready")
    assert job["state"] == "placed", job["error"]
    blender.screenshot("results")
    blender.ask("new_file")
    blender.open_sidebar("Image to 3D")
    assert not set(job["objects"]) & set(blender.ask("objects"))
    blender.press_button("image_to_3d.result_menu")
    time.sleep(0.5)
    blender.run("xdotool", "click", 1)  # the menu opens with its first entry under the mouse
    blender.wait_until(lambda: set(job["objects"]) & set(blender.ask("objects")), "the result was not placed", 10)
