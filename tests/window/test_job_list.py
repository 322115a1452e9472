# SPDX-License-Identifier: GPL-3.0-or-later
"""The job list with mouse and keyboard: a click shows the model, and X acts on the row that the artist has selected."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from slow_service import SlowService
from window import Blender


@pytest.mark.newest
def test_a_click_shows_the_model_and_a_job_that_begins_does_not_come_under_the_x(
    at_work: Blender, slow_service: SlowService, chair: Path, tmp_path: Path
) -> None:
    slow_service.seconds = 1
    at_work.ask("generate", image=str(chair))
    at_work.wait_for("placed")
    slow_service.seconds = 60
    at_work.ask("generate", image=str(chair))
    at_work.wait_for("waiting")
    at_work.click_row(1)
    assert at_work.ask("selection") == {"active": "chair", "selected": ["chair"]}
    at_work.click_row(0)
    cross = at_work.find("image_to_3d.cancel_job")
    folder = tmp_path / "batch"
    folder.mkdir()
    shutil.copy(chair, folder)
    at_work.ask("generate_many", images=str(folder))
    at_work.wait_until(lambda: len(at_work.ask("jobs")) == 3, "no job began", 20)
    at_work.click(*cross)
    at_work.screenshot("x-asks-for-the-selected-job")
    at_work.press("Return")
    placed, cancelled, begun = "placed", "cancelled", "waiting"
    at_work.wait_until(lambda: at_work.ask("jobs")[1]["state"] == cancelled, "it was not cancelled", 10)
    at_work.wait_until(lambda: at_work.ask("jobs")[2]["state"] == begun, "the new job does not run", 20)
    assert at_work.ask("jobs")[0]["state"] == placed
