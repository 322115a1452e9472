# SPDX-License-Identifier: GPL-3.0-or-later
"""Mesh tools leave the scene as it is until their result arrives, as one undo step, and keep the original."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import part

Until = Callable[[Callable[[], Any]], None]


@pytest.fixture
def sphere(image_to_3d: Any) -> Any:
    """A sphere that is scaled, moved, selected and active, in a collection of its own."""
    import bpy

    bpy.ops.mesh.primitive_uv_sphere_add(segments=32, ring_count=16, location=(3.0, 0.0, 0.0))
    item = bpy.context.object
    item.name = "ball"
    item.scale = (2.0, 2.0, 2.0)
    bpy.ops.ed.undo_push(message="begin")
    return item


def start(tool: str, item: Any, **settings: Any) -> Any:
    return part("tool_engine").start(part("tool_settings").Tool(tool), item, settings)


def finish(task: Any) -> Any:
    part("waiting").finish_tool(task, timeout=120.0)
    return task


def triangles(item: Any) -> int:
    return len(item.data.loops) - 2 * len(item.data.polygons)


def temporary_files() -> list[str]:
    """Returns those that are left when a thread has had time to remove them."""
    folder = part("preferences").data_folder() / "mesh_tools"
    until = time.monotonic() + 5.0
    while (left := list(map(str, folder.rglob("*"))) if folder.is_dir() else []) and time.monotonic() < until:
        time.sleep(0.02)
    return left


def test_the_result_takes_the_place_of_the_original_which_stays_hidden(sphere: Any) -> None:
    import bpy

    task = finish(start("SIMPLIFY", sphere, ratio=0.25))
    assert task.error is None
    new = bpy.data.objects[task.placed[0]]
    assert bpy.context.view_layer.objects.active == new
    assert new.select_get()
    assert new.users_collection == sphere.users_collection
    assert new.matrix_world == sphere.matrix_world
    assert triangles(new) <= 0.3 * triangles(sphere)
    assert new.name == "ball Simplified"
    assert (sphere.hide_viewport, sphere.hide_render, new.hide_viewport) == (True, True, False)
    assert temporary_files() == []


def test_one_undo_brings_the_original_back_and_redo_the_result(sphere: Any) -> None:
    import bpy

    finish(start("SIMPLIFY", sphere))
    bpy.ops.ed.undo()
    assert [item.name for item in bpy.data.objects] == ["ball"]
    assert not bpy.data.objects["ball"].hide_viewport
    bpy.ops.ed.redo()
    assert len(bpy.data.objects) == 2
    assert bpy.data.objects["ball"].hide_viewport


def test_what_is_on_the_screen_is_what_is_processed(sphere: Any) -> None:
    import bpy

    sphere.modifiers.new("array", "ARRAY").count = 2
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.transform.translate(value=(0.0, 0.0, 10.0))
    task = start("SIMPLIFY", sphere, ratio=1.0)
    bpy.ops.object.mode_set(mode="OBJECT")
    new = bpy.data.objects[finish(task).placed[0]]
    assert len(new.data.polygons) >= 2 * len(sphere.data.polygons)
    assert min(vertex.co.z for vertex in new.data.vertices) > 3.0


def test_instances_of_geometry_nodes_are_processed(image_to_3d: Any) -> None:
    import bpy

    bpy.ops.mesh.primitive_grid_add(x_subdivisions=1, y_subdivisions=1, location=(5.0, 0.0, 0.0))
    item = bpy.context.object
    tree = bpy.data.node_groups.new("Scatter", "GeometryNodeTree")
    for in_out in ("INPUT", "OUTPUT"):
        tree.interface.new_socket("Geometry", in_out=in_out, socket_type="NodeSocketGeometry")
    kinds = ("NodeGroupInput", "GeometryNodeInstanceOnPoints", "NodeGroupOutput")
    begin, scatter, end = (tree.nodes.new(kind) for kind in kinds)
    cube, shown = tree.nodes.new("GeometryNodeMeshCube"), tree.nodes.new("GeometryNodeSetMaterial")
    shown.inputs["Material"].default_value = bpy.data.materials.new("red")
    links = ((begin, scatter), (cube, shown), (scatter, end))
    for source, target in links:
        tree.links.new(source.outputs[0], target.inputs[0])
    tree.links.new(shown.outputs[0], scatter.inputs["Instance"])
    item.modifiers.new("Scatter", "NODES").node_group = tree
    task = finish(start("LODS", item))
    new = bpy.data.objects[task.placed[0]]
    assert triangles(new) == 4 * 12
    assert new.matrix_world == item.matrix_world
    assert bpy.data.materials["red"] in list(new.data.materials)
    assert len(bpy.data.meshes) == 1 + 4  # nothing of the hand-over stays


def test_the_result_waits_while_the_original_is_edited(sphere: Any, keep_going: Until) -> None:
    import bpy

    bpy.ops.object.mode_set(mode="EDIT")
    task = start("SIMPLIFY", sphere)
    keep_going(lambda: task.result is not None)
    for _ in range(5):
        part("engine").drain()
    assert len(bpy.data.objects) == 1
    bpy.ops.object.mode_set(mode="OBJECT")
    finish(task)
    assert len(bpy.data.objects) == 2


def test_the_artist_stays_in_edit_mode_of_another_object(sphere: Any) -> None:
    import bpy

    task = start("SIMPLIFY", sphere)
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    bpy.ops.object.mode_set(mode="EDIT")
    finish(task)
    assert bpy.context.mode == "EDIT_MESH"
    assert bpy.context.view_layer.objects.active == cube
    assert task.placed


def test_a_cancelled_tool_leaves_nothing_behind(sphere: Any, keep_going: Until) -> None:
    import bpy

    task = start("SIMPLIFY", sphere)
    part("mesh_tasks").cancel(task)
    keep_going(lambda: task.done)
    assert [item.name for item in bpy.data.objects] == ["ball"]
    assert [mesh.name for mesh in bpy.data.meshes] == ["Sphere"]
    assert temporary_files() == []


def test_the_result_of_a_deleted_object_is_discarded(sphere: Any, keep_going: Until) -> None:
    import bpy

    task = start("SIMPLIFY", sphere)
    bpy.data.objects.remove(sphere)
    keep_going(lambda: task.done)
    assert len(bpy.data.objects) == 0
    assert temporary_files() == []


def test_the_versions_can_be_flipped_and_the_shown_one_stands_where_the_last_one_was_moved(sphere: Any) -> None:
    import bpy

    task = finish(start("SIMPLIFY", sphere))
    new = bpy.data.objects[task.placed[0]]
    new.location.x = 9.0
    bpy.ops.image_to_3d.show_version(which="PREVIOUS")
    assert (sphere.hide_viewport, new.hide_viewport, sphere.location.x) == (False, True, 9.0)
    assert (bpy.context.view_layer.objects.active, bpy.context.selected_objects) == (sphere, [sphere])
    bpy.ops.image_to_3d.show_version(which="NEXT")
    assert (sphere.hide_viewport, new.hide_viewport) == (True, False)
    assert bpy.context.selected_objects == [new]
    new.select_set(False)
    bpy.ops.image_to_3d.show_version(which="PREVIOUS")
    assert bpy.context.selected_objects == []


def test_what_the_artist_parented_to_the_object_follows_the_shown_version_and_is_never_removed(sphere: Any) -> None:
    import bpy

    child = bpy.data.objects.new("handle", bpy.data.meshes.new("handle"))
    bpy.context.scene.collection.objects.link(child)
    child.parent = sphere
    new = bpy.data.objects[finish(start("LODS", sphere)).placed[0]]
    assert child.parent == new
    bpy.ops.image_to_3d.show_version(which="PREVIOUS")
    assert (child.parent, child.hide_viewport) == (sphere, False)
    assert all(level.hide_viewport for level in (new, *new.children))
    bpy.ops.image_to_3d.show_version(which="NEXT")
    bpy.context.view_layer.objects.active = sphere
    bpy.ops.image_to_3d.keep_version()
    assert {item.name for item in bpy.data.objects} == {"ball", "handle"}
    assert child.parent == sphere


def test_the_result_of_a_library_override_is_placed(sphere: Any, tmp_path: Any) -> None:
    import bpy

    library = tmp_path / "library.blend"
    collection = bpy.data.collections.new("props")
    collection.objects.link(sphere)
    bpy.data.libraries.write(str(library), {collection})
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(str(library), link=True) as (_, here):
        here.collections = ["props"]
    linked = here.collections[0]
    bpy.context.scene.collection.children.link(linked)
    linked.override_hierarchy_create(bpy.context.scene, bpy.context.view_layer)
    override = next(item for item in bpy.context.scene.objects if item.override_library is not None)
    task = finish(start("SIMPLIFY", override))
    assert (task.error, task.placed) == (None, ("ball Simplified",))
    assert override.hide_viewport


def test_a_script_calls_the_operator_and_has_the_result_afterward(sphere: Any) -> None:
    import bpy

    assert bpy.ops.image_to_3d.simplify_mesh(ratio=0.5) == {"FINISHED"}
    assert len(bpy.data.objects) == 2


def test_an_object_without_faces_is_refused_with_its_name(image_to_3d: Any) -> None:
    import bpy

    item = bpy.data.objects.new("points", bpy.data.meshes.new("points"))
    bpy.context.scene.collection.objects.link(item)
    with pytest.raises(image_to_3d.MeshToolError, match="points has no faces"):
        start("SIMPLIFY", item)
    assert [mesh.name for mesh in bpy.data.meshes] == ["points"]


def test_loading_another_file_cancels_the_tools(sphere: Any) -> None:
    import bpy

    task = start("SIMPLIFY", sphere)
    bpy.ops.wm.read_homefile(use_empty=True)
    until = time.monotonic() + 20
    while not task.done and time.monotonic() < until:
        part("engine").drain()
        time.sleep(0.02)
    assert task.done
    assert len(bpy.data.objects) == 0


def test_the_result_shares_the_materials_of_the_original(sphere: Any) -> None:
    import bpy

    red, blue = bpy.data.materials.new("red"), bpy.data.materials.new("blue")
    sphere.data.materials.append(red)
    sphere.data.materials.append(None)
    sphere.data.materials.append(blue)
    sphere.material_slots[0].link = "OBJECT"
    sphere.material_slots[0].material = blue
    task = finish(start("SIMPLIFY", sphere))
    assert list(bpy.data.objects[task.placed[0]].data.materials) == [blue, None, blue]
    assert {material.name for material in bpy.data.materials} == {"red", "blue"}


def test_unsaved_paint_on_a_texture_is_handed_over(sphere: Any, tmp_path: Any) -> None:
    import bpy

    image = bpy.data.images.new("paint", 4, 2)
    image.pixels[:] = [0.0, 1.0, 0.0, 1.0] * 8
    image.pack()
    image.pixels[:] = [1.0, 0.0, 0.0, 1.0] * 8
    material = bpy.data.materials.new("painted")
    material.use_nodes = True
    material.node_tree.nodes.new("ShaderNodeTexImage").image = image
    sphere.data.materials.append(material)
    (handed_over,) = part("scene.hand_over").write(sphere, [sphere], tmp_path / "source.blend").pixels
    assert handed_over[:2] == ("paint", (4, 2))
    request = part("worker.tool_runner").ToolRequest("SIMPLIFY", {}, tmp_path / "source.blend", "ball")
    handed = part("scene.hand_over").HandedOver(pixels=(handed_over,))
    request = part("mesh_tasks").write_pixels(request, handed)
    worker = part("tool_engine")._shared_worker()
    body = {"do": "simplify", "source": str(request.source), "settings": {}, "images": request.images}
    worker.run(body | {"target": str(tmp_path / "result.blend")})
    with bpy.data.libraries.load(str(tmp_path / "result.blend")) as (_, here):
        here.images = ["paint"]
    assert list(here.images[0].pixels[:4]) == [1.0, 0.0, 0.0, 1.0]


def test_keeping_one_version_removes_the_others_as_one_undo_step(sphere: Any) -> None:
    import bpy

    new = bpy.data.objects[finish(start("SIMPLIFY", sphere)).placed[0]]
    versions = part("scene.versions")
    assert versions.place_among(new, bpy.context.scene) == (1, 2)
    bpy.ops.image_to_3d.keep_version()
    assert [item.name for item in bpy.data.objects] == ["ball Simplified"]
    assert len(bpy.data.meshes) == 1
    assert versions.place_among(new, bpy.context.scene) == (0, 1)
    bpy.ops.ed.undo_push(message="after")
    bpy.ops.ed.undo()
    assert len(bpy.data.objects) == 2


def test_a_duplicate_of_a_result_has_versions_of_its_own(sphere: Any) -> None:
    import bpy

    new = bpy.data.objects[finish(start("SIMPLIFY", sphere)).placed[0]]
    bpy.ops.object.duplicate()
    duplicate = bpy.context.object
    assert not bpy.ops.image_to_3d.show_version.poll()
    bpy.data.objects[finish(start("SIMPLIFY", duplicate)).placed[0]].name = "simpler"
    bpy.context.view_layer.objects.active = new
    bpy.ops.image_to_3d.keep_version()
    assert not new.hide_viewport
    assert {item.name for item in bpy.data.objects} == {new.name, duplicate.name, "simpler"}
    bpy.context.view_layer.objects.active = bpy.data.objects["simpler"]
    bpy.ops.image_to_3d.show_version(which="PREVIOUS")
    assert bpy.context.object == duplicate


def test_the_most_detailed_level_is_shown_and_the_others_are_hidden(sphere: Any) -> None:
    import bpy

    names = finish(start("LODS", sphere, collision=True)).placed
    assert names == ("ball_LOD0", "ball_LOD1", "ball_LOD2", "ball_LOD3", "ball_Collision")
    assert [bpy.data.objects[name].hide_get() for name in names] == [False, True, True, True, True]
    assert [bpy.data.objects[name].parent for name in names] == [None, *[bpy.data.objects["ball_LOD0"]] * 4]


def test_a_result_of_a_result_is_named_after_the_original(sphere: Any) -> None:
    import bpy

    first = bpy.data.objects[finish(start("SIMPLIFY", sphere)).placed[0]]
    assert finish(start("CLEAN_UP", first)).placed == ("ball Clean",)
    assert bpy.context.object.name == "ball Clean"


def test_the_panel_knows_the_file_that_a_tool_wrote_and_why_one_failed(sphere: Any, tmp_path: Any) -> None:
    last_of, tools = part("mesh_tasks").last_of, part("tool_settings").Tool
    task = part("tool_engine").start(tools.EXPORT, sphere, {"file_format": "GLB"}, folder=tmp_path)
    assert finish(task).error is None
    assert last_of(sphere.session_uid).files == (tmp_path / "ball.glb",)
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    task = part("tool_engine").start(tools.EXPORT, sphere, {"file_format": "GLB"}, folder=blocked)
    assert "can't be written" in str(finish(task).error)
    assert last_of(sphere.session_uid).error == task.error


def test_of_levels_of_detail_the_finest_is_shown_and_has_the_name_of_the_original(sphere: Any, tmp_path: Any) -> None:
    import bpy

    cleaned = bpy.data.objects[finish(start("CLEAN_UP", sphere)).placed[0]]
    finish(start("CHECK", cleaned))
    task = finish(start("LODS", cleaned, collision=True))
    names = ("ball_LOD0", "ball_LOD1", "ball_LOD2", "ball_LOD3", "ball_Collision")
    assert task.placed == names
    first, *others = (bpy.data.objects[name] for name in names)
    assert [item.parent for item in others] == [first] * 4
    assert [item.visible_get() for item in (first, *others)] == [True] + [False] * 4
    for which in ("PREVIOUS", "NEXT"):
        bpy.ops.image_to_3d.show_version(which=which)
    assert [item.visible_get() for item in (first, *others)] == [True] + [False] * 4
    assert [item.hide_render for item in (first, *others)] == [False] + [True] * 4
    report = part("jobs.provenance").mesh_report(first)
    assert (report.objects, report.triangles) == (1, triangles(first))
    tools = part("tool_settings").Tool
    task = finish(part("tool_engine").start(tools.EXPORT, first, {"file_format": "GLB"}, folder=tmp_path))
    assert [file.name for file in task.files][:1] == ["ball.glb"]


def test_a_folder_can_be_chosen_for_the_file_that_a_tool_writes(sphere: Any, tmp_path: Any) -> None:
    import bpy

    sphere.location.x = 9.0
    bpy.ops.ed.undo_push(message="move")
    assert bpy.ops.image_to_3d.export_model(engine="GODOT", file_format="GLB", folder=f"{tmp_path / 'game'}/") == {
        "FINISHED"
    }
    assert [file.name for file in (tmp_path / "game").iterdir()] == ["ball.glb"]
    bpy.ops.ed.undo()
    assert bpy.data.objects["ball"].location.x == 3.0, "an export is no undo step"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.image_to_3d.export_model(file_format="GLB", folder="//")
    assert (tmp_path / "ball.glb").is_file()


def test_stopping_the_add_on_ends_the_tools_and_leaves_nothing_behind(sphere: Any) -> None:
    task = start("SIMPLIFY", sphere)
    part("engine").stop()
    assert task.done
    assert not part("tool_engine").busy()
    assert temporary_files() == []
