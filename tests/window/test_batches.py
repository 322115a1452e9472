# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder becomes models with mouse and keyboard, and the batch is one row of the list that says how far it is."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from slow_service import SlowService
from window import ROOT, Blender

SAMPLES = ("chair", "mug", "toadstool", "vase")


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    folder = tmp_path / "shots"
    folder.mkdir()
    for number in range(1, 10):
        shutil.copy(ROOT / "samples" / f"{SAMPLES[number % 4]}.png", folder / f"{number} {SAMPLES[number % 4]}.png")
    return folder


def browse(blender: Blender, folder: Path) -> None:
    """Open the file browser with the button, and turn to a folder with its path."""
    blender.ask("show_file_browser_in_the_window")
    blender.press_button("image_to_3d.choose_batch")
    blender.turn_file_browser_to(folder)


def confirm(blender: Blender) -> None:
    """Press the file browser's button, and Return in the dialog that follows."""
    x, y, width, height = blender.ask("file_browser")["EXECUTE"]
    blender.click(x + width - 70, y + height / 2)
    blender.wait_until(lambda: not blender.ask("file_browser"), "the file browser stays open", 10)
    blender.screenshot("batch-2-question")
    assert not blender.ask("batches")
    blender.press("Return")
    blender.wait_until(lambda: blender.ask("batches"), "the dialog started no batch", 10)


def batch(blender: Blender) -> dict[str, Any]:
    found: dict[str, Any] = blender.ask("batches")[-1]
    return found


@pytest.mark.newest
def test_a_folder_is_chosen_confirmed_watched_paused_and_finished(
    at_work: Blender, slow_service: SlowService, shots: Path
) -> None:
    slow_service.seconds = 120
    at_work.ask("set_preference", name="job_limit", value=2)
    at_work.ask("clear_scene")
    browse(at_work, shots)
    at_work.screenshot("batch-1-folder")
    confirm(at_work)
    assert (batch(at_work)["name"], batch(at_work)["total"], batch(at_work)["arrange"]) == ("shots", 9, "GRID")
    at_work.wait_until(lambda: batch(at_work)["running"], "no job runs", 30)
    at_work.press_button("image_to_3d.expand_row")
    at_work.click_row(0)
    at_work.screenshot("batch-3-expanded")
    at_work.press_button("image_to_3d.pause_batch")
    at_work.wait_until(lambda: batch(at_work)["paused"], "it was not paused", 5)
    slow_service.seconds = 1
    at_work.wait_until(lambda: batch(at_work)["done"] == 2, "the running jobs did not end", 60)
    time.sleep(2.0)
    assert (batch(at_work)["running"], batch(at_work)["waiting"], len(slow_service.submitted)) == (0, 7, 2)
    at_work.screenshot("batch-4-paused")
    at_work.press_button("image_to_3d.resume_batch")
    at_work.wait_until(lambda: batch(at_work)["done"] >= 5, "it was not resumed", 60)
    at_work.screenshot("batch-5-resumed")
    at_work.wait_until(lambda: all(j["state"] == "placed" for j in at_work.ask("jobs")), "it did not end", 90)
    assert batch(at_work)["done"] == len(at_work.ask("jobs")) == len(slow_service.submitted) == 9
    at_work.ask("look_from", side="TOP")
    at_work.screenshot("batch-6-done")


@pytest.mark.newest
def test_the_selected_images_alone_are_generated(at_work: Blender, slow_service: SlowService, shots: Path) -> None:
    slow_service.seconds = 1
    browse(at_work, shots)
    x, y, _width, height = at_work.ask("file_browser")["WINDOW"]
    for number in (0, 1):
        at_work.run("xdotool", "keydown", "ctrl")
        at_work.click(x + 60 + 124 * number, y + height - 60)
        at_work.run("xdotool", "keyup", "ctrl")
    at_work.screenshot("batch-1-selected")
    confirm(at_work)
    assert batch(at_work)["total"] == 2
    at_work.wait_until(lambda: batch(at_work)["done"] == 2, "it did not end", 60)


@pytest.mark.newest
def test_cancelling_a_batch_asks_first(at_work: Blender, slow_service: SlowService, shots: Path) -> None:
    slow_service.seconds = 60
    at_work.ask("generate_many", images=str(shots))
    at_work.wait_until(lambda: batch(at_work)["running"], "no job runs", 30)
    at_work.click_row(0)
    at_work.press_button("image_to_3d.cancel_batch")
    at_work.screenshot("batch-cancel")
    assert not batch(at_work)["cancelled"]
    at_work.press("Return")
    at_work.wait_until(lambda: batch(at_work)["cancelled"] == 9, "it was not cancelled", 10)


@pytest.mark.newest
def test_drawing_the_list_costs_as_little_with_a_thousand_jobs(
    at_work: Blender,
    slow_service: SlowService,
    tmp_path: Path,
    chair: Path,
    measured: Callable[[dict[str, Any]], None],
) -> None:
    slow_service.seconds = 30
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(1000):
        shutil.copy(chair, folder / f"{number}.png")
    none = at_work.ask("time_drawing", times=15)
    at_work.ask("fill_list", count=500)
    single = at_work.ask("time_drawing", times=15)
    at_work.ask("generate_many", images=str(folder))
    at_work.wait_until(lambda: len(at_work.ask("jobs")) == 1500, "not all jobs exist", 120)
    one_row = at_work.ask("time_drawing", times=15)
    at_work.ask("expand_first_batch")
    expanded = at_work.ask("time_drawing", times=15)
    at_work.screenshot("batch-of-1000")
    found = {"none": none, "500 single": single, "one row": one_row, "expanded": expanded}
    medians = {name: round(statistics.median(values) * 1000, 2) for name, values in found.items()}
    measured(medians)
    assert medians["500 single"] - medians["none"] < 2.0
    assert medians["one row"] - medians["none"] < 3.0
    assert medians["expanded"] - medians["none"] < 3.0
