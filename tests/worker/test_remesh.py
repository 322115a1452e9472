# SPDX-License-Identifier: GPL-3.0-or-later
"""Remesh to Quads gives a model even quads, and it looks as before: shape, colors and material are the original's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy
import mesh_kinds as kinds
import numpy as np
import pytest
import renders
from image_to_3d.errors import MeshToolError
from image_to_3d.setting_rows import defaults_of
from image_to_3d.tool_settings import Remesh
from image_to_3d.worker.mesh_data import positions, read
from image_to_3d.worker.mesh_tools import blend_exchange, clean_up, quads, symmetry
from image_to_3d.worker.mesh_tools.custom_normals import kept_normals
from image_to_3d.worker.mesh_tools.manifold import is_closed, volume_and_area
from image_to_3d.worker.worker_process import WorkerProcess

pytestmark = pytest.mark.heavy

SMALL = {"faces": 1000, "texture_size": "512"}


@pytest.fixture(autouse=True)
def _empty_blender() -> Iterator[None]:
    bpy.ops.wm.read_homefile(use_empty=True)
    yield
    bpy.ops.wm.read_homefile(use_empty=True)


class Remeshed:
    """A model and what became of it: both are in this Blender's data."""

    def __init__(self, worker: WorkerProcess, folder: Path, make: Callable[[], bpy.types.Object], **changed: Any):
        kinds.write([make()], folder / "source.blend")
        settings = defaults_of(Remesh) | SMALL | changed
        self.facts: dict[str, Any] = {}
        self.notes: list[str] = []

        def step(task: str, target: str, **request: str) -> None:
            paths = {key: str(folder / value) for key, value in request.items() if key != "method"}
            more = {"method": request["method"]} if "method" in request else {}
            request = {"do": task, "target": str(folder / target), "settings": settings, "name": "Model"}
            result = worker.run(request | paths | more, timeout=150)
            self.facts |= result["facts"]
            self.notes += [note["template"] for note in result["notes"]]

        step("remesh_prepare", "prepared.blend", source="source.blend")
        for method in quads.METHODS:
            try:
                step("remesh_quads", "quads.blend", source="prepared.blend", method=method)
                break
            except MeshToolError as error:
                self.notes.append(error.message.template)
        step("remesh_finish", "result.blend", source="quads.blend", original="prepared.blend")
        self.original = self._load(folder / "prepared.blend")
        self.result = self._load(folder / "result.blend")
        self._folder = folder

    def _load(self, path: Path) -> bpy.types.Object:
        libraries: Any = bpy.data.libraries
        with libraries.load(str(path)) as (there, here):
            here.objects = there.objects
        (item,) = here.objects
        bpy.context.scene.collection.objects.link(item)
        return item

    def difference(self) -> float:
        """Returns the mean difference of the colors, seen from four sides in white light."""
        before, after = (renders.sides(item, self._folder) for item in (self.original, self.result))
        return float(np.abs(before - after).mean())

    def image(self, suffix: str) -> bpy.types.Image:
        return bpy.data.images[f"Model {suffix}"]


def check(found: Remeshed, faces: int, difference: float = 0.01) -> None:
    assert 0.5 * faces < found.facts["faces"] < 1.6 * faces
    assert found.facts["quads"] >= 0.95
    assert found.facts["deviation_mean"] <= 1.0
    assert not is_closed(found.original.data) or is_closed(found.result.data)
    assert volume_and_area(found.result.data)[1] > 0.8 * volume_and_area(found.original.data)[1]
    assert found.difference() < difference


@pytest.mark.each_version
def test_a_model_as_gltf_stores_it_gets_quads_and_looks_as_before(worker: WorkerProcess, tmp_path: Path) -> None:
    found = Remeshed(worker, tmp_path, lambda: kinds.seam_split(50))
    check(found, 1000)
    assert found.facts["method"] == "QUADRIFLOW"
    assert found.image("Color").colorspace_settings.name == "sRGB"
    assert found.image("Normal").colorspace_settings.name == "Non-Color"
    assert all(tuple(found.image(kind).size) == (512, 512) for kind in ("Color", "Normal"))
    assert all(found.image(kind).packed_file for kind in ("Color", "Normal"))
    assert [material.name for material in found.result.data.materials] == ["Model"]


def test_an_open_sheet_stays_one(worker: WorkerProcess, tmp_path: Path) -> None:
    found = Remeshed(worker, tmp_path, lambda: kinds.sheet(40), normal_map=False)
    check(found, 1000)
    assert not is_closed(found.result.data)
    assert volume_and_area(found.result.data)[1] == pytest.approx(volume_and_area(found.original.data)[1], rel=0.02)


def test_vertex_colors_become_a_texture(worker: WorkerProcess, tmp_path: Path) -> None:
    check(Remeshed(worker, tmp_path, lambda: kinds.vertex_colors(40), normal_map=False), 1000)


def test_materials_keep_their_colors_roughness_and_metal(worker: WorkerProcess, tmp_path: Path) -> None:
    found = Remeshed(worker, tmp_path, lambda: kinds.several_materials(40), normal_map=False)
    check(found, 1000)
    pixels = np.array(found.image("Roughness Metallic").pixels[:]).reshape(-1, 4)
    for roughness, metallic in ((0.9, 0.0), (0.3, 0.0), (0.2, 1.0)):
        near = (np.abs(pixels[:, 1] - roughness) < 0.02) & (np.abs(pixels[:, 2] - metallic) < 0.02)
        assert near.mean() > 0.05, (roughness, metallic)


