# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh report counts what is in a mesh, exactly, whatever object it is of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
import trimesh
from image_to_3d.benchmarks.shapes import Shape, ball, png
from image_to_3d.mesh_report import MeshReport
from image_to_3d.worker.mesh_data import clear_data
from image_to_3d.worker.mesh_tools import report
from image_to_3d.worker.worker_process import WorkerProcess
from numpy.typing import NDArray

pytestmark = pytest.mark.heavy

Array = NDArray[Any]

CUBE = trimesh.creation.box((2, 2, 2))
SPHERE = trimesh.creation.icosphere(subdivisions=3)


@pytest.fixture(autouse=True)
def _empty_blender() -> Iterator[None]:
    clear_data()
    yield
    clear_data()


def object_of(points: Any, faces: Any, edges: Any = ()) -> bpy.types.Object:
    mesh = bpy.data.meshes.new("mesh")
    mesh.from_pydata(np.asarray(points, float).tolist(), list(edges), np.asarray(faces).tolist())
    item = bpy.data.objects.new("mesh", mesh)
    bpy.context.scene.collection.objects.link(item)
    bpy.context.view_layer.update()
    return item


def measured(points: Any, faces: Any, edges: Any = ()) -> MeshReport:
    return report.measure([object_of(points, faces, edges)])


def joined(*shapes: Any) -> tuple[Array, Array]:
    whole = trimesh.util.concatenate(list(shapes))
    return whole.vertices, whole.faces


def differing(found: MeshReport, usual: MeshReport) -> dict[str, Any]:
    """Returns what differs between two reports."""
    first, second = found.to_json(), usual.to_json()
    return {name: value for name, value in first.items() if value != second[name]}


WHOLE_CUBE = MeshReport(
    objects=1, triangles=12, faces=12, vertices=8, parts=1, dimensions=(2.0, 2.0, 2.0), volume=pytest.approx(8.0)
)


def cube_report(points: Any = CUBE.vertices, faces: Any = CUBE.faces, edges: Any = ()) -> dict[str, Any]:
    """Returns what differs from the report on a whole cube."""
    return differing(measured(points, faces, edges), WHOLE_CUBE)


def test_a_closed_mesh_is_watertight_and_has_a_volume() -> None:
    assert cube_report() == {}
    assert WHOLE_CUBE.watertight


def test_quads_and_polygons_have_the_volume_of_their_triangles() -> None:
    bpy.ops.mesh.primitive_cylinder_add(vertices=32, radius=1, depth=3)
    found = report.measure([bpy.context.object])
    assert (found.triangles, found.faces, found.quads, found.watertight) == (124, 34, 32, True)
    assert found.volume == pytest.approx(3 * 16 * np.sin(np.pi / 16), rel=1e-5)


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_vertices_that_uv_seams_split_make_no_open_edges(size: float) -> None:
    points = SPHERE.vertices[SPHERE.faces].reshape(-1, 3) * size
    found = measured(points, np.arange(len(points)).reshape(-1, 3))
    assert (found.open_edges, found.parts, found.watertight) == (0, 1, True)
    assert found.duplicate_vertices == len(points) - len(SPHERE.vertices)
    assert found.volume == pytest.approx(SPHERE.volume * size**3, rel=1e-3)


def test_missing_faces_are_holes() -> None:
    far_apart = [0, *(int(np.argmin(np.linalg.norm(SPHERE.triangles_center - at, axis=1))) for at in np.eye(3))]
    found = measured(SPHERE.vertices, np.delete(SPHERE.faces, far_apart, axis=0))
    assert (found.open_edges, found.holes, found.sheets, found.watertight) == (12, 4, 0, False)
    assert found.volume == 0


def test_two_holes_that_touch_at_a_corner_are_two() -> None:
    corner = SPHERE.faces[0][0]
    around = [index for index, face in enumerate(SPHERE.faces) if corner in face]
    apart = next(i for i in around if len(set(SPHERE.faces[i]) & set(SPHERE.faces[around[0]])) == 1)
    found = measured(SPHERE.vertices, np.delete(SPHERE.faces, [around[0], apart], axis=0))
    assert (found.open_edges, found.holes) == (6, 2)


