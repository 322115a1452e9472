# SPDX-License-Identifier: GPL-3.0-or-later
"""Results stay until the artist clears them away, and what is not placed and saved stays even then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from scripted_service import ScriptedService

from .conftest import part

Until = Callable[[Callable[[], Any]], None]


def test_the_size_is_shown_and_a_clean_up_spares_what_is_not_saved(
    image_to_3d: Any, service: ScriptedService, preferences: Any, picture: Path, keep_going: Until, tmp_path: Path
) -> None:
    import bpy

    service.polls_until_done = 0
    saved = image_to_3d.generate(picture, wait=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    unsaved = image_to_3d.generate(picture, wait=True)
    keep_going(lambda: '"kept": true' in (saved.folder / "job.json").read_text())

    bpy.ops.image_to_3d.measure_results()
    keep_going(lambda: part("storage").now().text.startswith("2 results take "))

    preferences.keep_days, preferences.keep_gigabytes = 0, 0.000001
    bpy.ops.image_to_3d.clean_up()
    keep_going(lambda: "Removed 1 results" in part("storage").now().text)
    assert not saved.folder.exists()
    assert unsaved.model_path.is_file()


def test_nothing_is_cleared_away_by_itself_unless_that_is_switched_on(preferences: Any) -> None:
    assert preferences.clean_up_by_itself is False
