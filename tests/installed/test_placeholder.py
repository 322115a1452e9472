# SPDX-License-Identifier: GPL-3.0-or-later
"""An empty with the image holds a model's place; what is done to it meanwhile is what the model gets."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scripted_service import ScriptedService

from .conftest import part

MARK = "image_to_3d_placeholder"
Until = Callable[[Callable[[], Any]], None]


def held(job: Any) -> Any:
    """The job's placeholder; None where there is none."""
    import bpy

    return next((item for item in bpy.data.objects if item.get(MARK) == job.id), None)


@pytest.fixture
def waiting(image_to_3d: Any, service: ScriptedService, image_file: Path, keep_going: Until) -> Any:
    """A job that holds its place at (1, 2, 3), with the service still at work."""
    import bpy

    bpy.context.scene.cursor.location = (1.0, 2.0, 3.0)
    service.polls_until_done = 10**6
    job = image_to_3d.generate(image_file, place="PLACEHOLDER")
    keep_going(lambda: job.state == "waiting" and held(job).data is not None)
    return job


def finish(job: Any, service: ScriptedService, keep_going: Until) -> Any:
    service.polls_until_done = 0
    keep_going(lambda: job.state in ("placed", "failed") or (job.state == "ready" and not part("engine").busy()))
    return job.objects[0] if job.objects else None


def test_from_the_start_an_empty_with_the_image_stands_at_the_cursor(waiting: Any) -> None:
    empty = held(waiting)
    assert empty.type == "EMPTY"
    assert empty.empty_display_type == "IMAGE"
    assert Path(empty.data.filepath).is_file()
    assert tuple(empty.location) == pytest.approx((1, 2, 3))
    assert empty.hide_render


def test_an_untouched_placeholder_is_replaced_by_the_model_at_its_place(
    waiting: Any, service: ScriptedService, keep_going: Until
) -> None:
    import bpy

    root = finish(waiting, service, keep_going)
    bpy.context.view_layer.update()
    assert tuple(root.matrix_world.translation) == pytest.approx((1, 2, 3), abs=1e-5)
    assert tuple(root.matrix_world.to_euler()) == pytest.approx((0, 0, 0), abs=1e-5)
    assert held(waiting) is None
    assert not [image for image in bpy.data.images if image.users == 0 and "image" in image.filepath]


def test_the_model_is_moved_rotated_and_scaled_as_its_placeholder_was(
    waiting: Any, service: ScriptedService, keep_going: Until
) -> None:
    import bpy
    from mathutils import Matrix

    turn = Matrix.Translation((5, 0, 0)) @ Matrix.Rotation(math.radians(30), 4, "Z") @ Matrix.Scale(2, 4)
    empty = held(waiting)
    bpy.context.view_layer.update()
    empty.matrix_world = turn @ empty.matrix_world
    root = finish(waiting, service, keep_going)
    bpy.context.view_layer.update()
    expected = turn @ Matrix.Translation((1, 2, 3))
    for got, wanted in zip(root.matrix_world, expected, strict=True):
        assert tuple(got) == pytest.approx(tuple(wanted), abs=1e-4)


def test_parent_and_collection_go_over_to_the_model(waiting: Any, service: ScriptedService, keep_going: Until) -> None:
    import bpy

    scene = bpy.context.scene
    parent = bpy.data.objects.new("table", None)
    props = bpy.data.collections.new("props")
    scene.collection.children.link(props)
    scene.collection.objects.link(parent)
    parent.location = (0, 0, 10)
    empty = held(waiting)
    empty.parent = parent
    for collection in list(empty.users_collection):
        collection.objects.unlink(empty)
    props.objects.link(empty)
    root = finish(waiting, service, keep_going)
    bpy.context.view_layer.update()
    assert root.parent == parent
    assert list(root.users_collection) == [props]
    assert tuple(root.matrix_world.translation) == pytest.approx((1, 2, 13), abs=1e-4)


def test_children_of_the_placeholder_become_children_of_the_model_and_stay_in_place(
    waiting: Any, service: ScriptedService, keep_going: Until
) -> None:
    import bpy

    empty = held(waiting)
    empty.rotation_euler.z = 0.5
    child = bpy.data.objects.new("lamp", None)
    bpy.context.scene.collection.objects.link(child)
    bpy.context.view_layer.update()
    child.parent = empty
    child.matrix_parent_inverse = empty.matrix_world.inverted()
    child.location = (4, 5, 6)
    bpy.context.view_layer.update()
    before = child.matrix_world.copy()
    root = finish(waiting, service, keep_going)
    bpy.context.view_layer.update()
    assert child.parent == root
    for got, wanted in zip(child.matrix_world, before, strict=True):
        assert tuple(got) == pytest.approx(tuple(wanted), abs=1e-4)


