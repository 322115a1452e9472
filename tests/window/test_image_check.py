# SPDX-License-Identifier: GPL-3.0-or-later
"""An image is checked as soon as it is chosen, and the panel shows what is wrong and what will be sent."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from window import Blender


def cut_off(folder: Path) -> Path:
    """A subject on a plain background that the left edge of the image cuts off."""
    image = Image.new("RGB", (480, 480), "#dedede")
    ImageDraw.Draw(image).ellipse((-160, 90, 240, 430), fill="#2f6f8f")
    image.save(folder / "vase.png")
    return folder / "vase.png"


@pytest.mark.newest
def test_the_panel_warns_about_a_cut_off_subject_and_shows_what_will_be_sent(blender: Blender, tmp_path: Path) -> None:
    blender.ask("set_setting", name="image", value=str(cut_off(tmp_path)))
    found = blender.wait_until(lambda: blender.ask("image_check"), "the image was not checked", 60)
    assert "left edge" in found["warnings"][0]
    blender.screenshot("image-1-warning")

    blender.ask("set_option", name="cut_out", value=True)
    blender.ask("set_option", name="crop", value=True)
    found = blender.wait_until(lambda: blender.ask("image_check"), "what will be sent is not shown", 60)
    assert found["preview"]
    blender.screenshot("image-2-preparation")


@pytest.mark.newest
def test_a_good_image_has_no_warning(blender: Blender, chair: Path) -> None:
    blender.ask("set_setting", name="image", value=str(chair))
    found = blender.wait_until(lambda: blender.ask("image_check"), "the image was not checked", 60)
    assert found["warnings"] == []
    blender.screenshot("image-3-good")
