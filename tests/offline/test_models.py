# SPDX-License-Identifier: GPL-3.0-or-later
"""What an artist gets from the offline preview: a closed, textured model that is the same in every format."""

from __future__ import annotations

import io
from pathlib import Path

import meshes
import numpy as np
import pytest
from image_to_3d.loopback.launcher import LoopbackService
from meshes import Mesh
from package_stub import ROOT
from PIL import Image
from service import Service

SMALL = {"resolution": 96, "seed": 5}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, offline: LoopbackService) -> dict[str, dict[str, Path]]:
    """The chair in each format."""
    service = Service(*offline.access())
    folder = tmp_path_factory.mktemp("models")
    image_file = ROOT / "samples" / "chair.png"
    return {
        kind: service.make(image_file, folder, output_format=kind, **SMALL) for kind in ("glb", "obj", "stl", "ply")
    }


@pytest.mark.parametrize("kind", ["glb", "obj", "stl", "ply"])
def test_the_model_is_a_closed_volume(made: dict[str, dict[str, Path]], kind: str) -> None:
    mesh = meshes.read(made[kind][kind])
    assert mesh.open_edges() == 0
    assert mesh.volume > 0.05
    assert len(mesh.triangles) > 500


def test_all_formats_hold_the_same_model(made: dict[str, dict[str, Path]]) -> None:
    places = [meshes.read(made[kind][kind]).welded() for kind in ("glb", "obj", "stl", "ply")]
    for other in places[1:]:
        assert len(other.triangles) == len(places[0].triangles)
        assert np.abs(other.points.min(axis=0) - places[0].points.min(axis=0)).max() < 1e-5
        assert np.abs(other.points.max(axis=0) - places[0].points.max(axis=0)).max() < 1e-5
        assert other.volume == pytest.approx(places[0].volume, rel=1e-4)


def test_the_model_is_upright_and_its_longest_side_is_1(made: dict[str, dict[str, Path]]) -> None:
    """The chair is taller than wide, and thinner at the bottom (legs) than at the seat."""
    mesh = meshes.read(made["glb"]["glb"])
    wide, high, deep = mesh.size
    assert high == pytest.approx(1.0, abs=0.03)
    assert deep < wide < high
    low, middle = (np.ptp(mesh.points[np.abs(mesh.points[:, 1] - y) < 0.03], axis=0)[2] for y in (-0.47, -0.1))
    assert low < 0.5 * middle


def test_the_model_looks_like_the_image_from_the_front(made: dict[str, dict[str, Path]], chair: Path) -> None:
    mesh = meshes.read(made["glb"]["glb"])
    texture = texture_of(made["glb"]["glb"])
    image_file = np.asarray(Image.open(chair).convert("RGBA"), np.float64) / 255.0
    rows, columns = np.nonzero(image_file[..., 3] > 0.5)
    top, left, tall = rows.min(), columns.min(), np.ptp(rows) + 1
    middle = 0.5 * (mesh.points.min(axis=0) + mesh.points.max(axis=0))
    x = (mesh.points[:, 0] - middle[0]) * tall + left + (np.ptp(columns) + 1) / 2
    y = -(mesh.points[:, 1] - middle[1]) * tall + top + tall / 2
    inner = (np.abs(mesh.points[:, 2]) > 0.05) & (mesh.points[:, 2] > 0)
    seen = image_file[
        y[inner].astype(int).clip(0, len(image_file) - 1), x[inner].astype(int).clip(0, len(image_file) - 1), :3
    ]
    given = at(texture, mesh.uv[inner])
    assert np.abs(seen - given).mean() < 0.03


def test_the_background_does_not_bleed_into_the_outline(offline: LoopbackService, mug: Path, tmp_path: Path) -> None:
    """The mug's background is white; no vertex of the model is."""
    files = Service(*offline.access()).make(mug, tmp_path, **SMALL)
    mesh = meshes.read(files["glb"])
    rim = np.abs(mesh.points[:, 2]) < 0.01
    colors = at(texture_of(files["glb"]), mesh.uv[rim])
    assert rim.sum() > 50
    assert (colors.min(axis=1) > 0.93).mean() < 0.01


def test_the_mugs_handle_has_a_hole(offline: LoopbackService, mug: Path, tmp_path: Path) -> None:
    mesh = meshes.read(Service(*offline.access()).make(mug, tmp_path, **SMALL)["glb"]).welded()
    edges = 3 * len(mesh.triangles) // 2
    assert len(mesh.points) - edges + len(mesh.triangles) == 0  # Euler: a torus


