# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the image files of a batch: in a folder, or by a pattern."""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path

import bpy

from ..errors import ImageError
from . import image_sources


def find(text: str, *, recursive: bool = False, pattern: str = "") -> list[Path | str]:
    """Returns the image files for a folder, a glob pattern ("shots/**/*.png"), a file, or a public URL.

    The files are in the order in which a file browser shows them ("2.png" before "10.png"). `recursive`: also those in
    the sub-folders of a folder. `pattern`: of the files in a folder, only those whose names match ("*_front.png").
    Raises ImageError if there are none.
    """
    if image_sources.is_url(text):
        return [text]
    path = Path(image_sources.absolute(text)).expanduser().absolute()
    if path.is_dir():
        name = pattern.strip() or "*"
        found = list(path.rglob(name) if recursive else path.glob(name))
    elif glob.has_magic(str(path)):
        found = [Path(each) for each in glob.glob(str(path), recursive=True)]
    else:
        return [image_sources.from_text(text)]
    images = sorted((each for each in found if is_image(each)), key=_natural_order)
    if not images:
        raise ImageError("There are no images in {path}.", advice="Choose another folder.", path=str(path))
    return list(images)


def is_image(path: Path) -> bool:
    """Whether a file's name says that it is an image, in a format that Blender reads. Hidden files are none."""
    suffixes: frozenset[str] = getattr(bpy.path, "extensions_image")  # noqa: B009  unknown to the stubs
    return path.suffix.lower() in suffixes and not path.name.startswith(".") and path.is_file()


def common_name(text: str | os.PathLike[str]) -> str:
    """Returns the name for a batch of the images in a folder, or that match a pattern: that of the folder."""
    path = Path(image_sources.absolute(os.fspath(text))).expanduser().absolute()
    parts = [part for part in path.parts if not glob.has_magic(part)]
    folder = path if path.is_dir() else Path(*parts) if len(parts) < len(path.parts) else path.parent
    return folder.name


def _natural_order(path: Path) -> list[tuple[int, int, str]]:
    """Sort key in which numbers count as numbers: "2.png" before "10.png"."""
    pieces = re.split(r"(\d+)", str(path).lower())
    return [(0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces]
