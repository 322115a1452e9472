# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs a model's textures into the .blend. A texture that can't be decoded safely is removed, a huge one scaled down.

Importers only open images; Blender decodes one when its pixels are first needed. So its header is looked at here.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import bpy

from ..errors import Message, counted, one_line
from ..formats.texture_info import scaled_size, texture_info

_log = logging.getLogger(__name__)

_ONE_LEFT_OUT: Final = "a texture was left out: missing, unreadable, or too large for the memory"
_LEFT_OUT: Final = "{count} textures were left out: missing, unreadable, or too large for the memory"


def pack(new_images: Sequence[bpy.types.Image], folder: Path, repairs: list[Message]) -> None:
    """Pack the images of a model; remove those that are missing, unreadable, or elsewhere on this disk.

    `folder`: where the model and its textures are. Appends to `repairs`.
    """
    root = Path(os.path.realpath(folder))
    removed: list[bpy.types.Image] = []
    scaled = 0
    for image in new_images:
        path = Path(os.path.realpath(bpy.path.abspath(image.filepath))) if image.filepath else None
        try:
            if image.packed_file is None:
                if path is not None and not path.is_relative_to(root):
                    raise ValueError("it is not part of the model")
                image.pack()
            image.filepath_raw = ""  # it is in the .blend from now on; its old path means nothing there
            scaled += _fit(image)
        except (RuntimeError, ValueError) as error:
            _log.warning("%s was removed: %s", one_line(image.name, 80), one_line(error))
            removed.append(image)
    _remove(removed)
    if removed:
        repairs.append(counted(len(removed), _ONE_LEFT_OUT, _LEFT_OUT))
    if scaled:
        repairs.append(counted(scaled, "a texture was scaled down", "{count} textures were scaled down"))


def size(image: bpy.types.Image) -> tuple[int, int]:
    """Returns the width and height of a packed texture in pixels, from its header; 0 if it is not packed."""
    info = texture_info(image.packed_file.data) if image.packed_file is not None else None
    return (info.width, info.height) if info is not None else (0, 0)


def _fit(image: bpy.types.Image) -> bool:
    """Scale a packed image down if it is too large. Returns whether it was.

    Raises ValueError if it can't be decoded, RuntimeError if Blender fails to.
    """
    info = texture_info(image.packed_file.data) if image.packed_file is not None else None
    if info is None:
        raise ValueError("it can't be decoded")
    size = scaled_size(info)
    if size is None:
        return False
    image.scale(*size)
    image.pack()
    image.buffers_free()
    return True


def _remove(images: Sequence[bpy.types.Image]) -> None:
    """Remove images and the nodes that use them, so that the materials' plain colors are used instead."""
    wrong = set(images)
    for material in bpy.data.materials if wrong else ():
        nodes = material.node_tree.nodes if material.node_tree is not None else ()
        for node in [node for node in nodes if getattr(node, "image", None) in wrong]:
            nodes.remove(node)
    bpy.data.batch_remove(wrong)
