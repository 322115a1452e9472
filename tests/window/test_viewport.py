# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the viewport: after undo and redo by keys, and while models are made."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pixels
import pytest
from slow_service import SlowService
from window import ROOT, Blender


def kinds(blender: Blender) -> tuple[int, int]:
    """The numbers of models and of placeholders in the scene."""
    found = [thing["type"] for name, thing in blender.ask("objects").items() if name not in ("Cube", "Camera", "Light")]
    return found.count("MESH"), found.count("EMPTY")


def states(blender: Blender) -> list[str]:
    return sorted(job["state"] for job in blender.ask("jobs"))


@pytest.mark.newest
def test_three_undos_and_three_redos_by_keys_leave_nothing_behind_and_the_list_agrees(
    at_work: Blender, slow_service: SlowService
) -> None:
    slow_service.seconds = 2
    for name in ("chair", "mug", "vase"):
        at_work.ask("generate", image=str(ROOT / "samples" / f"{name}.png"), place="PLACEHOLDER")
    at_work.wait_until(lambda: states(at_work) == ["placed"] * 3, "the models did not arrive")
    at_work.point(*at_work.center())
    for key, undone in (("ctrl+z", (1, 2, 3)), ("ctrl+shift+z", (2, 1, 0))):
        for count in undone:
            at_work.press(key)
            expected = ["placed"] * (3 - count) + ["ready"] * count
            at_work.wait_until(
                lambda expected=expected: states(at_work) == expected, f"after {key} the list is not {expected}", 10
            )
            at_work.wait_until(
                lambda count=count: kinds(at_work) == (3 - count, 0), f"after {key} there is something else", 10
            )
        at_work.screenshot(f"after-three-times-{key}")


@pytest.mark.newest
def test_placeholders_are_seen_from_above_and_thirty_of_them_cost_little_time(
    at_work: Blender, slow_service: SlowService, chair: Path, measured: Callable[[dict[str, Any]], None]
) -> None:
    slow_service.seconds = 120
    at_work.ask("look_from", side="TOP")
    view = tuple(at_work.ask("rectangle", kind="WINDOW"))
    before = pixels.read(at_work.screenshot("above-nothing"), view)
    at_work.ask("generate", image=str(chair), place="PLACEHOLDER")
    at_work.wait_for("waiting")
    after = pixels.read(at_work.screenshot("above-a-placeholder"), view)
    assert pixels.share_changed(before, after) > 0.001, "an image is only a line from above"

    for _ in range(29):
        at_work.ask("generate", image=str(chair), place="PLACEHOLDER")
    at_work.ask("look_from", side="FRONT")
    at_work.screenshot("thirty-placeholders")
    seconds = at_work.ask("time_overlay", times=20)
    measured({"median_ms": 1e3 * statistics.median(seconds), "worst_ms": 1e3 * max(seconds)})
    assert statistics.median(seconds) < 0.02