def test_a_placeholder_that_was_renamed_is_found(waiting: Any, service: ScriptedService, keep_going: Until) -> None:
    held(waiting).name = "my chair goes here"
    assert finish(waiting, service, keep_going) is not None


def test_a_model_whose_placeholder_was_deleted_waits_in_the_list(
    waiting: Any, service: ScriptedService, keep_going: Until
) -> None:
    import bpy

    bpy.data.objects.remove(held(waiting))
    finish(waiting, service, keep_going)
    assert waiting.state == "ready"
    assert waiting.objects == ()
    assert bpy.ops.image_to_3d.import_here(job_id=waiting.id) == {"FINISHED"}
    keep_going(lambda: waiting.state == "placed")


def test_a_cancel_removes_the_placeholder_and_a_retry_adds_it_again(
    waiting: Any, service: ScriptedService, keep_going: Until
) -> None:
    import bpy

    waiting.cancel()
    keep_going(lambda: held(waiting) is None)
    bpy.ops.image_to_3d.retry(job_id=waiting.id)
    keep_going(lambda: held(waiting) is not None)
    assert finish(waiting, service, keep_going) is not None


def test_one_undo_takes_the_model_away_and_brings_it_back(
    waiting: Any, service: ScriptedService, keep_going: Until
) -> None:
    import bpy

    name = finish(waiting, service, keep_going).name
    bpy.ops.ed.undo()
    assert held(waiting) is not None
    assert not [item for item in bpy.data.objects if item.type == "MESH"]
    bpy.ops.ed.redo()
    assert held(waiting) is None
    assert bpy.data.objects[name].type == "MESH"


def test_a_large_image_is_shown_by_a_small_one(
    image_to_3d: Any, service: ScriptedService, tmp_path: Path, keep_going: Until
) -> None:
    from PIL import Image

    Image.effect_noise((3000, 1500), 40).convert("RGB").save(tmp_path / "large.jpg", quality=40)
    service.polls_until_done = 10**6
    job = image_to_3d.generate(tmp_path / "large.jpg", place="PLACEHOLDER")
    keep_going(lambda: held(job) is not None and held(job).data is not None)
    assert tuple(held(job).data.size) == (512, 256)


def test_a_queued_job_shows_its_image_at_once_and_without_a_plain_background(
    waiting: Any, image_to_3d: Any, preferences: Any, tmp_path: Path, keep_going: Until
) -> None:
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (300, 200), "white")
    ImageDraw.Draw(image).ellipse((100, 50, 200, 150), fill="red")
    image.save(tmp_path / "ball.png")
    preferences.job_limit = 1
    job = image_to_3d.generate(tmp_path / "ball.png", place="PLACEHOLDER")
    keep_going(lambda: held(job).data is not None)
    assert job.state == "queued"
    shown = held(job).data
    assert tuple(shown.size) == (300, 200)
    alpha = [shown.pixels[4 * (300 * y + x) + 3] for x, y in ((5, 5), (150, 100))]
    assert alpha == pytest.approx([0, 1], abs=0.02)


def test_the_placeholder_of_an_ended_job_is_removed_when_its_file_is_opened(
    waiting: Any, service: ScriptedService, keep_going: Until, tmp_path: Path
) -> None:
    import bpy

    file = str(tmp_path / "held.blend")
    bpy.ops.wm.save_as_mainfile(filepath=file)
    waiting.cancel()
    keep_going(lambda: held(waiting) is None)
    bpy.ops.wm.open_mainfile(filepath=file)
    keep_going(lambda: held(waiting) is None)
    bpy.ops.image_to_3d.dismiss(job_id=waiting.id)
    bpy.ops.wm.open_mainfile(filepath=file)
    assert held(waiting) is not None
    keep_going(lambda: held(waiting) is None)


def test_the_placeholder_of_an_unknown_job_stays_when_its_file_is_opened(
    waiting: Any, service: ScriptedService, keep_going: Until, tmp_path: Path
) -> None:
    import bpy

    empty = held(waiting)
    empty[MARK] = "20260101-000000-000000-01234567"
    name = empty.name
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "others.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "others.blend"))
    keep_going(lambda: not part("scene.pending_models").any_pending())
    assert name in bpy.data.objects


def test_of_many_jobs_the_running_ones_show_their_progress(
    waiting: Any, image_to_3d: Any, image_file: Path, keep_going: Until
) -> None:
    jobs = [image_to_3d.generate(image_file, place="PLACEHOLDER") for _ in range(31)]
    keep_going(lambda: all(held(job).data is not None or job.state == "queued" for job in jobs))
    drawn = [job.id for job, _ in part("panels.overlay").at_placeholders()]
    assert len(drawn) == 30
    assert drawn[0] == waiting.id
