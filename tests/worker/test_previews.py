# SPDX-License-Identifier: GPL-3.0-or-later
"""A model comes with a rendered preview if that is asked for, and never fails because of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import model_cases
import model_files
import numpy as np
import numpy.typing as npt
import pytest
from image_to_3d.benchmarks.shapes import ball, png, write_glb
from image_to_3d.worker.worker_process import WorkerProcess
from PIL import Image

RED = png(np.full((8, 8, 3), (200, 40, 40), np.uint8))


def converted(worker: WorkerProcess, source: Path, **more: Any) -> dict[str, Any]:
    request = {"do": "model", "source": str(source), "format": source.suffix[1:], "name": "chair", "placement": {}}
    return dict(worker.run({**request, "target": str(source.with_name("model.blend")), **more}))


def rendered(worker: WorkerProcess, source: Path) -> str:
    """Convert a model, then render its preview. Returns the preview's name."""
    converted(worker, source)
    return str(worker.run({"do": "preview", "source": str(source.with_name("model.blend"))})["preview"])


def pixels(path: Path) -> npt.NDArray[np.float64]:
    with Image.open(path) as image:
        assert (image.mode, image.size) == ("RGBA", (256, 256))
        return np.asarray(image, np.float64) / 255


def red_ball(folder: Path) -> Path:
    return write_glb(folder / "model.glb", ball(2000), RED)


def flat_triangle(folder: Path) -> Path:
    path = folder / "model.glb"
    path.write_bytes(model_files.glb())
    return path


def points(folder: Path) -> Path:
    path = folder / "model.ply"
    path.write_bytes(model_cases.splats())
    return path


def long_row(folder: Path) -> Path:
    """Several objects under one empty, far from the origin, 40 times as long as high."""
    bpy.ops.wm.read_homefile(use_empty=True)
    for x in range(20):
        bpy.ops.mesh.primitive_cube_add(size=1, location=(1000 + 2 * x, 0, 0))
    path = folder / "model.glb"
    bpy.ops.export_scene.gltf(filepath=str(path), export_format="GLB")
    bpy.ops.wm.read_homefile(use_empty=True)
    return path


@pytest.mark.parametrize("make", [red_ball, flat_triangle, points, long_row])
def test_a_preview_shows_the_whole_model_as_large_as_possible(
    worker: WorkerProcess, tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    assert rendered(worker, make(tmp_path)) == "preview.png"
    alpha = pixels(tmp_path / "preview.png")[..., 3] > 0.1
    y, x = np.nonzero(alpha)
    edges = np.concatenate((alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]))
    assert not edges.any(), "nothing is cut off"
    assert max(np.ptp(x), np.ptp(y)) > 0.75 * 256
    assert abs(x.min() + x.max() - 255) < 30
    assert abs(y.min() + y.max() - 255) < 30


def test_a_preview_has_the_colors_of_the_model_in_good_light(worker: WorkerProcess, tmp_path: Path) -> None:
    rendered(worker, red_ball(tmp_path))
    shown = pixels(tmp_path / "preview.png")
    visible = shown[shown[..., 3] > 0.9][:, :3]
    red, green, blue = np.median(visible, axis=0)
    assert 0.5 < red < 0.95
    assert max(green, blue) < 0.6 * red
    assert (visible.max(axis=1) < 0.15).mean() < 0.05, "hardly anything is black"


def test_a_preview_leaves_nothing_in_the_model(worker: WorkerProcess, tmp_path: Path) -> None:
    rendered(worker, red_ball(tmp_path))
    with bpy.data.libraries.load(str(tmp_path / "model.blend")) as (there, _):
        kinds = {kind: list(v) for kind in dir(there) if (v := getattr(there, kind)) and isinstance(v, list)}
    assert kinds == {"objects": ["chair"], "meshes": ["chair"], "materials": ["chair"], "images": ["chair"]}


def test_only_an_asset_has_a_preview_that_nobody_asked_for(worker: WorkerProcess, tmp_path: Path) -> None:
    assert "preview" not in converted(worker, red_ball(tmp_path))
    assert not (tmp_path / "preview.png").exists()
    assert converted(worker, red_ball(tmp_path), placement={"mark_as_asset": True})["preview"] == "preview.png"
    assert (tmp_path / "preview.png").exists()


def test_a_preview_that_cannot_be_made_does_not_cost_the_model(worker: WorkerProcess, tmp_path: Path) -> None:
    (tmp_path / "preview.png").mkdir()
    details = converted(worker, red_ball(tmp_path), placement={"mark_as_asset": True})
    assert details["preview"] == ""
    assert details["triangles"] > 1000
    assert (tmp_path / "model.blend").stat().st_size > 10_000
    assert rendered(worker, red_ball(tmp_path)) == ""
