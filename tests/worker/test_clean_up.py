# SPDX-License-Identifier: GPL-3.0-or-later
"""Clean Up repairs a mesh, keeps its UVs and textures, and leaves alone what is meant to be open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import mesh_kinds as kinds
import numpy as np
import pytest
from image_to_3d.mesh_report import problems
from image_to_3d.setting_rows import defaults_of
from image_to_3d.tool_settings import CleanUp, Tool
from image_to_3d.worker.mesh_data import positions, read
from image_to_3d.worker.mesh_tools import clean_up, report
from image_to_3d.worker.mesh_tools.custom_normals import kept_normals
from image_to_3d.worker.mesh_tools.manifold import is_closed, volume_and_area
from image_to_3d.worker.worker_process import WorkerProcess

pytestmark = pytest.mark.heavy


@pytest.fixture(autouse=True)
def _empty_blender() -> Iterator[None]:
    bpy.ops.wm.read_homefile(use_empty=True)
    yield
    bpy.ops.wm.read_homefile(use_empty=True)


def uvs(item: bpy.types.Object) -> Any:
    return read(item.data.uv_layers[0].data, "uv", 2)


def test_split_vertices_are_merged_and_each_corner_keeps_its_uv() -> None:
    item = kinds.seam_split(20)
    before, vertices = uvs(item), len(item.data.vertices)
    merged = clean_up.merge_vertices(item)
    assert merged == vertices - len(item.data.vertices) > 0
    assert is_closed(item.data)
    assert np.array_equal(uvs(item), before)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_parts_that_are_tiny_for_this_model_are_deleted_and_loose_vertices(scale: float) -> None:
    crumb = kinds.grid_sphere(4, 0.003)
    vertex = (np.array([[0, 0, 1.5]]), np.zeros((0, 3), np.int64), np.zeros((0, 2)))
    item = kinds.sized(kinds.make("model", *kinds.join(kinds.grid_sphere(20), crumb, vertex)), scale)
    assert clean_up.delete_loose_parts(item) == 1
    assert len(item.data.vertices) == len(kinds.grid_sphere(20)[0])


def test_a_model_that_consists_of_small_parts_keeps_them() -> None:
    rng = np.random.default_rng(0)
    grains = [kinds.grid_sphere(4, 0.003) for _ in range(60)]
    for points, _, _ in grains:
        points += rng.random(3) * 3
    item = kinds.make("sand", *kinds.join(*grains))
    assert clean_up.delete_loose_parts(item) == 0


@pytest.mark.parametrize("make", [kinds.many_holes, kinds.large_hole])
def test_holes_are_closed(make: Any) -> None:
    item = make(40)
    clean_up.merge_vertices(item)
    clean_up.delete_loose_parts(item)
    assert not is_closed(item.data)
    assert clean_up.fill_holes(item) > 0
    assert is_closed(item.data)


def test_a_hole_where_no_seam_is_continues_the_texture() -> None:
    points, faces, corners = kinds.grid_sheet(40)
    inside = (np.abs(points[faces].mean(axis=1)[:, :2]) < 0.2).all(axis=1)
    item = kinds.make("sheet", points, faces[~inside], corners.reshape(-1, 3, 2)[~inside].reshape(-1, 2))
    assert clean_up.fill_holes(item) == 1
    places = positions(item.data)[read(item.data.loops, "vertex_index", kind=np.int32)]
    assert np.allclose(uvs(item), (places[:, :2] + 1) / 2, atol=1e-5)
    assert volume_and_area(item.data)[1] == pytest.approx(4.0)


def test_open_sheets_stay_open_even_if_they_are_rolled() -> None:
    points, faces, corners = kinds.grid_sheet(40)
    rolled = np.stack((np.sin(2.5 * points[:, 0]), points[:, 1], np.cos(2.5 * points[:, 0])), -1)
    for name, shape in (("flat", points), ("rolled", rolled)):
        item = kinds.make(name, shape, faces, corners)
        assert clean_up.fill_holes(item) == 0
        assert len(item.data.polygons) == len(faces)


def test_a_box_without_its_bottom_is_closed() -> None:
    points, faces, corners = kinds.box((0, 0, 0), (1, 1, 1))
    item = kinds.make("box", points, faces[32:], corners[96:])
    assert clean_up.fill_holes(item) == 1
    assert volume_and_area(item.data)[0] == pytest.approx(1.0)


def test_faces_are_turned_outward() -> None:
    points, faces, corners = kinds.grid_sphere(20)
    faces[:300] = faces[:300, ::-1]
    item = kinds.make("ball", points, faces, corners)
    assert clean_up.recalculate_normals(item) == 300
    assert volume_and_area(item.data)[0] > 4.0


def test_edges_with_many_faces_do_no_harm() -> None:
    item = kinds.non_manifold(10)
    clean_up.clean(item, CleanUp())
    assert len(item.data.polygons) >= 1500


def test_custom_normals_survive() -> None:
    item = kinds.seam_split(20)
    outward = positions(item.data) / np.linalg.norm(positions(item.data), axis=1, keepdims=True)
    item.data.normals_split_custom_set_from_vertices(outward.tolist())
    with kept_normals(item):
        clean_up.clean(item, CleanUp())
    mesh = item.data
    at = positions(mesh)[read(mesh.loops, "vertex_index", kind=np.int32)]
    cosines = np.einsum(
        "ij,ij->i", at / np.linalg.norm(at, axis=1, keepdims=True), read(mesh.corner_normals, "vector", 3)
    )
    assert mesh.has_custom_normals
    assert cosines.min() > 0.999


@pytest.mark.each_version
def test_the_artist_reads_what_was_repaired(worker: WorkerProcess, tmp_path: Path) -> None:
    source = kinds.write([kinds.many_holes(40)], tmp_path / "source.blend")
    request = {"do": "clean_up", "source": str(source), "settings": defaults_of(CleanUp)}
    result = worker.run({**request, "target": str(tmp_path / "result.blend")}, timeout=60)
    assert result["facts"]["holes"] > 50
    assert {"count": str(result["facts"]["holes"])} in [note["arguments"] for note in result["notes"]]


def test_clean_up_leaves_out_what_is_switched_off(worker: WorkerProcess, tmp_path: Path) -> None:
    source = kinds.write([kinds.many_holes(20)], tmp_path / "source.blend")
    request = {"do": "clean_up", "source": str(source), "settings": dict.fromkeys(defaults_of(CleanUp), False)}
    result = worker.run({**request, "target": str(tmp_path / "result.blend")}, timeout=60)
    assert {found for name, found in result["facts"].items() if name != "report"} == {0}
    assert [note["template"] for note in result["notes"]] == ["There was nothing to repair"]


def test_the_report_finds_nothing_to_clean_up_any_more() -> None:
    points, faces, _ = kinds.split_seams(*kinds.without_patches(*kinds.grid_sphere(20), 3, 0.2))
    low, high = points[faces[0, 0]], points[faces[0, 1]]
    more = np.array([low, low, low, [3, 0, 0], [3.1, 0, 0], [3.2, 0, 0], [4, 0, 0], *points[faces[5]]])
    points = np.concatenate((points, (low + high)[None] / 2, more))
    middle, first = len(points) - len(more) - 1, len(points) - len(more)
    extra = [(faces[0, 0], middle, faces[0, 1])]  # on an edge
    extra += [tuple(range(first + i, first + i + 3)) for i in (0, 3, 7)]  # one place, one line, a duplicate
    faces[30:40] = faces[30:40, ::-1]
    item = kinds.make("damaged", points, [*faces.tolist(), *extra])
    before = report.measure([item])
    assert min(before.degenerate_faces, before.holes, before.flipped_faces, before.duplicate_faces) > 0
    assert min(before.duplicate_vertices, before.loose_vertices) > 0
    clean_up.clean(item, CleanUp())
    after = report.measure([item])
    assert not [problem for problem in problems(after) if Tool.CLEAN_UP in problem.tools], after
    assert after.watertight


@pytest.mark.parametrize("place", [float("nan"), float("inf")])
def test_vertices_that_are_nowhere_are_deleted_with_their_faces(
    worker: WorkerProcess, tmp_path: Path, place: float
) -> None:
    item = kinds.smooth(20)
    item.data.vertices[0].co.x = place
    settings = defaults_of(CleanUp)
    request = {"do": "clean_up", "source": str(kinds.write([item], tmp_path / "a.blend")), "settings": settings}
    result = worker.run(request | {"target": str(tmp_path / "b.blend")}, timeout=60)
    assert result["facts"]["holes"] == 1
    assert result["facts"]["report"]["open_edges"] == 0


def test_objects_that_share_a_mesh_still_share_it(worker: WorkerProcess, tmp_path: Path) -> None:
    item = kinds.seam_split(20)
    other = bpy.data.objects.new("other", item.data)
    source, target = kinds.write([item, other], tmp_path / "a.blend"), tmp_path / "b.blend"
    request = {"do": "clean_up", "source": str(source), "target": str(target), "settings": defaults_of(CleanUp)}
    assert worker.run(request, timeout=60)["facts"]["merged"] > 0
    with bpy.data.libraries.load(str(target)) as (there, _):
        assert (len(there.objects), len(there.meshes)) == (3, 1)  # under one root
