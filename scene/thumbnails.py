# SPDX-License-Identifier: GPL-3.0-or-later
"""Small images for the panel.

Making one known costs nothing: Blender reads and scales the file in a thread of its own when the
image is first drawn.
"""

from __future__ import annotations

from typing import Final

import bpy
import bpy.utils.previews

from . import image_sources

_MOST: Final = 200
"""Thumbnails kept; beyond that all are let go of, and those in view are made anew."""

_collection: bpy.utils.previews.ImagePreviewCollection | None = None


def icon(image: str) -> int:
    """The icon of an image's file; 0 where there can be none (a web address, nothing chosen)."""
    if _collection is None or not image.strip() or image_sources.is_address(image):
        return 0
    path = bpy.path.abspath(image)
    if path not in _collection:
        if len(_collection) >= _MOST:
            _collection.clear()
        _collection.load(path, path, "IMAGE")
    return _collection[path].icon_id


def refresh(image: str) -> None:
    """The image was chosen anew: its file may be another than the one seen before."""
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
