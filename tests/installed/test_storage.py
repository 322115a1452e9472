# SPDX-License-Identifier: GPL-3.0-or-later
"""Results folders: their size, their clean-up, and the folder for jobs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scripted_service import ScriptedService

from .conftest import part

pytestmark = pytest.mark.heavy

Until = Callable[[Callable[[], Any]], None]


def test_the_size_is_shown_and_a_clean_up_keeps_unsaved_models(
    image_to_3d: Any, service: ScriptedService, preferences: Any, image_file: Path, keep_going: Until, tmp_path: Path
) -> None:
    import bpy

    service.polls_until_done = 0
    saved = image_to_3d.generate(image_file, wait=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    unsaved = image_to_3d.generate(image_file, wait=True)
    keep_going(lambda: '"saved": true' in (saved.folder / "job.json").read_text())

    bpy.ops.image_to_3d.measure_results()
    keep_going(lambda: str(part("background_task").storage.status.text).startswith("2 results, "))

    preferences.keep_days, preferences.keep_gigabytes = 0, 0.000001
    question = part("background_task").ask_before_clean_up(part("preferences").read_config(), 10.0)
    assert re.fullmatch(r"Delete 1 Result \([0-9.]+ MB\)\?", str(question))
    bpy.ops.image_to_3d.clean_up()
    keep_going(lambda: "Deleted 1 result (" in str(part("background_task").storage.status.text))
    assert not saved.folder.exists()
    assert str(part("background_task").ask_before_clean_up(part("preferences").read_config(), 10.0)) == ""
    assert unsaved.model_path.is_file()


def test_the_size_limit_applies_to_all_results_folders_together(
    image_to_3d: Any, service: ScriptedService, preferences: Any, image_file: Path, keep_going: Until, tmp_path: Path
) -> None:
    import bpy

    service.polls_until_done = 0
    first = image_to_3d.generate(image_file, wait=True, scene=None)
    preferences.results_folder = str(tmp_path / "elsewhere")
    second = image_to_3d.generate(image_file, wait=True, scene=None)
    for job in (first, second):
        bpy.ops.image_to_3d.dismiss(job_id=job.id)
    keep_going(lambda: all('"listed": false' in (job.folder / "job.json").read_text() for job in (first, second)))
    sizes = [sum(path.stat().st_size for path in job.folder.iterdir()) for job in (first, second)]
    preferences.keep_days, preferences.keep_gigabytes = 0, 1.5 * max(sizes) / 1e9
    bpy.ops.image_to_3d.clean_up()
    keep_going(lambda: not part("background_task").storage.status.running)
    assert (first.folder.exists(), second.folder.exists()) == (False, True)


def test_the_folder_for_jobs_is_created_with_the_first_job(image_to_3d: Any, service: ScriptedService) -> None:
    folder = part("preferences").data_folder()
    assert part("preferences").read_config().why_not_ready() is None
    assert not folder.exists()
    part("engine").queue()
    assert folder.is_dir()


def test_an_error_says_that_this_folder_can_not_be_created(
    image_to_3d: Any, service: ScriptedService, image_file: Path
) -> None:
    folder = part("preferences").data_folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way")
    try:
        with pytest.raises(part("errors").StorageError, match="can't be created"):
            image_to_3d.generate(image_file)
    finally:
        folder.unlink()


def test_cleaning_up_on_startup_is_off_by_default(preferences: Any) -> None:
    assert preferences.clean_up_at_start is False


def test_a_limit_of_the_clean_up_is_switched_off_and_on_again_with_its_value(preferences: Any) -> None:
    preferences.keep_days = 7
    preferences.use_keep_days = False
    assert part("preferences").read_config().keep_days is None
    preferences.use_keep_days = True
    assert part("preferences").read_config().keep_days == 7
