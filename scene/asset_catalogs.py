# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds asset catalogs by their paths. Read only: the catalog files belong to the artist."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import bpy

from ..errors import ParameterError, one_line

FILE: Final = "blender_assets.cats.txt"
"""Lines of `UUID:path/of/catalog:Simple Name` (the format of Blender's asset catalog definition files)."""


def find(text: str) -> str:
    """Returns the UUID of a catalog given by its path or UUID; "" for none. Raises ParameterError if it is unknown."""
    text = text.strip().strip("/")
    if not text:
        return ""
    import uuid

    try:
        return str(uuid.UUID(text))
    except ValueError:
        pass
    for folder in _folders():
        for catalog_id, path in _catalogs(folder / FILE):
            if path == text:
                return catalog_id
    raise ParameterError(
        'There is no asset catalog "{catalog}".',
        advice="Create it in the Asset Browser first, and save this file in its library's folder.",
        catalog=one_line(text, 80),
    )


def paths() -> list[str]:
    """Returns the paths of all catalogs that a model can be put into, sorted."""
    return sorted({path for folder in _folders() for _, path in _catalogs(folder / FILE)})


def path_of(catalog_id: str) -> str:
    """Returns the path of a catalog given by its UUID; the UUID itself if no catalog is known by it."""
    known = (each for folder in _folders() for each in _catalogs(folder / FILE))
    return next((path for found, path in known if found == catalog_id), catalog_id)


def _folders() -> Iterator[Path]:
    """Yields the folders whose catalogs apply to the open file: its own and its parents, then the asset libraries."""
    if bpy.data.filepath:
        yield from Path(bpy.data.filepath).parents
    for library in bpy.context.preferences.filepaths.asset_libraries:
        yield Path(library.path)


def _catalogs(file: Path) -> Iterator[tuple[str, str]]:
    try:
        lines = file.read_text("utf-8", "replace").splitlines()
    except OSError:
        return
    for line in lines:
        parts = line.split(":")
        if len(parts) >= 2 and not line.startswith(("#", "VERSION")):
            yield parts[0].strip(), parts[1].strip()
