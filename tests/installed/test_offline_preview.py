# SPDX-License-Identifier: GPL-3.0-or-later
"""The offline preview, chosen in the preferences: a model without account and network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize("output_format", ["glb", "obj", "stl", "ply"])
def test_it_makes_a_model_in_each_format(
    image_to_3d: Any, preferences: Any, image_file: Path, output_format: str
) -> None:
    preferences.service = "OFFLINE"
    job = image_to_3d.generate(image_file, wait=True, timeout=120, output_format=output_format, resolution=64)
    assert job.error is None
    assert job.state == "placed"
    assert job.model_path.suffix == f".{output_format}"
    meshes = [o.data for o in job.objects if o.type == "MESH"]
    assert sum(len(mesh.polygons) for mesh in meshes) > 100


@pytest.mark.heavy
def test_a_turntable_video_is_kept_beside_the_model(image_to_3d: Any, preferences: Any, image_file: Path) -> None:
    preferences.service = "OFFLINE"
    job = image_to_3d.generate(image_file, wait=True, timeout=150, render=True, resolution=64)
    assert job.error is None
    assert job.video_path.is_file()
    assert job.video_path.parent == job.model_path.parent
