# SPDX-License-Identifier: GPL-3.0-or-later
"""What an artist does first, with mouse and keyboard, in Blender as it is installed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pixels
import pytest
from window import Blender, run_windowless


def test_blender_itself_finds_the_zip_valid(suite: str, archive: Path, tmp_path: Path) -> None:
    output = run_windowless(suite, tmp_path, "--command", "extension", "validate", archive, folders=(archive.parent,))
    assert "Success" in output
    assert "Error" not in output


@pytest.mark.newest
def test_without_a_key_one_click_leads_to_the_offline_preview(start: Callable[..., Blender], chair: Path) -> None:
    blender = start()
    blender.open_sidebar("Image to 3D")
    blender.screenshot("no-key")
    blender.press_button("image_to_3d.use_offline_preview")
    blender.generate(chair)
    assert blender.wait_for("placed", "failed")["state"] == "placed"


@pytest.mark.newest
def test_a_double_click_on_the_button_starts_and_pays_for_one_job(at_work: Blender, chair: Path) -> None:
    at_work.fill_in("image_to_3d.image", str(chair))
    button = at_work.find("image_to_3d.generate")
    at_work.click(*button, times=2)
    at_work.wait_until(lambda: at_work.ask("jobs"), "the click started no job", 10)
    time.sleep(2.5)
    assert len(at_work.ask("jobs")) == 1
    at_work.click(*button)  # it is where it was: the list is below it
    at_work.wait_until(lambda: len(at_work.ask("jobs")) == 2, "a later click started no second job", 10)


def test_a_click_on_the_button_makes_a_model_at_the_cursor_that_one_undo_takes_away(
    blender: Blender, chair: Path
) -> None:
    blender.ask("set_cursor", location=[1.0, -2.0, 0.5])
    sidebar = tuple(blender.ask("rectangle", kind="UI"))
    view = tuple(blender.ask("rectangle", kind="WINDOW"))
    before = blender.ask("objects")
    empty = blender.screenshot("1-empty")

    blender.generate(chair)
    blender.screenshot("2-at-work")
    job = blender.wait_for("placed", "failed")
    blender.point(*blender.center())
    done = blender.screenshot("3-model")

    assert job["state"] == "placed", job["error"]
    new = {name: thing for name, thing in blender.ask("objects").items() if name not in before}
    assert set(job["objects"]) <= set(new)
    root = new[job["objects"][0]]
    assert root["location"] == pytest.approx([1.0, -2.0, 0.5], abs=1e-4)
    assert any(thing["type"] == "MESH" and min(thing["dimensions"]) > 0.01 for thing in new.values())
    assert pixels.is_an_image(pixels.read(done))
    assert pixels.share_changed(pixels.read(empty, sidebar), pixels.read(done, sidebar)) > 0.02
    assert pixels.share_changed(pixels.read(empty, view), pixels.read(done, view)) > 0.01

    blender.press("ctrl+z")
    blender.wait_until(
        lambda: not set(job["objects"]) & set(blender.ask("objects")), "one undo did not remove the model", 5
    )
    blender.wait_until(lambda: set(blender.ask("objects")) == set(before), "undo left something behind", 5)
    assert blender.last_job()["state"] == "ready"
    blender.press("ctrl+shift+z")
    blender.wait_until(lambda: set(job["objects"]) <= set(blender.ask("objects")), "redo did not bring it back", 5)
