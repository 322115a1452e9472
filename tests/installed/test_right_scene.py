# SPDX-License-Identifier: GPL-3.0-or-later
"""A model goes into the scene it was asked for in, and into no other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scripted_service import ScriptedService

from .conftest import part

Going = Callable[[Callable[[], Any]], None]


@pytest.fixture
def room(image_to_3d: Any, tmp_path: Path) -> Path:
    """A saved file that is open."""
    import bpy

    path = tmp_path / "room.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


def names() -> set[str]:
    import bpy

    return {o.name for o in bpy.data.objects}


def test_it_goes_into_its_own_scene_though_another_one_is_shown(
    image_to_3d: Any, service: ScriptedService, image_file: Path
) -> None:
    import bpy

    own = bpy.context.scene
    job = image_to_3d.generate(image_file)
    other = bpy.data.scenes.new("Other")
    bpy.context.window.scene = other
    job.wait(timeout=60)
    assert job.state == "placed"
    assert "chair" in own.objects
    assert len(other.objects) == 0


def test_its_scene_is_found_though_it_was_renamed_meanwhile(
    image_to_3d: Any, service: ScriptedService, image_file: Path
) -> None:
    import bpy

    own = bpy.context.scene
    job = image_to_3d.generate(image_file)
    own.name = "Renamed"
    bpy.data.scenes.new("Scene")
    job.wait(timeout=60)
    assert "chair" in own.objects


def test_where_its_scene_was_deleted_it_waits(image_to_3d: Any, service: ScriptedService, image_file: Path) -> None:
    import bpy

    bpy.data.scenes.new("Other")
    job = image_to_3d.generate(image_file)
    bpy.data.scenes.remove(bpy.context.scene)
    job.wait(timeout=60)
    assert job.state == "ready"
    assert names() == set()


def test_a_model_is_not_placed_in_another_file_but_in_its_own_when_that_is_opened_again(
    image_to_3d: Any, service: ScriptedService, image_file: Path, room: Path, keep_going: Going
) -> None:
    import bpy

    job = image_to_3d.generate(image_file)
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.read_homefile(use_empty=True)
    job.wait(timeout=60)
    assert job.state == "ready"
    assert names() == set()

    bpy.ops.wm.open_mainfile(filepath=str(room))
    keep_going(lambda: job.state == "placed")
    assert "chair" in bpy.context.scene.objects


def test_a_file_that_was_not_saved_since_is_another_file_when_it_is_opened_again(
    image_to_3d: Any, service: ScriptedService, image_file: Path, room: Path
) -> None:
    import bpy

    job = image_to_3d.generate(image_file)
    bpy.ops.wm.open_mainfile(filepath=str(room))
    job.wait(timeout=60)
    assert job.state == "ready"
    assert names() == set()


def test_import_here_puts_a_waiting_model_into_the_scene_that_is_open(
    image_to_3d: Any, service: ScriptedService, image_file: Path
) -> None:
    import bpy

    job = image_to_3d.generate(image_file)
    bpy.ops.wm.read_homefile(use_empty=True)
    job.wait(timeout=60)
    bpy.context.scene.cursor.location = (3.0, 2.0, 1.0)
    assert bpy.ops.image_to_3d.import_here(job_id=job.id) == {"FINISHED"}
    assert job.state == "placed"
    assert tuple(job.objects[0].matrix_world.translation) == pytest.approx((3.0, 2.0, 1.0), abs=1e-5)


def test_of_two_scenes_that_were_copied_from_one_the_right_one_gets_it(
    image_to_3d: Any, service: ScriptedService, image_file: Path, room: Path, keep_going: Going
) -> None:
    import bpy

    own = bpy.context.scene
    first = image_to_3d.generate(image_file, name="first")
    bpy.ops.scene.new(type="FULL_COPY")
    copy = bpy.context.scene
    assert copy != own
    second = image_to_3d.generate(image_file, name="second")
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.read_homefile(use_empty=True)
    for job in (first, second):
        assert job.wait(timeout=60).state == "ready"

    bpy.ops.wm.open_mainfile(filepath=str(room))
    keep_going(lambda: first.state == second.state == "placed")
    assert [o.name for o in bpy.data.scenes["Scene"].objects] == ["first"]
    assert [o.name for o in bpy.data.scenes["Scene.001"].objects] == ["second"]


def test_undoing_the_scene_token_does_not_lose_the_target_scene(
    image_to_3d: Any, service: ScriptedService, image_file: Path, room: Path, keep_going: Going
) -> None:
    import bpy

    bpy.ops.ed.undo_push(message="before")
    job = image_to_3d.generate(image_file)
    bpy.ops.ed.undo_push(message="after")
    bpy.ops.ed.undo()
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.read_homefile(use_empty=True)
    job.wait(timeout=60)
    bpy.ops.wm.open_mainfile(filepath=str(room))
    keep_going(lambda: job.state == "placed")


def test_one_undo_takes_the_model_away_and_redo_brings_it_back(
    image_to_3d: Any, service: ScriptedService, image_file: Path
) -> None:
    import bpy

    bpy.ops.ed.undo_push(message="before")
    job = image_to_3d.generate(image_file, wait=True)
    assert "chair" in names()
    bpy.ops.ed.undo()
    assert "chair" not in names()
    assert job.objects == ()
    bpy.ops.ed.redo()
    assert "chair" in names()
    assert [o.name for o in job.objects] == ["chair"]


def test_nothing_of_a_job_is_kept_in_the_file_but_the_scene_token(
    image_to_3d: Any, service: ScriptedService, image_file: Path, tmp_path: Path
) -> None:
    import bpy

    job = image_to_3d.generate(image_file, scene=None, wait=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"), compress=False)
    content = (tmp_path / "a.blend").read_bytes()
    assert job.id.encode() not in content
    assert service.base_url.encode() not in content


def test_placed_models_are_safe_once_their_file_is_saved(
    image_to_3d: Any, service: ScriptedService, image_file: Path, room: Path, keep_going: Going
) -> None:
    import bpy

    job = image_to_3d.generate(image_file, wait=True)
    assert not job.job.saved
    bpy.ops.wm.save_mainfile()
    keep_going(lambda: part("engine").current_job(job.id).saved)


def test_a_model_that_went_with_an_unsaved_file_waits_in_the_list_again(
    image_to_3d: Any, service: ScriptedService, image_file: Path, keep_going: Callable[..., None]
) -> None:
    import bpy

    service.polls_until_done = 0
    job = image_to_3d.generate(image_file, wait=True)
    assert job.state == "placed"
    bpy.ops.wm.read_homefile(use_empty=True)
    keep_going(lambda: job.state == "ready")
    assert not bpy.data.objects
    assert bpy.ops.image_to_3d.import_here(job_id=job.id) == {"FINISHED"}
    assert job.objects
