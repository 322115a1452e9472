# SPDX-License-Identifier: GPL-3.0-or-later
"""Thumbnails of image files, for the interface.

Registering one is cheap: Blender reads and scales the file when it is first drawn. One whose header asks for very many
pixels, or can't be measured, has no thumbnail.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import bpy
import bpy.utils.previews

from . import image_sources

_MAX_THUMBNAILS: Final = 200
"""Beyond this number all are dropped, and the visible ones are created again."""

_collection: bpy.utils.previews.ImagePreviewCollection | None = None


def icon(image: str) -> int:
    """Returns the icon id of an image file; 0 for a URL or if nothing is chosen."""
    if _collection is None or not image.strip() or image_sources.is_url(image):
        return 0
    path = bpy.path.abspath(image)
    if path not in _collection:
        from ..formats.texture_info import can_be_shown

        if len(_collection) >= _MAX_THUMBNAILS:
            _collection.clear()
        if can_be_shown(Path(path)):
            _collection.load(path, path, "IMAGE")
        else:
            _collection.new(path)  # empty: its header is not read again
    return _collection[path].icon_id


def refresh(image: str) -> None:
    """The image was chosen again: its file may have changed."""
    path = bpy.path.abspath(image)
    if _collection is not None and path in _collection:
        del _collection[path]


def register() -> None:
    global _collection
    _collection = bpy.utils.previews.new()


def unregister() -> None:
    global _collection
    if _collection is not None:
        bpy.utils.previews.remove(_collection)
        _collection = None
