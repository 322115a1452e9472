# SPDX-License-Identifier: GPL-3.0-or-later
"""Make Printable makes one watertight solid of any mesh, as an independent library reads the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import bpy
import numpy as np
import pytest
import trimesh
from image_to_3d.worker import request_loop
from mathutils import Vector
from mathutils.bvhtree import BVHTree
from mathutils.kdtree import KDTree
from print_shapes import SHAPES, Shape, ball, box, cylinder, joined, many_triangles

pytestmark = pytest.mark.heavy

WALL = 1.2
HEIGHT = 20.0


class Made(NamedTuple):
    """`solid`: what trimesh reads in the file; `result`: of the request."""

    solid: Any
    result: dict[str, Any]

    @property
    def notes(self) -> list[str]:
        return [note["template"] for note in self.result["notes"]]


@pytest.fixture(autouse=True)
def _empty_blender() -> Iterator[None]:
    yield
    bpy.ops.wm.read_homefile(use_empty=True)


Make = Callable[..., Made]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make(shape: Shape, scale: tuple[float, ...] = (1, 1, 1), **settings: Any) -> Made:
        mesh = bpy.data.meshes.new("Model")
        mesh.from_pydata(shape[0].tolist(), [], shape[1].tolist())
        bpy.data.libraries.write(str(tmp_path / "source.blend"), {bpy.data.objects.new("Model", mesh)})
        settings = {"height": HEIGHT} | settings
        file = tmp_path / f"print.{settings.get('file_format', 'STL').lower()}"
        request = {
            "id": 1,
            "do": "print",
            "source": str(tmp_path / "source.blend"),
            "target": str(tmp_path / "target.blend"),
            "file": str(file),
            "transform": np.diag(scale).ravel().tolist(),
            "settings": settings,
            "timeout": 300.0,
        }
        reply = request_loop.handle_request(request, lambda done: None)
        assert "result" in reply, reply
        return Made(trimesh.load(file, force="mesh"), reply["result"])

    return make


def check(made: Made, height: float = HEIGHT, wall: float = WALL) -> None:
    """What every print must be."""
    solid = made.solid
    assert solid.is_watertight
    assert solid.is_winding_consistent
    assert solid.body_count == 1
    assert solid.volume > 0
    assert solid.extents[2] == pytest.approx(height, rel=1e-3)
    assert solid.bounds[0][2] == pytest.approx(0, abs=1e-4)
    assert np.abs(solid.bounds[:, :2].sum(axis=0)).max() < 1e-3 * height
    assert len(solid.faces) <= 520_000
    assert np.percentile(walls(solid, wall), 1) >= 0.95 * wall
    facts = made.result["facts"]
    assert facts["volume_cm3"] == pytest.approx(solid.volume / 1000, rel=1e-3)
    assert facts["triangles"] == len(solid.faces)
    assert facts["contact_mm2"] > 0


def walls(solid: Any, wall: float) -> np.ndarray[Any, Any]:
    """Returns the way through the solid from random points of its surface; at sharp edges, the way near them."""
    points, faces = trimesh.sample.sample_surface(solid, 3000, seed=1)
    tree = BVHTree.FromPolygons(solid.vertices.tolist(), solid.faces.tolist())
    inward = -solid.face_normals[faces]
    hits = [tree.ray_cast(Vector(p + 1e-4 * n), Vector(n))[3] for p, n in zip(points, inward, strict=True)]
    ways = np.array([np.inf if hit is None else hit for hit in hits])
    near = KDTree(len(points))
    for index, point in enumerate(points.tolist()):
        near.insert(point, index)
    near.balance()
    return np.array([max(ways[index] for _, index, _ in near.find_range(p, wall)) for p in points.tolist()])


@pytest.mark.parametrize("name", SHAPES)
def test_a_mesh_of_any_kind_becomes_one_watertight_solid(make: Make, name: str) -> None:
    check(make(SHAPES[name]()))


def test_a_surface_that_is_closed_and_thick_enough_is_kept(make: Make) -> None:
    made = make(box((1.0, 1.0, 1.0)))
    check(made)
    assert len(made.solid.faces) == 12
    assert made.notes == ["The surface is closed and thick enough: it is kept"]
    round_one = make(ball())
    check(round_one)
    assert len(round_one.solid.faces) < len(ball()[1])


def test_sharp_edges_are_kept_and_thin_sheets_are_not(make: Make) -> None:
    cone = make(cylinder(0.5, 1.0, top=0.0))
    check(cone)
    assert len(cone.solid.faces) < 100
    fin = make(joined(box((1.0, 1.0, 1.0)), box((0.5, 0.01, 0.5), (0.0, 0.0, 0.7))))
    check(fin)
    assert "Thin walls were thickened" in fin.notes


@pytest.mark.parametrize("name", ["cup", "vase without a wall"])
def test_a_cup_stays_open_at_the_top(make: Make, name: str) -> None:
    made = make(SHAPES[name]())
    assert not made.solid.contains([(0, 0, 0.5 * HEIGHT)])[0]
    above = made.solid.ray.intersects_any([(0, 0, 0.5 * HEIGHT)], [(0, 0, 1)])
    assert not above[0]
    below = made.solid.ray.intersects_any([(0, 0, 0.5 * HEIGHT)], [(0, 0, -1)])
    assert below[0]


def test_what_is_hollow_becomes_solid(make: Make) -> None:
    points, triangles = ball(0.8)
    made = make(joined(ball(), (points, triangles[:, ::-1])))
    check(made)
    assert made.solid.volume == pytest.approx(4 / 3 * np.pi * (HEIGHT / 2) ** 3, rel=0.07)
    assert "1 void inside was filled" in made.notes


def test_parts_that_do_not_touch_are_connected(make: Make) -> None:
    made = make(joined(ball(), ball(0.5, (2.0, 0.0, 0.0)), ball(0.02, (1.3, 0.0, 0.9))))
    check(made)
    assert made.solid.extents[0] == pytest.approx(1.75 * HEIGHT, rel=0.03)
    assert "1 rod connects parts that do not touch" in made.notes


@pytest.mark.each_version
def test_what_would_fall_over_gets_a_foot(make: Make) -> None:
    made = make(cylinder(0.0, 1.0, top=0.4))
    check(made)
    assert "A foot was added, so that it stands" in made.notes
    assert "The surface is closed and thick enough: it is kept" not in made.notes
    assert made.result["facts"]["contact_mm2"] > 10


def test_a_flat_mesh_stands_upright_in_the_file_and_lies_over_the_original_in_the_scene(
    make: Make, tmp_path: Path
) -> None:
    check(make(box((0.6, 1.0, 0.001))))
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "target.blend")) as (there, here):
        here.objects = list(there.objects)
    assert [round(x, 1) for x in here.objects[0].dimensions] == pytest.approx([0.6, 1.0, 0.0], abs=0.35)


def test_3mf_is_in_millimeters_and_resin_has_thinner_walls(make: Make) -> None:
    made = make(SHAPES["cup"](), file_format="3MF", process="RESIN", height=12.0)
    check(made, 12.0, 0.5)
    assert made.solid.units in ("millimeter", "millimeters", "mm", None)


def test_the_scale_of_the_object_is_printed(make: Make) -> None:
    made = make(box((1.0, 1.0, 1.0)), (2.0, 1.0, -1.0), flat_base=False)
    check(made)
    assert made.solid.extents == pytest.approx([2 * HEIGHT, HEIGHT, HEIGHT], rel=2e-3)


def test_a_mirrored_object_is_not_inside_out(make: Make) -> None:
    made = make(box((1.0, 1.0, 1.0)), scale=(-1.0, 1.0, 1.0))
    check(made)
    assert made.notes == ["The surface is closed and thick enough: it is kept"]


def test_an_object_without_size_is_refused(tmp_path: Path) -> None:
    mesh = bpy.data.meshes.new("Model")
    mesh.from_pydata([(0, 0, 0)] * 3, [], [(0, 1, 2)])
    bpy.data.libraries.write(str(tmp_path / "source.blend"), {bpy.data.objects.new("Model", mesh)})
    request = {
        "id": 1,
        "do": "print",
        "source": str(tmp_path / "source.blend"),
        "target": str(tmp_path / "target.blend"),
    }
    request |= {"file": str(tmp_path / "print.stl"), "settings": {}}
    reply = request_loop.handle_request(request, lambda done: None)
    assert reply["error"]["message"]["template"] == "The object has no size."
    assert not (tmp_path / "print.stl").exists()


@pytest.mark.long
def test_a_million_triangles_become_a_print(make: Make) -> None:
    check(make(many_triangles(), height=80.0), 80.0)
