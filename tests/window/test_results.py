# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of all files are a few clicks away."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from window import Blender

LEFT, BELOW = 140, 100
"""Pixels from the search field, where the popover opens under the mouse, to the name of the first result."""


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
    x, y = blender.find("image_to_3d.show_results")
    blender.click(x, y)
    time.sleep(0.7)
    blender.screenshot("results")
    blender.click(x - LEFT, y - BELOW)
    time.sleep(0.5)
    blender.run("xdotool", "click", 1)  # the menu opens with its first entry under the mouse
    blender.wait_until(lambda: set(job["objects"]) & set(blender.ask("objects")), "the result was not placed", 10)
