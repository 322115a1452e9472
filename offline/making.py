# SPDX-License-Identifier: GPL-3.0-or-later
"""One job: from the picture to the files. Main thread only, because of bpy."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ..api.errors import PictureError
from . import model, pictures, turntable
from .cutout import cut_out
from .inflate import inflate
from .store import Record
from .surface import skin
from .texture import paint

GRID: Final = 0.625
"""Grid steps along the subject's longest side for each unit of `resolution`."""
COARSEST: Final = 24


def make(record: Record, picture_path: Path, folder: Path) -> list[str]:
    """Make what a job asks for; the names of its files. Raises PictureError."""
    wanted = record.parameters
    resolution = int(wanted["resolution"])
    folder = folder.absolute()
    picture = pictures.read(picture_path)
    if picture[..., 3].max() < 0.5:
        raise PictureError("The picture is transparent throughout: there is nothing to make a model of.")
    subject = cut_out(picture, first_view=bool(wanted["multi_image"]))
    relief = inflate(subject, max(COARSEST, round(resolution * GRID)), int(wanted["seed"]))
    texture = paint(picture, subject, relief, max(resolution, COARSEST))
    model.empty_scene()
    body = model.build(skin(relief.square), relief, texture, str(record.id), folder, float(wanted["mesh_simplify"]))
    files: list[Path] = []
    if wanted["render"]:
        files.append(turntable.film(body, folder / f"{record.id}.mp4"))
    files += model.export(body, folder, str(wanted["output_format"]))
    model.empty_scene()
    return sorted(path.name for path in files)
