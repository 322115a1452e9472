# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the finished model to a .blend that contains nothing else, atomically."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

import bpy

from ..atomic_file import delete, replace
from ..errors import WorkerError, one_line
from ..placement import Placement
from .transform import PreparedModel

_log = logging.getLogger(__name__)


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
