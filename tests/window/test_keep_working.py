# SPDX-License-Identifier: GPL-3.0-or-later
"""A job runs and a model arrives, and the artist, working with mouse and keyboard, is not disturbed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from slow_service import SlowService
from window import Blender


def cube(blender: Blender) -> list[float]:
    location: list[float] = blender.ask("objects")["Cube"]["location"]
    return location


def placed(blender: Blender) -> None:
    job = blender.wait_for("placed", "failed")
    assert job["state"] == "placed", job["error"]


@pytest.mark.newest
def test_input_reaches_blender_while_a_job_runs(at_work: Blender, slow_service: SlowService, chair: Path) -> None:
    slow_service.seconds = 60
    at_work.generate(chair)
    at_work.wait_for("waiting")
    x, y = at_work.center()
    at_work.point(x, y)
    at_work.press("g", "x", "2", "Return")
    at_work.wait_until(lambda: cube(at_work) == pytest.approx([2.0, 0.0, 0.0]), "the keys did not move the cube", 5)
    at_work.press("g")
    at_work.point(x + 120, y + 40)
    at_work.click(x + 120, y + 40)
    at_work.wait_until(
        lambda: cube(at_work) != pytest.approx([2.0, 0.0, 0.0], abs=0.1), "the mouse did not move the cube", 5
    )
    at_work.press("a", "x", "Return")
    at_work.wait_until(lambda: "Cube" not in at_work.ask("objects"), "the keys did not reach Blender", 5)
    assert at_work.last_job()["state"] == "waiting"


def test_a_model_that_arrives_during_a_grab_waits_until_it_is_over(
    at_work: Blender, slow_service: SlowService, chair: Path
) -> None:
    slow_service.seconds = 4
    at_work.generate(chair)
    x, y = at_work.center()
    at_work.point(x, y)
    at_work.press("g")
    at_work.point(x + 80, y)
    held = at_work.ask("selection")
    at_work.wait_for("ready")
    time.sleep(1.5)
    assert at_work.last_job()["state"] == "ready"
    assert at_work.ask("selection") == held
    assert any("translate" in name for name in map(str.lower, at_work.ask("modal_operators")))
    at_work.point(x + 120, y)
    at_work.run("xdotool", "click", 1)
    placed(at_work)
    moved = cube(at_work)
    assert moved != pytest.approx([0.0, 0.0, 0.0], abs=0.1)
    at_work.press("ctrl+z")
    at_work.wait_until(
        lambda: not set(at_work.last_job()["objects"]) & set(at_work.ask("objects")), "undo kept the model", 5
    )
    assert cube(at_work) == pytest.approx(moved)


@pytest.mark.newest
def test_a_model_that_arrives_in_edit_mode_changes_neither_mode_nor_selection_nor_mesh(
    at_work: Blender, slow_service: SlowService, chair: Path
) -> None:
    slow_service.seconds = 4
    at_work.generate(chair)
    x, y = at_work.center()
    at_work.point(x, y)
    at_work.press("Tab")
    at_work.wait_until(lambda: at_work.ask("mode") == "EDIT_MESH", "Tab did not enter edit mode", 5)
    at_work.press("g", "z", "1", "Return")
    corners, held = at_work.ask("corners", name="Cube"), at_work.ask("selection")
    placed(at_work)
    assert at_work.ask("mode") == "EDIT_MESH"
    assert at_work.ask("corners", name="Cube") == corners
    assert at_work.ask("selection") == held
    at_work.screenshot("arrived-in-edit-mode")


@pytest.mark.newest
def test_a_model_that_arrives_in_sculpt_mode_changes_neither_mode_nor_selection_nor_mesh(
    at_work: Blender, slow_service: SlowService, chair: Path
) -> None:
    slow_service.seconds = 5
    at_work.ask("enter_mode", mode="SCULPT")
    at_work.generate(chair)
    x, y = at_work.center()
    at_work.point(x - 30, y)
    at_work.run("xdotool", "mousedown", 1)
    for step in range(10):
        at_work.point(x - 30 + 6 * step, y)
    at_work.run("xdotool", "mouseup", 1)
    corners, held = at_work.ask("corners", name="Cube"), at_work.ask("selection")
    placed(at_work)
    assert at_work.ask("mode") == "SCULPT"
    assert at_work.ask("corners", name="Cube") == corners
    assert at_work.ask("selection") == held


@pytest.mark.newest
def test_a_model_that_arrives_during_playback_does_not_stop_it(
    at_work: Blender, slow_service: SlowService, chair: Path
) -> None:
    slow_service.seconds = 4
    at_work.generate(chair)
    at_work.point(*at_work.center())
    at_work.press("space")
    at_work.wait_until(lambda: at_work.ask("playing"), "the space bar did not start playback", 5)
    placed(at_work)
    assert at_work.ask("playing")
    before = at_work.ask("frame")
    at_work.wait_until(lambda: at_work.ask("frame") != before, "playback stands still", 5)


def placeholder(blender: Blender) -> str:
    """The name of the empty that holds the model's place, selected alone as a click in the outliner does."""
    found: list[str] = blender.wait_until(
        lambda: [n for n, thing in blender.ask("objects").items() if thing["type"] == "EMPTY"], "no placeholder", 10
    )
    blender.ask("select_only", name=found[0])
    return found[0]


