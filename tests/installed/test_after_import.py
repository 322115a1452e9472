# SPDX-License-Identifier: GPL-3.0-or-later
"""What a mesh tool made of a new model stands in its place; the original stays there, hidden, as another version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import model_files
import pytest
from scripted_service import ScriptedService

from .conftest import settle

pytestmark = pytest.mark.heavy

Until = Callable[[Callable[[], Any]], None]


def shown() -> list[str]:
    import bpy

    return sorted(item.name for item in bpy.context.scene.objects if not item.hide_viewport)


@pytest.fixture
def cleaned(image_to_3d: Any, service: ScriptedService, image_file: Path) -> Any:
    """A job whose model was cleaned up."""
    import bpy

    bpy.ops.ed.undo_push(message="begin")
    return image_to_3d.generate(
        image_file, wait=True, timeout=120.0, after_import="CLEAN_UP", size=2.0, origin="CENTER"
    )


def test_the_result_is_the_model_and_the_original_stays_hidden(cleaned: Any) -> None:
    import bpy

    assert cleaned.state == "placed", cleaned.error
    (new,) = cleaned.objects
    original = bpy.data.objects["chair"]
    assert shown() == [new.name] == ["chair Clean"]
    assert (bpy.context.view_layer.objects.active, new.select_get()) == (new, True)
    assert new.matrix_basis == original.matrix_basis
    assert [max(corner[i] for corner in new.bound_box) for i in range(3)] == pytest.approx([1.0, 1.0, 1.0])
    assert new["image_to_3d"]["tool"]["name"] == "CLEAN_UP"
    assert new["image_to_3d"]["job"] == cleaned.id


def test_materials_and_images_are_those_of_the_original(cleaned: Any) -> None:
    import bpy

    (new,) = cleaned.objects
    assert list(new.data.materials) == list(bpy.data.objects["chair"].data.materials)
    assert [item.name for item in bpy.data.materials if item.users == 0] == []
    assert [library.filepath for library in bpy.data.libraries] == []


@pytest.mark.each_version
def test_one_undo_takes_both_away_and_redo_brings_both_back(cleaned: Any) -> None:
    import bpy

    bpy.ops.ed.undo()
    settle()
    assert (list(bpy.data.objects), cleaned.state) == ([], "ready")
    bpy.ops.ed.redo()
    settle()
    assert (shown(), len(bpy.data.objects), cleaned.state) == (["chair Clean"], 2, "placed")


def test_the_original_can_be_flipped_back_to(cleaned: Any) -> None:
    import bpy

    bpy.ops.image_to_3d.show_version(which="PREVIOUS")
    assert shown() == ["chair"]


def test_the_asset_is_the_result(image_to_3d: Any, service: ScriptedService, image_file: Path) -> None:
    import bpy

    job = image_to_3d.generate(
        image_file, wait=True, timeout=120.0, after_import="CLEAN_UP", mark_as_asset=True, asset_tags=("wood",)
    )
    (new,) = job.objects
    assert [item.name for item in bpy.data.objects if item.asset_data is not None] == [new.name]
    assert [tag.name for tag in new.asset_data.tags] == ["wood"]
    assert tuple(new.preview.image_size) == (256, 256)


def test_an_arranged_batch_with_placeholders_of_its_own_has_a_result_in_each_place(
    image_to_3d: Any, service: ScriptedService, image_file: Path, tmp_path: Path
) -> None:
    import bpy

    images = [image_file, tmp_path / "mug.png"]
    images[1].write_bytes(image_file.read_bytes())
    batch = image_to_3d.generate_many(images, report=False, wait=True, timeout=120.0, after_import="CLEAN_UP", size=1.0)
    assert [job.state for job in batch.jobs] == ["placed"] * 2
    assert shown() == ["chair Clean", "mug Clean"]
    left, right = sorted(bpy.data.objects[name].location.x for name in shown())
    assert right - left > 0.99


def test_each_part_of_a_model_stays_where_it_is(image_to_3d: Any, service: ScriptedService, image_file: Path) -> None:
    import bpy

    scene, binary = model_files.scene_of()
    scene["nodes"] = [
        {"mesh": 0, "translation": [3.0, 0.0, 0.0], "rotation": [0.0, 0.0, 0.6, 0.8]},
        {"mesh": 0, "scale": [2.0, 1.0, 1.0]},
    ]
    scene["scenes"] = [{"nodes": [0, 1]}]
    service.model = model_files.glb_of(scene, binary)
    job = image_to_3d.generate(image_file, wait=True, timeout=120.0, after_import="CLEAN_UP", size=3.0)

    def corners() -> list[tuple[float, ...]]:
        bpy.context.view_layer.update()
        items = [item for item in bpy.context.scene.objects if item.type == "MESH" and item.visible_get()]
        places = [item.matrix_world @ vertex.co for item in items for vertex in item.data.vertices]
        return sorted(tuple(round(x, 4) for x in place) for place in places)

    after = corners()
    assert len(after) == 6
    assert job.objects[0].name == "chair Clean"
    bpy.ops.image_to_3d.show_version(which="PREVIOUS")
    assert corners() == after


def test_a_lost_result_leaves_the_original(
    image_to_3d: Any, service: ScriptedService, image_file: Path, keep_going: Until
) -> None:
    service.polls_until_done = 0
    job = image_to_3d.generate(image_file, after_import="CLEAN_UP", place="PLACEHOLDER")
    import bpy

    bpy.data.objects.remove(next(item for item in bpy.data.objects if item.type == "EMPTY"))
    keep_going(lambda: job.state == "ready")
    settle()
    (job.folder / "model-clean.blend").write_bytes(b"damaged")
    bpy.ops.image_to_3d.import_here(job_id=job.id)
    settle()
    assert (job.state, shown()) == ("placed", ["chair"])
