# SPDX-License-Identifier: GPL-3.0-or-later
"""Every file of tests/data/cases/make_cases.py with its outcome: the same lamp, 1 unit tall, in all its disguises."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from image_to_3d.errors import ImportFailedError
from image_to_3d.worker.worker_process import WorkerProcess
from package_stub import ROOT
from repairs import repairs_of

TRIANGLES = 1472
SIZE = (0.54, 0.54, 1.0)
OTHERS: dict[str, tuple[int, tuple[float, float, float], str]] = {
    "basisu_required.glb": (TRIANGLES, SIZE, "a texture is missing"),
    "crlf_tabs.stl": (216, (0.53, 0.53, 1.0), ""),
    "millimeters.stl": (TRIANGLES, (97.08, 97.08, 180.0), ""),
    "names.glb": (784, (6.51, 0.51, 1.0), ""),
    "negative.obj": (216, (0.53, 0.53, 1.0), ""),
    "points_and_mesh.glb": (TRIANGLES, SIZE, "200 loose points"),
    "quantized.glb": (TRIANGLES, (0.81, 0.81, 1.5), ""),
    "some_faces_turned.glb": (TRIANGLES, SIZE, "inside out"),
    "soup.glb": (1470, SIZE, "without valid coordinates"),
    "splats.ply": (0, SIZE, "Gaussian splats"),
    "two_scenes.glb": (TRIANGLES, SIZE, "hidden"),
    "two_solids.stl": (432, (1.33, 0.53, 1.0), ""),
    "z_up.obj": (TRIANGLES, (0.54, 1.0, 0.54), ""),
}
"""By file: triangles, size, and a part of what the artist is told. All others: the whole lamp, and nothing to tell."""
LIKE_OTHERS = [
    "animated_node.glb",
    "blend_opaque_alpha_low.glb",
    "colored.stl",
    "colors_ascii.ply",
    "colors_little.ply",
    "crlf.ply",
    "dielectric.glb",
    "no_scene.glb",
    "opaque_alpha_zero.glb",
    "strip.glb",
    "texture_comment.ply",
    "texture_transform.glb",
    "textured.obj",
    "trellis_metal.glb",
    "unlit.glb",
    "vertex_colors_material.glb",
    "webp_only.glb",
]


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cases")
    script = ROOT / "tests" / "data" / "cases" / "make_cases.py"
    subprocess.run([sys.executable, str(script), str(folder)], check=True, timeout=120)
    return folder


def converted(worker: WorkerProcess, source: Path, target: Path, **options: Any) -> dict[str, Any]:
    companions = [{"file": name, "name": name} for name in ("textured.mtl", "textured.png")]
    request = {"do": "model", "source": str(source), "format": source.suffix[1:], "name": "lamp", "target": str(target)}
    return worker.run(request | {"companions": companions if source.name == "textured.obj" else []} | options)


@pytest.mark.parametrize("name", [*LIKE_OTHERS, *OTHERS])
def test_a_model_of_every_kind_arrives_whole(worker: WorkerProcess, cases: Path, tmp_path: Path, name: str) -> None:
    triangles, size, told = OTHERS.get(name, (TRIANGLES, SIZE, ""))
    details = converted(worker, cases / name, tmp_path / "a.blend")
    assert details["triangles"] == triangles
    assert tuple(details["dimensions"]) == pytest.approx(size, abs=0.01)
    assert told in "; ".join(repairs_of(details))
    assert told or not repairs_of(details)


def test_a_z_up_model_stands_upright_with_the_option_for_it(worker: WorkerProcess, cases: Path, tmp_path: Path) -> None:
    details = converted(worker, cases / "z_up.obj", tmp_path / "a.blend", placement={"up_axis": "Z"})
    assert tuple(details["dimensions"]) == pytest.approx(SIZE, abs=0.01)


def test_a_compressed_model_is_refused_in_words_for_an_artist(
    worker: WorkerProcess, cases: Path, tmp_path: Path
) -> None:
    with pytest.raises(ImportFailedError) as raised:
        converted(worker, cases / "meshopt_required.glb", tmp_path / "a.blend")
    text = str(raised.value)
    assert "Open the folder" in text
    assert not any(word in text for word in ("addon version", "Location", ".py", str(cases)))


@pytest.mark.parametrize("name", ["one_bit_palette.png", "gray_alpha.png", "gray16_alpha.png"])
def test_unusual_images_are_read(worker: WorkerProcess, cases: Path, tmp_path: Path, name: str) -> None:
    request = {"do": "image", "source": str(cases / name), "folder": str(tmp_path), "limit": 10_000_000}
    assert (tmp_path / worker.run(request)["file"]).is_file()


def test_no_case_is_left_out(cases: Path) -> None:
    models = {item.name for item in cases.iterdir() if item.suffix in {".glb", ".obj", ".ply", ".stl"}}
    assert models == {*LIKE_OTHERS, *OTHERS, "meshopt_required.glb"}
