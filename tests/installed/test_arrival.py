# SPDX-License-Identifier: GPL-3.0-or-later
"""A model arrives where it should, and nothing else in the artist's scene is any different."""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from mathutils import Euler, Matrix, Vector

from .conftest import part


@pytest.fixture(scope="module")
def worker(extension: Any) -> Iterator[Any]:
    process = part("worker.worker_process")
    shared = process.WorkerProcess(process.Launch.for_wheel())
    yield shared
    shared.stop()


@pytest.fixture
def make_job(image_to_3d: Any, worker: Any, tmp_path: Path) -> Callable[..., Any]:
    """Finished jobs whose model waits to be placed."""

    def make(*, several: bool = False, convert: bool = True, **placement: Any) -> Any:
        jobs, shapes = part("jobs.job"), _shapes()
        number = len(list(tmp_path.iterdir()))
        source = tmp_path / f"{number}.glb"
        (_several if several else shapes.write_glb)(source, shapes.ball(800), shapes.texture(32))
        where = jobs.TargetScene(location=(1.0, 2.0, 3.0))
        job = jobs.Job(
            id=str(number),
            name="chair",
            image=jobs.InputImage("chair", "", ""),
            parameters={},
            folder=tmp_path,
            service="OFFLINE",
            placement=part("placement").Placement.from_json(placement),
            target_scene=where,
            model_file=source.name,
        )
        if not convert:
            return job
        request = {"do": "model", "source": str(source), "format": "glb", "target": str(tmp_path / f"{number}.blend")}
        details = worker.run({**request, "name": "chair", "placement": placement, "record": {"seed": "7"}})
        return jobs.replace(job, blend_file=f"{number}.blend", details=details)

    return make


def _shapes() -> Any:
    """The benchmarks' shapes: they are not in the built extension."""
    spec = importlib.util.spec_from_file_location(
        "benchmark_shapes", Path(__file__).resolve().parents[2] / "benchmarks" / "shapes.py"
    )
    assert spec is not None
    assert spec.loader is not None
    if spec.name not in sys.modules:
        sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[spec.name])
    return sys.modules[spec.name]


def _several(path: Path, shape: Any, image_file: bytes) -> None:
    """A model of two meshes, exported by Blender itself."""
    for x in (0, 3):
        bpy.ops.mesh.primitive_monkey_add(location=(x, 0, 0))
    bpy.ops.export_scene.gltf(filepath=str(path), export_format="GLB")
    bpy.ops.wm.read_homefile(use_empty=True)


def arrival() -> Any:
    return part("scene.place_model")


def prefetch(job: Any) -> Any:
    return part("scene.append_blend").prefetch(job.blend_path, job.details["parts"])


def lowest(objects: list[bpy.types.Object]) -> float:
    bpy.context.view_layer.update()
    return min((o.matrix_world @ v.co).z for o in objects if o.type == "MESH" for v in o.data.vertices)


def names() -> dict[str, list[str]]:
    """All data there is, but for what Blender makes for itself."""
    kinds = ("objects", "meshes", "materials", "images", "collections", "libraries", "actions", "node_groups", "worlds")
    own = {"Render Result", "Viewer Node"}
    return {kind: sorted(i.name for i in getattr(bpy.data, kind) if i.name not in own) for kind in kinds}


def test_it_stands_where_the_job_was_started(make_job: Callable[..., Any]) -> None:
    (root,) = arrival().place(make_job(size=2.0), bpy.context.scene)
    bpy.context.view_layer.update()
    assert tuple(root.matrix_world.translation) == (1, 2, 3)
    assert lowest([root]) == pytest.approx(3.0, abs=1e-5)
    assert max(root.dimensions) == pytest.approx(2.0, rel=1e-4)
    assert root["image_to_3d"]["seed"] == "7"


@pytest.mark.parametrize(
    ("placement", "at", "expected"),
    [
        ({"place": "ORIGIN"}, None, (0, 0, 0)),
        ({"place": "CURSOR"}, (5, 6, 7), (5, 6, 7)),
        ({"place": "PLACEHOLDER"}, None, (1, 2, 3)),
    ],
)
def test_it_goes_where_the_settings_say(
    make_job: Callable[..., Any], placement: dict[str, Any], at: Any, expected: tuple[int, int, int]
) -> None:
    (root,) = arrival().place(make_job(**placement), bpy.context.scene, at=at)
    assert tuple(root.matrix_basis.translation) == expected