def test_the_border_of_a_sheet_is_no_hole_but_the_opening_of_a_vase_is_one() -> None:
    x, y = np.meshgrid(np.arange(5.0), np.arange(5.0))
    points = np.stack((x, y, np.sin(x)), -1).reshape(-1, 3)
    faces = [[j * 5 + i, j * 5 + i + 1, j * 5 + i + 6, j * 5 + i + 5] for j in range(4) for i in range(4)]
    found = measured(points, faces)
    assert (found.quads, found.open_edges, found.holes, found.sheets) == (16, 16, 0, 1)
    del faces[5]
    found = measured(points, faces)
    assert (found.open_edges, found.holes, found.sheets) == (20, 1, 1)
    vase = trimesh.creation.cylinder(radius=1, height=3, sections=32)
    found = measured(vase.vertices, vase.faces[vase.face_normals[:, 2] < 0.5])
    assert (found.holes, found.sheets) == (1, 0)


def test_sheets_that_meet_have_a_non_manifold_edge() -> None:
    points = [(0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 0), (-1, 0, 0), (-1, 1, 0), (0, 0, 1), (0, 1, 1)]
    found = measured(points, [(0, 2, 3, 1), (4, 0, 1, 5), (0, 1, 7, 6)])
    assert (found.non_manifold_edges, found.open_edges, found.parts, found.sheets) == (1, 9, 1, 1)
    assert not found.watertight


def test_a_fin_on_a_closed_mesh_is_no_hole() -> None:
    points = [*CUBE.vertices, (3, 3, 3)]
    found = measured(points, [*CUBE.faces.tolist(), [*CUBE.faces[0][:2].tolist(), 8]])
    assert (found.non_manifold_edges, found.open_edges, found.holes, found.sheets) == (1, 2, 0, 0)


def test_two_cubes_that_share_an_edge_are_not_watertight() -> None:
    points, faces = joined(CUBE, CUBE.copy().apply_translation((2, 2, 0)))
    found = measured(points, faces)
    assert (found.non_manifold_edges, found.open_edges, found.watertight) == (1, 0, False)


def test_parts_are_counted_and_those_that_are_small_or_inside_others() -> None:
    inner = SPHERE.copy().apply_scale(0.4)
    small = CUBE.copy().apply_scale(0.002).apply_translation((4, 0, 0))
    beside = SPHERE.copy().apply_scale(0.2).apply_translation((0.75, 0.75, 0.75))  # in the box, not in the ball
    found = measured(*joined(SPHERE, inner, small, beside))
    assert (found.parts, found.small_parts, found.inner_parts, found.watertight) == (4, 1, 1, True)
    inner.invert()
    found = measured(*joined(SPHERE, inner))
    assert (found.inner_parts, found.flipped_faces) == (1, 0)  # a hollow ball: its inner wall faces inward
    assert found.volume == pytest.approx(SPHERE.volume * (1 - 0.4**3), rel=1e-5)


def test_a_face_that_is_turned_is_inside_out() -> None:
    faces = CUBE.faces.copy()
    faces[3] = faces[3][::-1]
    assert cube_report(faces=faces) == {"inconsistent_edges": 3, "flipped_faces": 1, "volume": 0.0}


def test_a_cube_that_is_inside_out_is_found() -> None:
    assert cube_report(faces=CUBE.faces[:, ::-1]) == {"flipped_faces": 12, "volume": pytest.approx(-8.0)}


def test_a_mirrored_object_is_not_inside_out() -> None:
    item = object_of(CUBE.vertices, CUBE.faces)
    item.scale = (-1, 1, 1)
    bpy.context.view_layer.update()
    assert differing(report.measure([item]), WHOLE_CUBE) == {}


def test_faces_without_area_are_counted_and_open_nothing() -> None:
    points = [*CUBE.vertices, CUBE.vertices[0], CUBE.vertices[1] + 1e-8]
    first = CUBE.faces[0].tolist()
    faces = [*CUBE.faces.tolist(), [0, 8, 9], [8, first[1] if first[1] not in (0, 1) else first[2], 0]]
    found = cube_report(points, faces)
    assert found == {"triangles": 14, "faces": 14, "vertices": 10, "duplicate_vertices": 2, "degenerate_faces": 2}


@pytest.mark.parametrize("scale", [(0, 0, 0), (1, 1, 0), (1, 0, 0)])
def test_a_mesh_that_is_flattened_can_be_measured(scale: tuple[int, int, int]) -> None:
    found = measured(SPHERE.vertices * scale, SPHERE.faces)
    assert (found.triangles, found.volume) == (1280, pytest.approx(0.0, abs=1e-6))
    assert (found.degenerate_faces, found.parts) == {0: (1280, 0), 1: (1280, 1), 2: (found.degenerate_faces, 1)}[
        sum(scale)
    ]


