# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes one job's files from its image. Main thread only, because of bpy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...errors import ImageError
from ...imaging.cutout import cut_out
from . import image_io, mesh_export, turntable
from .inflate import inflate
from .surface import extract
from .texture import bake

if TYPE_CHECKING:
    from ..service.storage import StoredJob

GRID: Final = 0.625
"""Grid steps along the subject's longest side per unit of `resolution`."""
MIN_GRID: Final = 24


def make(record: StoredJob, image_path: Path, folder: Path) -> list[str]:
    """Make the files that a job requests. Returns their names. Raises ImageError."""
    wanted = record.parameters
    resolution = int(wanted["resolution"])
    folder = folder.absolute()
    image = image_io.read(image_path)
    if image[..., 3].max() < 0.5:
        raise ImageError("The image is fully transparent, so there is nothing to make a model from.")
    subject = cut_out(image, first_view=bool(wanted["multi_image"]))
    relief = inflate(subject, max(MIN_GRID, round(resolution * GRID)), int(wanted["seed"]))
    texture = bake(image, subject, relief, max(resolution, MIN_GRID))
    mesh_export.empty_scene()
    body = mesh_export.build(
        extract(relief.square), relief, texture, str(record.id), folder, float(wanted["mesh_simplify"])
    )
    files: list[Path] = []
    if wanted["render"]:
        files.append(turntable.film(body, folder / f"{record.id}.mp4"))
    files += mesh_export.export(body, folder, str(wanted["output_format"]))
    mesh_export.empty_scene()
    return sorted(path.name for path in files)