def test_obj_comes_with_its_material_and_texture(made: dict[str, dict[str, Path]]) -> None:
    files = made["obj"]
    assert f"mtllib {files['mtl'].name}" in files["obj"].read_text()
    assert f"map_Kd {files['png'].name}" in files["mtl"].read_text()
    assert min(Image.open(files["png"]).size) > 90
    assert meshes.read(files["obj"]).uv is not None


def test_ply_has_vertex_colors(made: dict[str, dict[str, Path]]) -> None:
    mesh = meshes.read(made["ply"]["ply"])
    assert mesh.colors is not None
    legs = mesh.points[:, 1] < -0.42
    seat = np.abs(mesh.points[:, 1]) < 0.2
    red, green, _ = mesh.colors[legs].mean(axis=0)
    assert red > green  # wood
    red, green, _ = mesh.colors[seat].mean(axis=0)
    assert green > red  # velvet


def test_simplify_sets_the_fraction_of_triangles_removed(offline: LoopbackService, chair: Path, tmp_path: Path) -> None:
    service = Service(*offline.access())
    counts = {
        share: len(meshes.read(service.make(chair, tmp_path, mesh_simplify=share, **SMALL)["glb"]).triangles)
        for share in (0.9, 0.98)
    }
    assert counts[0.98] / counts[0.9] == pytest.approx(0.2, rel=0.1)


def test_resolution_sets_the_detail_of_mesh_and_texture(offline: LoopbackService, chair: Path, tmp_path: Path) -> None:
    service = Service(*offline.access())
    coarse, fine = (service.make(chair, tmp_path, resolution=r)["glb"] for r in (64, 128))
    ratio = len(meshes.read(fine).triangles) / len(meshes.read(coarse).triangles)
    assert ratio == pytest.approx(4.0, rel=0.15)
    assert texture_of(fine).shape[0] > 1.5 * texture_of(coarse).shape[0]


@pytest.mark.heavy
def test_render_adds_a_playable_video(offline: LoopbackService, chair: Path, tmp_path: Path) -> None:
    files = Service(*offline.access()).make(chair, tmp_path, render=True, **SMALL)
    assert set(files) == {"glb", "mp4"}
    video = files["mp4"].read_bytes()
    assert video[4:8] == b"ftyp"
    assert b"avc1" in video
    # The sample size table: one entry a frame.
    table = video.index(b"stsz")
    assert int.from_bytes(video[table + 12 : table + 16], "big") == 24


def texture_of(path: Path) -> np.ndarray:
    """A GLB's texture as RGB, 0 to 1, first row at the top."""
    scene, binary = meshes.glb_parts(path)
    (image,) = scene["images"]
    view = scene["bufferViews"][image["bufferView"]]
    start = view.get("byteOffset", 0)
    image_file = Image.open(io.BytesIO(binary[start : start + view["byteLength"]]))
    return np.asarray(image_file.convert("RGB"), np.float64) / 255.0


def at(texture: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """A texture's colors at texture coordinates (v up)."""
    height, width = texture.shape[:2]
    return texture[
        ((1.0 - uv[:, 1]) * height).astype(int).clip(0, height - 1), (uv[:, 0] * width).astype(int).clip(0, width - 1)
    ]


def test_a_tiny_image_becomes_a_model(offline: LoopbackService, tmp_path: Path) -> None:
    Image.new("RGB", (1, 1), (200, 40, 30)).save(tmp_path / "tiny.png")
    mesh = meshes.read(Service(*offline.access()).make(tmp_path / "tiny.png", tmp_path, **SMALL)["glb"])
    assert mesh.open_edges() == 0
    assert mesh.volume > 0


def test_a_rotated_photo_becomes_an_upright_model(offline: LoopbackService, chair: Path, tmp_path: Path) -> None:
    """The chair, lying on its side with the EXIF orientation that says so."""
    exif = Image.Exif()
    exif[274] = 6
    Image.open(chair).transpose(Image.Transpose.ROTATE_90).save(tmp_path / "rotated.png", exif=exif.tobytes())
    service = Service(*offline.access())
    models = []
    for index, image in enumerate((chair, tmp_path / "rotated.png")):
        (tmp_path / str(index)).mkdir()
        models.append(meshes.read(service.make(image, tmp_path / str(index), **SMALL)["glb"]))
    assert np.abs(models[0].size - models[1].size).max() < 1e-5


def test_the_tests_detect_an_open_mesh() -> None:
    closed = Mesh(np.eye(4, 3), np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]]))
    assert closed.open_edges() == 0
    assert Mesh(closed.points, closed.triangles[:3]).open_edges() > 0
    assert Mesh(closed.points, closed.triangles[[0, 1, 2, 3, 3]]).open_edges() > 0
