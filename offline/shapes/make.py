# SPDX-License-Identifier: GPL-3.0-or-later
"""One job: from the image to the files. Main thread only, because of bpy."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ...errors import ImageError
from ...imaging.cutout import cut_out
from ..service.storage import Record
from . import image_io, mesh_export, turntable
from .inflate import inflate
from .surface import extract
from .texture import bake

GRID: Final = 0.625
"""Grid steps along the subject's longest side for each unit of `resolution`."""
COARSEST: Final = 24


def make(record: Record, image_path: Path, folder: Path) -> list[str]:
    """Make what a job asks for; the names of its files. Raises ImageError."""
    wanted = record.parameters
    resolution = int(wanted["resolution"])
    folder = folder.absolute()
    image = image_io.read(image_path)
    if image[..., 3].max() < 0.5:
        raise ImageError("The image is transparent throughout: there is nothing to make a model of.")
    subject = cut_out(image, first_view=bool(wanted["multi_image"]))
    relief = inflate(subject, max(COARSEST, round(resolution * GRID)), int(wanted["seed"]))
    texture = bake(image, subject, relief, max(resolution, COARSEST))
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