def test_a_symmetric_model_has_equal_halves_about_its_center(worker: WorkerProcess, tmp_path: Path) -> None:
    def uneven() -> bpy.types.Object:
        item = kinds.smooth(40)
        item.data.transform(((1, 0.2, 0, 5), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)))
        return item

    found = Remeshed(worker, tmp_path, uneven, symmetry="X", normal_map=False)
    check(found, 1000)
    points = positions(found.result.data).astype(np.float64)
    points[:, 0] -= (points[:, 0].min() + points[:, 0].max()) / 2
    assert np.allclose(np.sort(points[:, 0]), np.sort(-points[:, 0]), atol=1e-4)
    here, there = ({tuple(row) for row in np.round(points * (s, 1, 1), 3) + 0.0} for s in (1, -1))
    assert len(here & there) > 0.98 * len(here)


@pytest.mark.parametrize("method", quads.METHODS)
def test_every_method_makes_quads_on_the_surface(method: str) -> None:
    source = kinds.large_hole(40)
    clean_up.fill_holes(source)
    made = quads.remesh(source, 800, method, False)
    assert quads.quad_share(made.data) >= 0.95
    assert is_closed(made.data)
    assert 400 < len(made.data.polygons) < 1300


def test_an_open_mesh_is_not_filled_with_voxels() -> None:
    with pytest.raises(MeshToolError, match="open"):
        quads.remesh(kinds.sheet(20), 500, "VOXEL_QUADRIFLOW", False)


def test_joined_objects_keep_their_uvs_whatever_these_are_called(tmp_path: Path) -> None:
    objects = [kinds.sheet(4), kinds.textured(kinds.make("other", *kinds.grid_sheet(3)))]
    objects[1].data.uv_layers[0].name = "Other Name"
    objects[1].location.x = 3
    expected = np.concatenate([read(item.data.uv_layers[0].data, "uv", 2) for item in objects])
    path = kinds.write(objects, tmp_path / "source.blend")
    joined = blend_exchange.read_joined({"source": str(path)})
    used = next(layer for layer in joined.data.uv_layers if layer.active_render)
    found = read(used.data, "uv", 2)
    assert {tuple(row) for row in found.round(4).tolist()} == {tuple(row) for row in expected.round(4).tolist()}
    assert len(found) == len(expected)


def test_mirrored_custom_normals_point_outward() -> None:
    item = kinds.make("ball", *kinds.grid_sphere(20))
    item.data.normals_split_custom_set_from_vertices(positions(item.data).tolist())
    with kept_normals(item):
        symmetry.keep_half(item, 0.0)
        symmetry.mirror(item, 0.0, 0.0)
    at = positions(item.data)[read(item.data.loops, "vertex_index", kind=np.int32)]
    assert item.data.has_custom_normals
    assert np.einsum("ij,ij->i", at, read(item.data.corner_normals, "vector", 3)).min() > 0.99


def test_a_closed_mesh_with_corners_closer_than_merging_is_closed() -> None:
    points, faces, _ = kinds.grid_sphere(10)
    points[1] = points[0] + (points[1] - points[0]) * 1e-6
    assert is_closed(kinds.make("near", points, faces).data)
    assert is_closed(kinds.seam_split(10).data)
    assert not is_closed(kinds.make("open", points, faces[1:]).data)


def test_a_result_that_is_not_the_shape_is_refused_with_what_helps() -> None:
    source = kinds.make("ball", *kinds.grid_sphere(30))
    half = kinds.make("half", *kinds.without_patches(*kinds.grid_sphere(30), 1, 0.9))
    points, faces, corners = kinds.grid_sphere(30, 0.99)
    shell = kinds.make("shell", *kinds.join(kinds.grid_sphere(30), (points, faces[:, ::-1], corners)))
    for wrong in (half, shell):
        with pytest.raises(MeshToolError) as refused:
            quads.check(wrong, source)
        assert "Choose more faces" in str(refused.value)


def test_a_sheet_that_got_a_second_side_is_refused() -> None:
    points, faces, _ = kinds.grid_sheet(10)
    with pytest.raises(MeshToolError, match="open sheet"):
        quads.check(kinds.make("closed", *kinds.box((-1, -1, -0.01), (1, 1, 0))), kinds.make("sheet", points, faces))


def test_many_parts_get_more_faces_instead_of_an_error() -> None:
    boxes = [kinds.box((2 * i, 0, 0), (2 * i + 1, 1, 1), 1) for i in range(60)]
    source = kinds.make("boxes", *kinds.join(*boxes))
    made = quads.remesh(source, 500, "DECIMATE", False)
    assert volume_and_area(made.data)[0] > 0.5 * 60
    assert quads.quad_share(made.data) == 1


def test_a_sheet_with_a_jagged_border_keeps_one_side() -> None:
    points, faces, _ = kinds.grid_sheet(240)
    inside = np.hypot(*points[:, :2].T) < 0.985
    points[:, 2] = np.sqrt(np.maximum(1 - (points[:, :2] ** 2).sum(axis=1), 0))  # its rim is steep, and in steps
    source = kinds.make("scan", points, faces[inside[faces].all(axis=1)])
    made = quads.remesh(source, 800, "DECIMATE", False)
    assert len(made.data.polygons) < 1200
    assert not is_closed(made.data)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", kinds.KINDS)
def test_models_of_all_kinds_are_remeshed(worker: WorkerProcess, tmp_path: Path, kind: str) -> None:
    found = Remeshed(worker, tmp_path, kinds.KINDS[kind], faces=5000, texture_size="2048")
    check(found, 5000, 0.03)
