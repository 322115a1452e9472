# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the results are: outside of what uninstalling deletes, or in the folder that the artist means."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scripted_service import ScriptedService

from .conftest import PACKAGE, part

pytestmark = pytest.mark.heavy

Until = Callable[[Callable[[], Any]], None]


def test_results_and_journal_are_not_where_uninstalling_deletes(
    image_to_3d: Any, service: ScriptedService, image_file: Path
) -> None:
    import bpy

    job = image_to_3d.generate(image_file, wait=True, scene=None)
    deleted = Path(bpy.utils.extension_path_user(PACKAGE))
    data = part("preferences").data_folder()
    assert job.folder.parent == data / "results"
    assert (data / "journal.sqlite").is_file()
    assert not data.is_relative_to(deleted)
    assert not deleted.exists()
    if os.name != "nt":
        assert [path.stat().st_mode & 0o777 for path in (data, data / "owners")] == [0o700, 0o700]


@pytest.mark.skipif(sys.platform != "linux", reason="the other systems' places are tested by their paths")
@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"XDG_DATA_HOME": "{home}/data"}, "{home}/data/image-to-3d"),
        ({}, "{home}/.local/share/image-to-3d"),
        ({"IMAGE_TO_3D_DATA": "{home}/mine"}, "{home}/mine/image-to-3d"),
        ({"BLENDER_USER_RESOURCES": "{home}/blender"}, "{home}/blender/image-to-3d"),
    ],
)
def test_the_data_folder_follows_the_environment(
    user: Path, tmp_path: Path, environment: dict[str, str], folder: str
) -> None:
    script = (
        f"import sys, types; sys.path.insert(0, {str(user / 'extensions' / 'user_default')!r})\n"
        "import bpy, importlib\n"
        "print(importlib.import_module('image_to_3d.preferences').data_folder())\n"
    )
    cleared = {"BLENDER_USER_RESOURCES", "XDG_DATA_HOME", "IMAGE_TO_3D_DATA"}
    inherited = {name: value for name, value in os.environ.items() if name not in cleared}
    given = {name: value.format(home=tmp_path) for name, value in environment.items()}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=inherited | {"HOME": str(tmp_path)} | given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == [folder.format(home=tmp_path)], done.stderr


@pytest.mark.skipif(os.name == "nt", reason="paths of other systems")
def test_a_results_folder_means_what_was_typed_or_is_refused(
    preferences: Any, image_to_3d: Any, tmp_path: Path
) -> None:
    import bpy

    read_config = part("preferences").read_config
    preferences.service = "OFFLINE"
    preferences.results_folder = "~/models"
    assert preferences.results_folder == str(Path.home() / "models")
    assert read_config().results == Path.home() / "models"
    for refused in ("models", "//models", "\\\\server\\share"):
        preferences.results_folder = refused
        assert "can't be used" in read_config().results_refused
        with pytest.raises(image_to_3d.ParameterError, match="can't be used"):
            image_to_3d.generate(b"image")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    preferences.results_folder = "//models"
    assert read_config().results == tmp_path / "models"
    assert read_config().why_not_ready() is None


def test_earlier_results_move_at_the_press_of_a_button(
    image_to_3d: Any,
    service: ScriptedService,
    preferences: Any,
    image_file: Path,
    keep_going: Until,
    tmp_path: Path,
) -> None:
    import bpy

    job = image_to_3d.generate(image_file, wait=True, scene=None)
    preferences.results_folder = str(tmp_path / "mine")
    bpy.ops.image_to_3d.move_results()
    keep_going(lambda: not part("background_task").storage.status.running)
    assert str(part("background_task").storage.status.text) == "Moved 1 result."
    assert [path.parent for path in (tmp_path / "mine").glob("*/model.glb")] == [tmp_path / "mine" / job.folder.name]
    keep_going(lambda: part("job_view").job(job.id).folder.parent == tmp_path / "mine")
    bpy.ops.image_to_3d.import_here(job_id=job.id)


def test_a_pause_that_the_service_asked_for_ends_with_try_now(
    image_to_3d: Any, service: ScriptedService, image_file: Path, keep_going: Until
) -> None:
    import bpy
    from scripted_service import answers, to_json

    service.next("upload", answers(to_json({"status": "error"}, 429, **{"Retry-After": "86400"})))
    job = image_to_3d.generate(image_file, scene=None)
    keep_going(lambda: part("job_view").paused() and part("engine").queue().is_idle())
    assert part("job_view").paused()[0] in ("1:00:00", "59:59", "59:58")
    bpy.ops.image_to_3d.try_now()
    assert part("job_view").paused() is None
    keep_going(lambda: job.state == "ready")
