# SPDX-License-Identifier: GPL-3.0-or-later
"""Has chosen images checked by the worker, before anything is paid for: `image_check.result` has what is known."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import bpy

from .. import engine, image_check, preferences
from ..bl_ids import SCENE_SETTINGS
from ..errors import StorageError
from ..log import logger
from ..scene import image_sources


def check_chosen_image(context: bpy.types.Context) -> None:
    """Have the scene's image checked, with a preview of what will be sent, if it is a file."""
    settings = getattr(context.scene, SCENE_SETTINGS)
    if bpy.app.background or not settings.image.strip() or image_sources.is_url(settings.image):
        return
    options = settings.placement
    path = image_sources.absolute(settings.image.strip())
    image_check.forget(path)
    _start([path], preferences.data_folder() / "checks", cut_out=options.cut_out, crop=options.crop)


def check_images(images: Iterable[str]) -> None:
    """Have image files checked, without previews."""
    _start(images, None)


def _start(images: Iterable[str], previews: Path | None, *, cut_out: bool = False, crop: bool = False) -> None:
    try:
        worker = engine.queue().worker
    except StorageError as error:
        logger(__name__).warning("%s", error)
        return
    image_check.start(worker, images, previews=previews, cut_out=cut_out, crop=crop)
