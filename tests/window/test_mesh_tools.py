# SPDX-License-Identifier: GPL-3.0-or-later
"""Mesh tools, with mouse and keyboard: they work beside the artist, who can cancel them, and flip back."""

from __future__ import annotations

import pytest
from window import Blender

BALL = "Ball"
RESULT = "Ball Simplified"


@pytest.fixture
def with_ball(blender: Blender) -> Blender:
    """A ball of 82,000 triangles is beside the cube, and selected."""
    blender.ask("add_ball", name=BALL, x=3.0, subdivisions=7)
    blender.ask("select_only", name=BALL)
    return blender


def simplify(blender: Blender) -> None:
    """Press the button, and confirm the dialog with the keyboard."""
    blender.press_button("image_to_3d.simplify_mesh")
    blender.press("Return")
    blender.wait_until(lambda: blender.ask("tools"), "the dialog started no tool", 10)


def arrived(blender: Blender) -> None:
    blender.wait_until(lambda: RESULT in blender.ask("objects"), "no result", 60)


def test_a_tool_works_on_one_object_while_the_artist_edits_another(with_ball: Blender) -> None:
    blender = with_ball
    blender.screenshot("mesh-tools-before")
    simplify(blender)
    blender.ask("select_only", name="Cube")
    blender.point(*blender.center())
    blender.press("Tab")
    blender.wait_until(lambda: blender.ask("mode") == "EDIT_MESH", "Tab did not enter edit mode", 5)
    blender.press("g", "z", "1", "Return")
    corners, held = blender.ask("corners", name="Cube"), blender.ask("selection")
    arrived(blender)
    assert blender.ask("mode") == "EDIT_MESH"
    assert blender.ask("corners", name="Cube") == corners
    assert blender.ask("selection") == held
    objects = blender.ask("objects")
    assert (objects[BALL]["visible"], objects[RESULT]["visible"]) == (False, True)
    blender.wait_until(lambda: f"Simplify: {BALL}" in blender.log(), "the artist was told nothing", 5)
    blender.screenshot("mesh-tools-edited-meanwhile")
    blender.point(*blender.center())
    blender.press("Tab")
    blender.wait_until(lambda: blender.ask("mode") == "OBJECT", "Tab did not leave edit mode", 5)
    assert blender.ask("corners", name="Cube") == corners


@pytest.mark.newest
def test_a_result_waits_while_its_object_is_edited_and_a_click_cancels_it(with_ball: Blender) -> None:
    blender = with_ball
    simplify(blender)
    blender.point(*blender.center())
    blender.press("Tab")
    blender.wait_until(lambda: blender.ask("mode") == "EDIT_MESH", "Tab did not enter edit mode", 5)
    blender.wait_until(lambda: blender.ask("tools")[0]["waiting"], "it does not wait", 60)
    blender.screenshot("mesh-tools-waiting")
    blender.ask("start_tool", tool="CHECK", name="Cube")
    blender.wait_until(lambda: "Check Mesh: Cube" in blender.log(), "a message waits until no tool is left", 30)
    assert [tool["object"] for tool in blender.ask("tools")] == [BALL]
    blender.press_button("image_to_3d.cancel_tool")
    blender.wait_until(lambda: not blender.ask("tools"), "the click did not cancel it", 10)
    blender.point(*blender.center())
    blender.press("Tab")
    blender.wait_until(lambda: blender.ask("mode") == "OBJECT", "Tab did not leave edit mode", 5)
    assert RESULT not in blender.ask("objects")


@pytest.mark.newest
def test_a_click_flips_back_to_the_original_and_undo_takes_first_that_and_then_the_result_away(
    with_ball: Blender,
) -> None:
    blender = with_ball

    def shown() -> set[str]:
        objects = blender.ask("objects")
        return {name for name in (BALL, RESULT) if objects.get(name, {}).get("visible")}

    simplify(blender)
    arrived(blender)
    assert blender.ask("selection") == {"active": RESULT, "selected": [RESULT]}
    blender.screenshot("mesh-tools-after")
    blender.press_button("image_to_3d.show_version")
    blender.wait_until(lambda: shown() == {BALL}, "the click did not flip", 5)
    blender.screenshot("mesh-tools-original")
    blender.point(*blender.center())
    blender.press("ctrl+z")
    blender.wait_until(lambda: shown() == {RESULT}, "undo did not flip back", 5)
    blender.press("ctrl+z")
    blender.wait_until(lambda: RESULT not in blender.ask("objects"), "undo kept the result", 5)
    assert shown() == {BALL}
    blender.press("ctrl+shift+z")
    blender.wait_until(lambda: shown() == {RESULT}, "redo did not bring the result back", 5)