def test_a_face_that_is_there_twice_is_counted() -> None:
    found = cube_report(faces=[*CUBE.faces.tolist(), CUBE.faces[5][[1, 0, 2]].tolist()])
    assert found == {"triangles": 13, "faces": 13, "duplicate_faces": 1, "non_manifold_edges": 3, "volume": 0.0}


def test_loose_vertices_and_edges_are_counted_and_open_nothing() -> None:
    points = [*CUBE.vertices, (0, 0, 0), (0.5, 0, 0), (0, 0.5, 0)]
    assert cube_report(points, CUBE.faces, [(8, 9)]) == {"vertices": 11, "loose_edges": 1, "loose_vertices": 1}


def test_a_uv_map_counts_only_if_every_object_has_one_with_more_than_one_point() -> None:
    items = [object_of(CUBE.vertices, CUBE.faces) for _ in range(2)]
    layer = items[0].data.uv_layers.new(name="UVMap")
    layer.uv[5].vector = (0.5, 0.25)
    items[1].data.uv_layers.new(name="UVMap")
    for loop in items[1].data.uv_layers[0].uv:
        loop.vector = (0.0, 0.0)
    assert [report.measure(which).uv_maps for which in (items[:1], items[1:], items)] == [1, 0, 0]


def test_textures_and_materials_are_counted_once(tmp_path: Path) -> None:
    (tmp_path / "image.png").write_bytes(png(np.zeros((16, 32, 3), np.uint8)))
    image = bpy.data.images.load(str(tmp_path / "image.png"))
    items = [object_of(CUBE.vertices, CUBE.faces) for _ in range(2)]
    for name in ("one", "two"):
        material = bpy.data.materials.new(name)
        material.use_nodes = True
        material.node_tree.nodes.new("ShaderNodeTexImage").image = image
        for item in items:
            item.data.materials.append(material)
    found = report.measure(items)
    assert (found.materials, found.textures) == (2, ((32, 16),))
    assert (found.triangles, found.parts) == (24, 2)


@pytest.mark.parametrize("seed", range(6))
def test_it_agrees_with_another_program_about_damaged_meshes(seed: int) -> None:
    random = np.random.default_rng(seed)
    shapes = [SPHERE.copy().apply_translation((3 * i, 0, 0)) for i in range(3)]
    points, faces = joined(*shapes)
    faces = faces[random.random(len(faces)) > (0.0, 0.002, 0.2)[seed % 3]]
    turned = random.random(len(faces)) < (0.0, 0.01)[seed % 2]
    faces[turned] = faces[turned][:, ::-1]
    found, other = measured(points, faces), trimesh.Trimesh(points, faces, process=False)
    assert found.watertight == (other.is_watertight and other.is_winding_consistent)
    assert found.open_edges == len(trimesh.grouping.group_rows(other.edges_sorted, require_count=1))
    assert found.volume == pytest.approx(other.volume if found.watertight else 0.0)


@pytest.mark.each_version
def test_the_report_is_measured_in_the_background_blender_and_changes_nothing(
    worker: WorkerProcess, tmp_path: Path
) -> None:
    source = tmp_path / "model.blend"
    bpy.data.libraries.write(str(source), {object_of(CUBE.vertices, CUBE.faces)})
    before = source.read_bytes()
    result = worker.run({"do": "check_mesh", "source": str(source)})
    found = MeshReport.from_json(result["report"])
    assert found is not None
    assert differing(found, WHOLE_CUBE) == {}
    assert list(tmp_path.iterdir()) == [source]
    assert source.read_bytes() == before


def large(shape: Shape) -> bpy.types.Object:
    mesh = bpy.data.meshes.new("large")
    mesh.vertices.add(len(shape.positions))
    mesh.vertices.foreach_set("co", shape.positions.ravel())
    mesh.loops.add(shape.triangles.size)
    mesh.loops.foreach_set("vertex_index", shape.triangles.astype(np.int32).ravel())
    mesh.polygons.add(len(shape.triangles))
    mesh.polygons.foreach_set("loop_start", np.arange(0, shape.triangles.size, 3, dtype=np.int32))
    mesh.update(calc_edges=True)
    return bpy.data.objects.new("large", mesh)


def test_half_a_million_triangles_are_measured() -> None:
    found = report.measure([large(ball(500_000))])
    assert (found.triangles, found.watertight) == (501_264, True)