def test_a_placeholder_that_was_moved_turned_scaled_and_parented_is_followed(make_job: Callable[..., Any]) -> None:
    scene = bpy.context.scene
    room = bpy.data.collections.new("Room")
    scene.collection.children.link(room)
    table = bpy.data.objects.new("table", None)
    table.location = (0, 4, 1)
    table.rotation_euler = (0, 0, 0.5)
    job = make_job(size=1.0)
    holder = part("scene.placeholder").add(job, scene.collection, (0.0, 0.0, 0.0))
    scene.collection.objects.unlink(holder)
    for item in (table, holder):
        room.objects.link(item)
    holder.parent = table
    holder.matrix_parent_inverse = Matrix.Translation((0, 0, -1))
    moved = Matrix.LocRotScale(Vector((1, 1, 1)), Euler((0, 0, math.pi / 2)), Vector((2, 2, 2)))
    holder.matrix_basis = moved @ holder.matrix_basis
    bpy.context.view_layer.update()
    expected = table.matrix_world @ holder.matrix_parent_inverse @ moved
    holder_name = holder.name
    objects = arrival().place(job, scene, placeholder=holder)
    bpy.context.view_layer.update()
    assert objects[0].parent == table
    assert np.abs(np.array(objects[0].matrix_world) - np.array(expected)).max() < 1e-6
    assert [c.name for c in objects[0].users_collection] == ["Room"]
    assert lowest(objects) == pytest.approx(expected.translation.z, abs=1e-5)
    assert holder_name not in scene.objects, "the model replaces it"


def test_several_objects_arrive_under_one_root(make_job: Callable[..., Any]) -> None:
    objects = arrival().place(make_job(several=True, size=4.0), bpy.context.scene)
    root, *others = objects
    assert (root.type, root.parent) == ("EMPTY", None)
    assert all(item.parent is not None for item in others)
    assert all(item.name in bpy.context.scene.objects for item in objects)
    assert lowest(objects) == pytest.approx(3.0, abs=1e-5)


@pytest.mark.parametrize("prepared", [True, False], ids=["prepared", "directly"])
@pytest.mark.parametrize("several", [False, True], ids=["one object", "several"])
def test_marked_as_an_asset_it_is_one_in_the_artists_file(
    make_job: Callable[..., Any], several: bool, prepared: bool
) -> None:
    job = make_job(several=several, convert=prepared, mark_as_asset=True, asset_tags=("chair",))
    objects = arrival().place(job, bpy.context.scene)
    asset = bpy.data.collections["chair"] if several else objects[0]
    assert [tag.name for tag in asset.asset_data.tags] == ["chair"]
    assert [i.name for i in (*bpy.data.objects, *bpy.data.collections) if i.asset_data] == ["chair"]
    if several:
        assert [c.name for c in bpy.context.scene.collection.children] == ["chair"]
    assert all(item.name in bpy.context.scene.objects for item in objects)
    assert objects[0] in bpy.context.selected_objects
    assert not bpy.data.libraries


def test_it_goes_into_the_active_collection(make_job: Callable[..., Any]) -> None:
    shelf = bpy.data.collections.new("Shelf")
    bpy.context.scene.collection.children.link(shelf)
    layer = bpy.context.view_layer
    layer.active_layer_collection = layer.layer_collection.children["Shelf"]
    (root,) = arrival().place(make_job(), bpy.context.scene)
    assert [c.name for c in root.users_collection] == ["Shelf"]


def test_a_named_collection_is_used_or_made(make_job: Callable[..., Any]) -> None:
    for _ in range(2):
        (root,) = arrival().place(make_job(collection="Generated"), bpy.context.scene)
        assert [c.name for c in root.users_collection] == ["Generated"]
    assert [c.name for c in bpy.context.scene.collection.children] == ["Generated"]


def test_selecting_it_is_a_choice(make_job: Callable[..., Any]) -> None:
    cube = _cube()
    (root,) = arrival().place(make_job(select=False), bpy.context.scene)
    assert (bpy.context.object, bpy.context.selected_objects) == (cube, [cube])
    (root,) = arrival().place(make_job(select=True), bpy.context.scene)
    assert (bpy.context.object, bpy.context.selected_objects) == (root, [root])


