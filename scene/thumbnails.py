# SPDX-License-Identifier: GPL-3.0-or-later
"""Thumbnails of image files, for the interface.

Registering one is cheap: Blender reads and scales the file when it is first drawn. One whose header asks for very many
pixels, or can't be measured, has no thumbnail.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import bpy
import bpy.utils.previews

from . import image_sources

_MAX_THUMBNAILS: Final = 200
"""Beyond this number all are dropped, and the visible ones are created again."""

_collection: bpy.utils.previews.ImagePreviewCollection | None = None

_chosen: Final[set[str]] = set()
"""Paths that were chosen since Blender started. Any other came with a .blend, which may be a stranger's."""
_refused: Final[set[str]] = set()
"""Paths that came with a .blend, and are not shown."""


def icon(image: str, *, ours: bool = False) -> int:
    """Returns the icon id of an image file; 0 for a URL or if nothing is chosen, or if it must not be read.

    `ours`: the path is not from a .blend, but that of a job's file.
    """
    if _collection is None or not image.strip() or image_sources.is_url(image):
        return 0
    path = image_sources.absolute(image)
    if path not in _collection:
        if not ours and not _may_be_read(path):
            return 0
        if len(_collection) >= _MAX_THUMBNAILS:
            _collection.clear()
        if _can_be_shown(path):
            _collection.load(path, path, "IMAGE")
        else:
            _collection.new(path)  # empty: its header is not read again
    return _collection[path].icon_id


def _may_be_read(path: str) -> bool:
    """Whether a file may be read to show it: it was chosen, or it is a regular file on this computer."""
    if path in _chosen:
        return True
    if path not in _refused and not (image_sources.is_local(path) and os.path.isfile(path)):
        _refused.add(path)
    return path not in _refused


def chosen(image: str) -> None:
    """The image was chosen, perhaps again: its file may have changed."""
    path = image_sources.absolute(image)
    _chosen.add(path)
    _refused.discard(path)
    if _collection is not None and path in _collection:
        del _collection[path]


def chosen_image(image: bpy.types.Image) -> None:
    """An image in Blender was chosen."""
    _chosen.add(_key(image))


def image_icon(image: bpy.types.Image) -> int:
    """Returns the icon id of an image in Blender; 0 if it came with a .blend, and must not be read."""
    key = _key(image)
    if key not in _chosen and not image.has_data:
        path = image_sources.absolute(image.filepath)
        if key in _refused or image.packed_file or not _may_be_read(path) or not _can_be_shown(path):
            _refused.add(key)
            return image.preview.icon_id if image.preview is not None else 0  # as it was saved
        _chosen.add(key)
    preview = image.preview_ensure()
    return preview.icon_id if preview is not None else 0


def _can_be_shown(path: str) -> bool:
    from ..formats.texture_info import can_be_shown

    return can_be_shown(Path(path))


def _key(image: bpy.types.Image) -> str:
    return f"image:{image.session_uid}"


def register() -> None:
    global _collection
    _collection = bpy.utils.previews.new()


def unregister() -> None:
    global _collection
    if _collection is not None:
        bpy.utils.previews.remove(_collection)
        _collection = None
