# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the finished model to a .blend that contains nothing else, atomically; says what is large in one."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import bpy

from ..atomic_file import delete, replace
from ..errors import WorkerError, one_line
from ..placement import Placement
from . import naming
from .mesh_data import meshes
from .transform import PreparedModel

_log = logging.getLogger(__name__)

LARGE_PART: Final = 2_000_000
"""Bytes; reading a million takes the artist's Blender about 0.7 ms."""


def write(model: PreparedModel, target: Path, placement: Placement, preview: str = "") -> None:
    """Write the model's objects and what they use. Raises WorkerError if the folder can't be written.

    The model in the file is always an asset: the results folder can be an asset library. In the artist's scene it is
    one only with the setting for it (see scene.place_model). `preview`: the file beside it that shows the model; "" if
    there is none.
    """
    asset = mark_as_asset(model, placement)
    if preview:
        set_preview(asset, target.with_name(preview))
    wanted: set[bpy.types.ID] = {*model.objects, asset}
    temporary = target.with_name("~" + target.name)
    try:
        bpy.data.libraries.write(str(temporary), wanted, fake_user=False, compress=False)
        replace(temporary, target)
    except OSError as error:
        with contextlib.suppress(OSError):
            delete(temporary)
        raise WorkerError("The prepared model can't be written: {reason}.", cause=error) from error
    except RuntimeError as error:
        raise WorkerError("The prepared model can't be written: {reason}.", reason=one_line(error)) from error


def large_parts(objects: Iterable[bpy.types.Object]) -> list[list[str]]:
    """Returns the large images and meshes of the objects as [kind in `bpy.data`, name], images first."""
    found = meshes(objects)
    packed = [image for image in naming.materials_and_images(found)[1] if image.packed_file is not None]
    images = [["images", image.name] for image in packed if image.packed_file.size > LARGE_PART]
    # A corner takes about 20 bytes, a vertex with its share of edges 50.
    large = [mesh for mesh in found if 20 * len(mesh.loops) + 50 * len(mesh.vertices) > LARGE_PART]
    return images + [["meshes", mesh.name] for mesh in large]


def mark_as_asset(model: PreparedModel, placement: Placement) -> bpy.types.ID:
    """Mark the model as an asset with catalog, tags and author. Returns what was marked.

    A single object is marked itself. Of several, an asset of the root would contain the root alone, so a collection
    with all of them is marked.
    """
    asset: bpy.types.ID = model.root
    if len(model.objects) > 1:
        collection = bpy.data.collections.new(model.root.name)
        for item in model.objects:
            collection.objects.link(item)
        asset = collection
    asset.asset_mark()
    data = asset.asset_data
    data.author = placement.asset_author
    for tag in placement.asset_tags:
        data.tags.new(tag, skip_if_exists=True)
    if placement.asset_catalog:
        try:
            data.catalog_id = placement.asset_catalog
        except (TypeError, ValueError) as error:
            _log.warning("the asset catalog was ignored: %s", one_line(error))
    return asset


def set_preview(asset: bpy.types.ID, image: Path) -> None:
    """Make an image file the asset's preview."""
    try:
        with bpy.context.temp_override(id=asset):
            bpy.ops.ed.lib_id_load_custom_preview(filepath=str(image))
    except RuntimeError as error:
        # An asset without a preview is still an asset.
        _log.warning("the asset has no preview: %s", one_line(error))