@pytest.mark.parametrize("mode", ["EDIT", "SCULPT", "TEXTURE_PAINT", "WEIGHT_PAINT", "VERTEX_PAINT"])
def test_a_mode_somebody_works_in_is_not_disturbed(make_job: Callable[..., Any], mode: str) -> None:
    job = make_job(select=True)
    cube = _cube()
    bpy.ops.object.mode_set(mode=mode)
    bpy.ops.ed.undo_push(message="begin")
    if mode == "EDIT":
        bpy.ops.transform.translate(value=(0, 0, 1))
        bpy.ops.ed.undo_push(message="move")
    arrival().place(job, bpy.context.scene)
    assert (cube.mode, bpy.context.object, bpy.context.selected_objects) == (mode, cube, [cube])
    bpy.ops.ed.undo()
    assert "chair" not in bpy.context.scene.objects
    cube = bpy.context.object
    assert cube.mode == mode
    bpy.ops.object.mode_set(mode="OBJECT")
    heights = sorted({round(v.co.z, 4) for v in cube.data.vertices})
    assert heights == ([0.0, 2.0] if mode == "EDIT" else [-1.0, 1.0]), "only the arrival is undone"


def _cube() -> bpy.types.Object:
    bpy.ops.mesh.primitive_cube_add()
    return bpy.context.object


@pytest.mark.parametrize("ahead", [False, True], ids=["at once", "fetched ahead"])
def test_one_undo_takes_it_away_and_redo_brings_it_back(make_job: Callable[..., Any], ahead: bool) -> None:
    job = make_job()
    if ahead:
        job = _in_pieces(job)
    bpy.ops.ed.undo_push(message="start")
    before = names()
    if ahead:
        while prefetch(job):
            pass
    arrival().place(job, bpy.context.scene)
    after = names()
    assert after["objects"] == ["chair"]
    bpy.ops.ed.undo()
    assert names() == before
    bpy.ops.ed.redo()
    assert names()["objects"] == ["chair"]
    assert bpy.data.objects["chair"].data.library is None


def _in_pieces(job: Any) -> Any:
    """The same job, its small model taken for a large one."""
    return part("jobs.job").replace(job, details={**job.details, "parts": [["images", "chair"], ["meshes", "chair"]]})


def test_nothing_is_left_behind_but_the_model(make_job: Callable[..., Any]) -> None:
    for number in range(3):
        (root,) = arrival().place(make_job(), bpy.context.scene)
        assert root.users_collection
        bpy.data.objects.remove(root)
        bpy.data.orphans_purge(do_recursive=True)
        left = names()
        assert not any(left[kind] for kind in ("objects", "meshes", "materials", "images", "libraries")), number


def test_prefetching_reads_one_large_part_at_a_time(make_job: Callable[..., Any]) -> None:
    job = _in_pieces(make_job())
    assert prefetch(job)
    assert (names()["images"], names()["meshes"]) == (["chair"], [])
    assert prefetch(job)
    assert names()["meshes"] == ["chair"]
    assert not prefetch(job)
    assert not bpy.context.scene.objects
    (root,) = arrival().place(job, bpy.context.scene)
    assert names() | {"collections": []} == {
        "objects": ["chair"],
        "meshes": ["chair"],
        "materials": ["chair"],
        "images": ["chair"],
        "collections": [],
        "libraries": [],
        "actions": [],
        "node_groups": [],
        "worlds": names()["worlds"],
    }
    image = next(n.image for n in root.data.materials[0].node_tree.nodes if getattr(n, "image", None))
    assert (image.library, image.packed_file is None, root.data.library) == (None, False, None)


def test_an_undo_between_the_pieces_does_no_harm(make_job: Callable[..., Any]) -> None:
    job = _in_pieces(make_job())
    bpy.ops.ed.undo_push(message="start")
    _cube()
    bpy.ops.ed.undo_push(message="cube")
    prefetch(job)
    bpy.ops.ed.undo()
    while prefetch(job):
        pass
    (root,) = arrival().place(job, bpy.context.scene)
    assert root.data.library is None
    assert len(root.data.vertices) > 100
    assert names()["libraries"] == []


def test_prefetched_data_can_be_discarded(make_job: Callable[..., Any]) -> None:
    job = _in_pieces(make_job())
    prefetch(job)
    part("scene.append_blend").discard_prefetched(job.blend_path)
    assert (names()["images"], names()["libraries"]) == ([], [])


def test_what_the_artist_linked_from_the_same_file_stays(make_job: Callable[..., Any]) -> None:
    job = _in_pieces(make_job())
    with bpy.data.libraries.load(str(job.blend_path), link=True) as (there, here):
        here.objects = there.objects
    bpy.context.scene.collection.objects.link(here.objects[0])
    while prefetch(job):
        pass
    (root,) = arrival().place(job, bpy.context.scene)
    assert len(bpy.data.libraries) == 1
    assert [o.library is None for o in bpy.context.scene.objects].count(True) == 1
    assert root.library is None


def test_a_model_is_placed_in_its_target_scene_while_another_one_is_shown(make_job: Callable[..., Any]) -> None:
    job = make_job(select=True)
    other = bpy.data.scenes.new("Other")
    (root,) = arrival().place(job, other)
    assert root.name in other.objects
    assert root.name not in bpy.context.scene.objects


