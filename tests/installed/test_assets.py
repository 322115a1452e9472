# SPDX-License-Identifier: GPL-3.0-or-later
"""A model marked as an asset comes with catalog, tags, author and a preview image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scripted_service import ScriptedService

CATALOG = "5c2e3f9a-7a1b-4c55-9e0b-1f2d3c4b5a69"


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A folder with an asset catalog."""
    (tmp_path / "blender_assets.cats.txt").write_text(f"# catalogs\nVERSION 1\n\n{CATALOG}:Props/Chairs:Props-Chairs\n")
    return tmp_path


def settings() -> Any:
    import bpy

    return bpy.context.scene.image_to_3d


def test_it_has_catalog_tags_author_and_preview(
    image_to_3d: Any, service: ScriptedService, image_file: Path, library: Path
) -> None:
    import bpy

    service.polls_until_done = 0
    bpy.ops.wm.save_as_mainfile(filepath=str(library / "scene.blend"))
    placement = settings().placement
    placement.mark_as_asset = True
    placement.asset_catalog, placement.asset_tags, placement.asset_author = "Props/Chairs", "chair, green", "Ada"
    assert bpy.ops.image_to_3d.generate(image=str(image_file)) == {"FINISHED"}
    asset = next(item for item in bpy.data.objects if item.asset_data is not None)
    assert asset.asset_data.catalog_id == CATALOG
    assert sorted(tag.name for tag in asset.asset_data.tags) == ["chair", "green"]
    assert asset.asset_data.author == "Ada"
    assert tuple(asset.preview.image_size) == (256, 256)


def test_a_catalog_that_is_not_there_is_said_before_anything_is_sent(
    image_to_3d: Any, service: ScriptedService, image_file: Path
) -> None:
    import bpy

    settings().placement.asset_catalog = "Props/Tables"
    with pytest.raises(RuntimeError, match="Props/Tables"):
        bpy.ops.image_to_3d.generate(image=str(image_file))
    assert not service.requests
