# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole job is not noticed by the main thread, and Blender's auto-save goes on while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import shapes
from slow_service import SlowService
from window import Blender

LONGEST_MS = 100.0
"""A main thread that stands still this long is noticed; only drawing, which is software here, may take longer."""

Keep = Callable[[dict[str, Any]], None]


@pytest.mark.alone
@pytest.mark.newest
def test_blender_does_not_stall_during_a_whole_job(
    at_work: Blender, slow_service: SlowService, large_model: Path, chair: Path, measured: Keep
) -> None:
    slow_service.seconds = 15
    slow_service.deliver(large_model)
    at_work.fill_in("image_to_3d.image", str(chair))
    button = at_work.find("image_to_3d.generate")
    at_work.point(*button)
    time.sleep(1.0)
    at_work.ask("start_heartbeat")
    at_work.click(*button)
    at_work.point(*at_work.center())
    job = at_work.wait_for("placed", "failed")
    time.sleep(2.0)
    heart = at_work.ask("stop_heartbeat")
    measured(heart)
    assert job["state"] == "placed", job["error"]
    assert heart["seconds"] > 17
    assert heart["beats"] > 500
    assert stalls(heart) == []


@pytest.mark.alone
@pytest.mark.newest
def test_blender_does_not_stall_while_a_model_is_remeshed(
    at_work: Blender, slow_service: SlowService, chair: Path, tmp_path: Path, measured: Keep
) -> None:
    slow_service.seconds = 1
    slow_service.deliver(shapes.write_glb(tmp_path / "model.glb", shapes.ball(100_000), shapes.texture(2048)))
    at_work.generate(chair)
    name = at_work.wait_for("placed", "failed")["objects"][0]
    at_work.ask("select_only", name=name)
    at_work.point(*at_work.center())
    at_work.ask("invoke", operator="image_to_3d.remesh_to_quads")
    time.sleep(1.0)
    at_work.ask("start_heartbeat")
    at_work.press("Return")  # the button of the dialog
    at_work.wait_until(lambda: at_work.ask("tools"), "the dialog started no tool", 10)
    at_work.wait_until(lambda: not at_work.ask("tools"), "no result", 150)
    time.sleep(2.0)
    heart = at_work.ask("stop_heartbeat")
    measured(heart)
    assert f"{name} Quads" in at_work.ask("objects")
    assert stalls(heart) == []


def stalls(heart: dict[str, Any]) -> list[dict[str, Any]]:
    """What would be noticed of the gaps that were measured."""
    # Time in which other programs had the processor is not ours, unless it fell into the drawing, which is off already.
    ours = [(gap["ms"] - max(gap["drawing_ms"], gap["kept_waiting_ms"]), gap) for gap in heart["gaps"]]
    return [gap for stall, gap in ours if stall > LONGEST_MS]


def auto_save_during(blender: Blender, folder: Path, chair: Path, seconds: float) -> float:
    """Seconds after which an auto-save was written, while a job that was started at once is running."""
    folder.mkdir()
    blender.ask("keep_temporary_files_in", folder=str(folder))
    blender.generate(chair)
    started = time.monotonic()
    blender.point(*blender.center())
    blender.press("g", "x", "2", "Return")
    blender.wait_until(lambda: list(folder.glob("*autosave*")), "no auto-save was written", seconds)
    assert blender.last_job()["state"] == "waiting"
    return time.monotonic() - started


@pytest.mark.newest
def test_auto_save_is_written_while_a_job_runs(
    at_work: Blender, slow_service: SlowService, chair: Path, tmp_path: Path, measured: Keep
) -> None:
    slow_service.seconds = 120
    measured({"seconds until the auto-save": auto_save_during(at_work, tmp_path / "saves", chair, 100)})


@pytest.mark.long
def test_auto_save_set_to_a_minute_is_written_again_and_again_during_a_three_minute_job(
    at_work: Blender, slow_service: SlowService, chair: Path, tmp_path: Path
) -> None:
    slow_service.seconds = 180
    auto_save_during(at_work, tmp_path / "saves", chair, 100)
    first = max(f.stat().st_mtime for f in (tmp_path / "saves").glob("*autosave*"))
    at_work.press("g", "y", "2", "Return")
    at_work.wait_until(
        lambda: max(f.stat().st_mtime for f in (tmp_path / "saves").glob("*autosave*")) > first, "no second one", 100
    )
    assert at_work.last_job()["state"] == "waiting"
    at_work.wait_for("placed", seconds=120)