def test_a_prepared_model_that_is_gone_or_damaged_is_said(make_job: Callable[..., Any]) -> None:
    error = part("errors").WorkerError
    job = make_job()
    job.blend_path.write_bytes(b"BLENDER-v405" + bytes(200))
    with pytest.raises(error):
        arrival().place(job, bpy.context.scene)
    job.blend_path.unlink()
    with pytest.raises(error):
        arrival().place(job, bpy.context.scene)
    assert not bpy.context.scene.objects
    assert names()["libraries"] == []


def test_without_a_second_blender_the_file_is_imported_directly(
    make_job: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    job = make_job(convert=False, size=2.0, select=False)
    cube = _cube()
    before = names()
    with caplog.at_level("WARNING"):
        (root,) = arrival().place(job, bpy.context.scene)
    assert "directly" in caplog.text
    bpy.context.view_layer.update()
    assert tuple(root.matrix_world.translation) == (1, 2, 3)
    assert max(root.dimensions) == pytest.approx(2.0, rel=1e-4)
    assert lowest([root]) == pytest.approx(3.0, abs=1e-5)
    assert (bpy.context.object, bpy.context.selected_objects) == (cube, [cube])
    assert root["image_to_3d"]["job"] == job.id
    assert names()["objects"] == sorted([*before["objects"], "chair"])
    assert names()["collections"] == before["collections"]


def test_a_model_that_can_not_be_imported_directly_leaves_nothing_behind(make_job: Callable[..., Any]) -> None:
    flat = _cube()
    flat.data.transform(Matrix.Scale(0.0, 4))
    job = make_job(convert=False)
    bpy.ops.export_scene.gltf(filepath=str(job.model_path), export_format="GLB")
    before = names()
    with pytest.raises(part("errors").ImportFailedError, match="all points coincide"):
        arrival().place(job, bpy.context.scene)
    assert names() == before
    assert (bpy.context.object, bpy.context.selected_objects) == (flat, [flat])


def test_importing_directly_leaves_the_artists_own_collections_alone(make_job: Callable[..., Any]) -> None:
    cube = _cube()
    own = bpy.data.collections.new("glTF_not_exported")
    bpy.context.scene.collection.children.link(own)
    own.objects.link(cube)
    arrival().place(make_job(convert=False), bpy.context.scene)
    assert list(bpy.data.collections["glTF_not_exported"].objects) == [cube]


def test_imported_directly_it_looks_the_same_as_prepared(make_job: Callable[..., Any]) -> None:
    jobs = part("jobs.job")
    job = make_job(size=2.0)
    (prepared,) = arrival().place(job, bpy.context.scene)
    (direct,) = arrival().place(jobs.replace(job, blend_file=""), bpy.context.scene)
    a, b = ([tuple(v.co) for v in item.data.vertices] for item in (prepared, direct))
    assert np.abs(np.array(a) - np.array(b)).max() < 1e-6
    a, b = ([tuple(n.vector) for n in item.data.corner_normals] for item in (prepared, direct))
    assert np.abs(np.array(a) - np.array(b)).max() < 1e-3


def test_importing_directly_waits_for_object_mode(make_job: Callable[..., Any]) -> None:
    job = make_job(convert=False)
    _cube()
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(part("errors").ImportFailedError, match="Object Mode"):
        arrival().place(job, bpy.context.scene)
    assert bpy.context.mode == "EDIT_MESH"
    bpy.ops.object.mode_set(mode="OBJECT")


def test_it_may_arrive_while_nothing_runs(image_to_3d: Any) -> None:
    assert arrival().why_not_now(bpy.context) == ""


@pytest.mark.parametrize("hide", ["exclude", "hide_viewport", "collection"])
@pytest.mark.parametrize("named", [True, False])
def test_it_is_never_placed_in_a_collection_that_nobody_sees(
    make_job: Callable[..., Any], hide: str, named: bool
) -> None:
    shelf = bpy.data.collections.new("Shelf")
    bpy.context.scene.collection.children.link(shelf)
    layer = bpy.context.view_layer
    child = layer.layer_collection.children["Shelf"]
    if not named:
        layer.active_layer_collection = child
    if hide == "collection":
        shelf.hide_viewport = True
    else:
        setattr(child, hide, True)
    (root,) = arrival().place(make_job(collection="Shelf" if named else ""), bpy.context.scene)
    layer.update()
    assert root.visible_get()
    assert root.users_collection[0] == bpy.context.scene.collection
