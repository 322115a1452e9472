# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of all files are found again, placed again, and shown in the Asset Browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scripted_service import ScriptedService

from .conftest import part


def results() -> Any:
    """What the panel shows, once everything is read."""
    view, folders = part("results_view"), part("preferences").read_config().results_folders
    view.changed()
    view.load(folders)
    view.wait()
    return view.page(0, "").results


@pytest.fixture
def earlier(image_to_3d: Any, service: ScriptedService, image_file: Path) -> Any:
    """A job of a Blender that has ended, in a file that is closed."""
    import bpy

    job = image_to_3d.generate(image_file, wait=True, ss_sampling_steps=20, size=0.5)
    part("engine").stop()
    bpy.ops.wm.read_homefile(use_empty=True)
    return job


def test_a_result_is_placed_again_after_a_restart_in_another_file(earlier: Any) -> None:
    import bpy

    bpy.context.scene.cursor.location = (1.0, 2.0, 0.0)
    (result,) = results()
    assert (result.name, result.job_id) == ("chair", earlier.id)
    assert bpy.ops.image_to_3d.place_result(job_id=result.job_id) == {"FINISHED"}
    (model,) = [item for item in bpy.data.objects if item.get("image_to_3d")]
    assert tuple(model.location) == (1.0, 2.0, 0.0)
    assert max(model.dimensions) == pytest.approx(0.5, abs=1e-4)


def test_its_settings_go_back_into_the_panel(earlier: Any) -> None:
    import bpy

    (result,) = results()
    assert bpy.ops.image_to_3d.use_result_settings(job_id=result.job_id) == {"FINISHED"}
    settings = bpy.context.scene.image_to_3d
    assert settings.ss_sampling_steps == 20
    assert settings.seed == "3480183101"
    assert settings.placement.size == 0.5


def test_a_result_that_was_deleted_meanwhile_is_said(earlier: Any) -> None:
    import shutil

    import bpy

    (result,) = results()
    shutil.rmtree(result.folder)
    with pytest.raises(RuntimeError, match="no longer in the results folder"):
        bpy.ops.image_to_3d.place_result(job_id=result.job_id)
    assert results() == ()


def test_the_results_folder_becomes_an_asset_library_on_request_and_once(image_to_3d: Any) -> None:
    import bpy

    libraries = bpy.context.preferences.filepaths.asset_libraries
    before = len(libraries)
    assert bpy.ops.image_to_3d.add_asset_library() == {"FINISHED"}
    try:
        added = libraries[len(libraries) - 1]
        assert (len(libraries), added.name) == (before + 1, "Image to 3D")
        assert Path(added.path) == part("preferences").read_config().results
        assert not bpy.ops.image_to_3d.add_asset_library.poll()
    finally:
        libraries.remove(libraries[len(libraries) - 1])


def test_a_prepared_model_is_an_asset_in_its_file_and_in_the_scene_only_if_that_is_set(
    image_to_3d: Any, service: ScriptedService, image_file: Path
) -> None:
    import bpy

    job = image_to_3d.generate(image_file, wait=True)
    model = job.objects[0]
    assert (model.asset_data, model.use_fake_user) == (None, False)
    (blend,) = job.folder.glob("*.blend")
    loaded: Any = bpy.data.libraries.load(str(blend), link=True, assets_only=True)
    with loaded as (there, here):
        here.objects = there.objects
    assert [item.name for item in here.objects] == ["chair"]
    assert tuple(here.objects[0].preview.image_size) == (256, 256)
