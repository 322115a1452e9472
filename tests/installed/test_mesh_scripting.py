# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh tools for scripts: a function for each, and a handle that says what became of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from .conftest import part

pytestmark = pytest.mark.heavy


@pytest.fixture
def sphere(image_to_3d: Any) -> Any:
    import bpy

    bpy.ops.mesh.primitive_uv_sphere_add(segments=32, ring_count=16)
    bpy.context.object.name = "ball"
    return bpy.context.object


def test_a_script_waits_for_the_result(image_to_3d: Any, sphere: Any) -> None:
    sphere.rotation_euler, sphere.scale, sphere.location = (0.3, 0.5, 0.7), (-1.5, 0.5, 2.0), (1.0, 2.0, 3.0)
    handle = image_to_3d.simplify(sphere, ratio=0.25, wait=True, timeout=120.0)
    assert (handle.done, handle.error, handle.progress, handle.tool) == (True, None, 1.0, "SIMPLIFY")
    (new,) = handle.objects
    assert (new.name, new.type) == ("ball Simplified", "MESH")
    assert new.matrix_world == sphere.matrix_world
    assert len(new.data.polygons) < len(sphere.data.polygons)
    assert [str(note) for note in handle.notes]
    assert sphere.hide_viewport


def test_without_waiting_it_goes_on_by_itself_and_can_be_waited_for(image_to_3d: Any, sphere: Any) -> None:
    handle = image_to_3d.clean_up(sphere, fill_holes=False)
    assert (handle.done, handle.objects, handle.notes, dict(handle.facts)) == (False, (), (), {})
    with pytest.raises(TimeoutError, match="it continues"):
        handle.wait(timeout=0.0)
    assert handle.wait(timeout=120.0).error is None
    assert handle.facts["merged"] == 0
    assert "CLEAN_UP" in repr(handle)


def test_it_can_be_cancelled_and_says_so(image_to_3d: Any, sphere: Any) -> None:
    import bpy

    handle = image_to_3d.simplify(sphere)
    handle.cancel()
    handle.wait(timeout=120.0)
    assert (handle.done, handle.objects) == (True, ())
    assert [item.name for item in bpy.data.objects] == ["ball"]


def test_what_is_wrong_is_said_before_anything_starts(image_to_3d: Any, sphere: Any) -> None:
    import bpy

    with pytest.raises(image_to_3d.ParameterError, match="ratio is 2"):
        image_to_3d.simplify(sphere, ratio=2)
    with pytest.raises(image_to_3d.ParameterError, match='no setting "faces"'):
        image_to_3d.clean_up(sphere, faces=5)
    bpy.ops.object.empty_add()
    with pytest.raises(image_to_3d.MeshToolError, match="Select a mesh object"):
        image_to_3d.clean_up(bpy.context.object)
    assert not part("mesh_tasks").tasks()


def test_a_file_is_written_to_the_folder_that_the_script_names(image_to_3d: Any, sphere: Any, tmp_path: Path) -> None:
    handle = image_to_3d.export_model(sphere, engine="GODOT", folder=tmp_path / "game", wait=True, timeout=120.0)
    assert handle.error is None, handle.error
    assert [path.parent for path in handle.files] == [tmp_path / "game"]
    assert handle.files[0].read_bytes()[:4] == b"glTF"


def test_several_run_one_after_another(image_to_3d: Any) -> None:
    import bpy

    items = []
    for number in range(3):
        bpy.ops.mesh.primitive_ico_sphere_add(location=(3.0 * number, 0.0, 0.0))
        items.append(bpy.context.object)
    handles = [image_to_3d.simplify(item) for item in items]
    until = time.monotonic() + 120
    while not all(handle.done for handle in handles) and time.monotonic() < until:
        part("engine").drain()
        time.sleep(0.02)
    assert [handle.objects[0].location.x for handle in handles] == pytest.approx([0.0, 3.0, 6.0])


def test_the_original_can_be_processed_again_while_it_is_hidden(image_to_3d: Any, sphere: Any) -> None:
    import bpy

    sphere.modifiers.new("Subdivision", "SUBSURF").levels = 1
    (first,) = image_to_3d.simplify(sphere, ratio=1.0, wait=True, timeout=120.0).objects
    first.location.x = 5.0
    (second,) = image_to_3d.simplify(sphere, ratio=1.0, wait=True, timeout=120.0).objects
    assert len(second.data.polygons) == len(first.data.polygons) == len(sphere.data.loops)
    assert second.location.x == 5.0
    assert [item.name for item in bpy.data.objects if not item.hide_viewport] == [second.name]
    assert len(bpy.data.scenes) == 1


def test_a_folder_that_can_not_be_written_is_said(image_to_3d: Any, sphere: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    handle = image_to_3d.export_model(sphere, folder=tmp_path / "file", wait=True, timeout=120.0)
    assert str(handle.error).endswith("Choose another folder.")
