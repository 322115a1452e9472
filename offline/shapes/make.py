# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes one job's files from its image. Main thread only, because of bpy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...errors import ImageError
from ...imaging.cutout import cut_out
from ...worker.images import MAX_SIDE, read_image
from . import mesh_export, turntable
from .inflate import inflate
from .surface import extract
from .texture import bake

if TYPE_CHECKING:
    from ...loopback.storage import StoredJob

MIN_SIDE: Final = 16
"""Pixels; an image with a shorter side is enlarged."""
GRID: Final = 0.625
"""Grid steps along the subject's longest side per unit of `resolution`."""
MIN_GRID: Final = 24


def make(job: StoredJob, image_path: Path, folder: Path) -> list[str]:
    """Make the files that a job requests. Returns their names. Raises ImageError."""
    parameters = job.parameters
    resolution = int(parameters["resolution"])
    image = read_image(image_path)
    enlarge = -(-MIN_SIDE // min(image.shape[:2]))
    image = image.repeat(enlarge, axis=0).repeat(enlarge, axis=1)[:MAX_SIDE, :MAX_SIDE]
    if image[..., 3].max() < 0.5:
        raise ImageError("The image is fully transparent, so there is nothing to make a model from.")
    subject = cut_out(image, first_view=bool(parameters["multi_image"]))
    field = inflate(subject, max(MIN_GRID, round(resolution * GRID)), int(parameters["seed"]))
    texture = bake(image, subject, field, max(resolution, MIN_GRID))
    surface = extract(field.height_squared)
    mesh_export.clear_scene()
    model = mesh_export.build(surface, field.steps, texture, str(job.id), folder, float(parameters["mesh_simplify"]))
    files = [turntable.render(model, folder / f"{job.id}.mp4")] if parameters["render"] else []
    files += mesh_export.export(model, folder, str(parameters["output_format"]))
    mesh_export.clear_scene()
    return sorted(path.name for path in files)