@pytest.mark.newest
def test_what_the_artist_does_to_the_placeholder_the_model_gets(
    at_work: Blender, slow_service: SlowService, chair: Path
) -> None:
    slow_service.seconds = 8
    at_work.generate(chair)
    held = placeholder(at_work)
    beside_the_cube = at_work.ask("objects")[held]["location"]
    assert beside_the_cube == pytest.approx([1.75, 0.0, 0.0])
    at_work.point(*at_work.center())
    at_work.press("g", "x", "3", "Return", "s", "2", "Return")
    at_work.wait_until(
        lambda: at_work.ask("objects")[held]["location"] == pytest.approx([4.75, 0.0, 0.0]), "it was not moved", 5
    )
    at_work.screenshot("placeholder")
    placed(at_work)
    objects = at_work.ask("objects")
    model = objects[at_work.last_job()["objects"][0]]
    assert model["location"] == pytest.approx([4.75, 0.0, 0.0], abs=1e-4)
    assert model["scale"] == pytest.approx([2.0, 2.0, 2.0], rel=1e-4)
    assert held not in objects


@pytest.mark.newest
def test_without_its_placeholder_a_model_waits_in_the_list(
    at_work: Blender, slow_service: SlowService, chair: Path
) -> None:
    slow_service.seconds = 6
    at_work.generate(chair)
    held = placeholder(at_work)
    at_work.point(*at_work.center())
    at_work.press("x", "Return")
    at_work.wait_until(lambda: held not in at_work.ask("objects"), "it was not deleted", 5)
    at_work.wait_for("ready")
    time.sleep(1.0)
    assert at_work.last_job()["state"] == "ready"
    assert set(at_work.ask("objects")) == {"Cube", "Light", "Camera"}
    at_work.click_row(0)
    at_work.screenshot("waits-without-its-placeholder")
    at_work.press_button("image_to_3d.import_here")
    placed(at_work)


@pytest.mark.newest
def test_cancel_works_while_the_service_works_and_asks_first(
    at_work: Blender, slow_service: SlowService, chair: Path
) -> None:
    slow_service.seconds = 60
    at_work.generate(chair)
    at_work.wait_for("waiting")
    at_work.click_row(0)
    at_work.press_button("image_to_3d.cancel_job")
    at_work.screenshot("cancel-asks")
    assert at_work.last_job()["state"] == "waiting"
    at_work.press("Return")
    at_work.wait_for("cancelled", seconds=10)
    assert not [name for name in at_work.ask("objects") if name not in ("Cube", "Light", "Camera")]


def test_a_model_whose_file_is_not_open_any_more_waits_and_can_be_imported_here(
    at_work: Blender, slow_service: SlowService, chair: Path
) -> None:
    slow_service.seconds = 5
    at_work.generate(chair)
    at_work.wait_for("waiting")
    at_work.ask("new_file")
    at_work.wait_for("ready")
    time.sleep(1.0)
    assert at_work.last_job()["state"] == "ready"
    assert set(at_work.ask("objects")) == {"Cube", "Light", "Camera"}
    at_work.open_sidebar("Image to 3D")
    at_work.click_row(0)
    at_work.screenshot("another-file-is-open")
    at_work.press_button("image_to_3d.import_others")
    placed(at_work)
    assert set(at_work.last_job()["objects"]) <= set(at_work.ask("objects"))
