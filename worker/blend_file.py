# SPDX-License-Identifier: GPL-3.0-or-later
"""The finished model into a .blend: whole or not at all, and nothing but the model in it."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import bpy

from ..errors import WorkerError, one_line
from ..placement import Placement
from . import asset_preview
from .transform import Shaped

_log = logging.getLogger(__name__)


def write(shaped: Shaped, target: Path, placement: Placement) -> None:
    """Write the model's objects and what they use. Raises WorkerError where the folder can't be written."""
    wanted: set[bpy.types.ID] = set(shaped.objects)
    if placement.mark_as_asset:
        asset = mark_as_asset(shaped, placement)
        give_preview(asset, shaped, target.parent)
        wanted.add(asset)
    temporary = target.with_name("~" + target.name)
    try:
        bpy.data.libraries.write(str(temporary), wanted, fake_user=False, compress=False)
        os.replace(temporary, target)
    except (OSError, RuntimeError) as error:
        temporary.unlink(missing_ok=True)
        raise WorkerError(f"The prepared model can't be written: {one_line(error)}.") from error


def mark_as_asset(shaped: Shaped, placement: Placement) -> bpy.types.ID:
    """Make the model an asset with catalogue, tags and author; what was marked.

    A single object is marked itself. Of several, an asset of the root would bring the root alone, so a
    collection that holds them all is marked.
    """
    asset: bpy.types.ID = shaped.root
    if len(shaped.objects) > 1:
        collection = bpy.data.collections.new(shaped.root.name)
        for item in shaped.objects:
            collection.objects.link(item)
        asset = collection
    asset.asset_mark()
    facts = asset.asset_data
    facts.author = placement.asset_author
    for tag in placement.asset_tags:
        facts.tags.new(tag, skip_if_exists=True)
    if placement.asset_catalog:
        try:
            facts.catalog_id = placement.asset_catalog
        except (TypeError, ValueError) as error:
            _log.warning("the asset catalogue was left out: %s", one_line(error))
    return asset


def give_preview(asset: bpy.types.ID, shaped: Shaped, folder: Path) -> None:
    """Render the asset's preview, and keep it as preview.png in `folder` too."""
    image = folder / "preview.png"
    try:
        asset_preview.render(shaped.objects, image)
        with bpy.context.temp_override(id=asset):
            bpy.ops.ed.lib_id_load_custom_preview(filepath=str(image))
    except RuntimeError as error:
        # An asset without a preview is still an asset; the model must not be lost for it.
        _log.warning("the asset has no preview: %s", one_line(error))
