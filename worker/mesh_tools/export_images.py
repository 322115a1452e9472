# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepares textures for exporters: PNG or JPEG with names that are safe, as files or packed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import bpy

from ...errors import MeshToolError, Message, counted
from ...formats.sniff import FIRST_BYTES, sniff
from ..mesh_data import unique
from .engine_names import unique_names

_ENDINGS: Final = {"png": ".png", "jpg": ".jpg"}
"""Formats that every engine reads."""
_FILE_ENDING: Final = re.compile(r"\.(png|jpe?g|webp|tga|tiff?|bmp|exr|hdr)(?=$|\.\d{3,}$)", re.IGNORECASE)


def textures_of(materials: Sequence[bpy.types.Material]) -> list[bpy.types.Image]:
    """Returns the images that the materials use, also those in node groups."""
    trees = [material.node_tree for material in materials if material.node_tree is not None]
    for tree in trees:  # grows while groups are found
        trees += [node.node_tree for node in tree.nodes if getattr(node, "node_tree", None) not in (None, *trees)]
    return unique(getattr(node, "image", None) for tree in trees for node in tree.nodes)


def prepare(images: Sequence[bpy.types.Image], folder: Path) -> list[Message]:
    """Pack each image as a PNG or JPEG, and give it a safe name and the path that it would have in `folder`.

    Images without pixels are removed. Returns notes for the artist. Raises MeshToolError.
    """
    tiled = next((image for image in images if image.source == "TILED"), None)
    if tiled is not None:
        raise MeshToolError(
            "The image {name} has several tiles (UDIM), which game engines don't read.",
            advice="Remesh to Quads makes one image of them.",
            name=tiled.name,
        )
    kinds = {image: kind for image in images if (kind := _pack(image, folder))}
    missing = len(images) - len(kinds)
    bpy.data.batch_remove([image for image in images if image not in kinds])
    names = unique_names(_FILE_ENDING.sub("", image.name) for image in kinds)
    for image in kinds:
        image.name = "~"
    for (image, kind), name in zip(kinds.items(), names, strict=True):
        image.name = name
        image.filepath_raw = str(folder / (name + _ENDINGS[kind]))
        for packed in image.packed_files:  # the USD exporter names the file after this one
            packed.filepath = image.filepath_raw
    if not missing:
        return []
    return [counted(missing, "1 texture is missing and was left out", "{count} textures are missing and were left out")]


def write(images: Sequence[bpy.types.Image]) -> list[Path]:
    """Write the packed images to their paths, and use these files from now on. Returns them."""
    paths = []
    for image in images:
        path = Path(image.filepath_raw)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(image.packed_file.data)
        image.unpack(method="REMOVE")  # only the copy in the .blend: it would go to a folder of the exporter's choice
        paths.append(path)
    return paths


def _pack(image: bpy.types.Image, folder: Path) -> str:
    """Pack an image as PNG or JPEG. Returns "png", "jpg", or "" if it has no pixels."""
    try:
        if image.packed_file is None:
            if image.source == "GENERATED":
                _touch(image)  # only an image with pixels of its own can be packed
            image.pack()
        kind = sniff(image.packed_file.data[:FIRST_BYTES]) if image.packed_file is not None else ""
        if kind in _ENDINGS or image.packed_file is None:
            return kind if kind in _ENDINGS else ""
        return _convert(image, folder)
    except (RuntimeError, IndexError):
        return ""


def _touch(image: bpy.types.Image) -> None:
    """Make Blender take the image for one with changed pixels."""
    pixels: Any = image.pixels
    pixels[0] = pixels[0]


def _convert(image: bpy.types.Image, folder: Path) -> str:
    """Pack the image again as a PNG, since engines don't read its format. Returns "png"."""
    path = folder.parent / "~texture.png"
    _touch(image)  # the format of pixels that are not loaded can't be set: `save` would write the file as it is
    image.file_format = "PNG"
    image.save(filepath=str(path))
    image.unpack(method="REMOVE")
    image.filepath_raw = str(path)
    image.reload()
    image.pack()
    path.unlink()
    return "png"
