# SPDX-License-Identifier: GPL-3.0-or-later
"""Places what a job's mesh tool made of its model, where the model was placed. The original stays there, hidden."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..errors import ImageTo3DError
from ..jobs.job import Job
from ..log import logger
from . import append_blend, tool_results

if TYPE_CHECKING:
    from ..jobs.after_import import Outcome


def blend_of(job: Job) -> Path | None:
    """Returns the .blend that the job's mesh tool made; None if there is none."""
    outcome = _outcome(job)
    path = outcome.result.blend if outcome is not None else None
    return path if path is not None and path.is_file() else None


def prefetch(job: Job) -> bool:
    """Read one large part of it ahead (see append_blend). Returns whether there was one."""
    outcome, path = _outcome(job), blend_of(job)
    try:
        return outcome is not None and path is not None and append_blend.prefetch(path, outcome.result.parts)
    except ImageTo3DError:
        return False  # `place` says what is wrong


def place(job: Job, model: Sequence[bpy.types.Object]) -> list[bpy.types.Object]:
    """Put it in the place of the model that was just placed. Returns its objects, the first one in the root's place.

    Returns none if there is nothing, or if that fails: the model itself is in the scene already.
    """
    outcome = _outcome(job)
    if outcome is None or blend_of(job) is None:
        return []
    root = model[0]
    materials = _unique(material for item in model for material in getattr(item.data, "materials", ()))
    images = {image.session_uid for image in bpy.data.images}
    try:
        objects = tool_results.place(
            root,
            outcome.tool,
            outcome.settings,
            outcome.result,
            materials=[material.session_uid for material in materials],
            undo_step=False,
        )
    except ImageTo3DError as error:
        logger(__name__).warning("%s: the result of %s could not be placed: %s", job.name, outcome.tool, error)
        return []
    # A tool that keeps the materials brought copies of their images, too.
    unused = [image for image in bpy.data.images if image.session_uid not in images and not image.users]
    bpy.data.batch_remove(unused)
    if objects and root.asset_data is not None:
        _move_asset_mark(root, objects[0])
    return objects


def _outcome(job: Job) -> Outcome | None:
    if job.placement.tool is None:
        return None
    from ..jobs.after_import import outcome_of  # enabling the extension must not import it

    return outcome_of(job)


def _unique(materials: Iterable[bpy.types.Material | None]) -> list[bpy.types.Material]:
    """Returns the model's materials as the background Blender counts them: each once, in the objects' order."""
    return list({item.session_uid: item for item in materials if item is not None}.values())


def _move_asset_mark(source: bpy.types.Object, target: bpy.types.Object) -> None:
    """Make another object the asset: with the same preview, author, tags and catalog."""
    target.asset_mark()
    old, new = source.asset_data, target.asset_data
    assert old is not None
    assert new is not None
    new.author, new.catalog_id = old.author, old.catalog_id
    for tag in old.tags:
        new.tags.new(tag.name, skip_if_exists=True)
    if source.preview is not None:
        shown: Any = source.preview
        preview: Any = target.preview_ensure()
        preview.image_size = shown.image_size
        preview.image_pixels = shown.image_pixels[:]
        source.preview.image_size = source.preview.icon_size = (0, 0)
    source.asset_clear()
