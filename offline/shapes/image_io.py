# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and writes image files with Blender's own readers and writers. Main thread only."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import bpy
import numpy as np

from ...errors import ImageError, one_line
from ...imaging.raster import Floats, linear_to_srgb

MAX_SIDE: Final = 2048
"""Pixels; a longer side is scaled down, as the texture can't show more."""
MIN_SIDE: Final = 16
"""Pixels; an image with a shorter side is enlarged."""
MAX_PIXELS: Final = 150_000_000


def read(path: Path) -> Floats:
    """Returns the RGBA image in a file, h × w × 4, sRGB, 0 to 1. Raises ImageError."""
    try:
        image = bpy.data.images.load(str(path), check_existing=False)
    except RuntimeError as error:
        raise ImageError("The image can't be read: {reason}.", reason=one_line(error)) from error
    try:
        image.alpha_mode = "CHANNEL_PACKED"  # colors as they are in the file, also where alpha is low
        width, height = image.size
        if not width or not height or image.channels not in (1, 3, 4):
            raise ImageError("The image can't be read: it is empty, damaged, or of an unknown format.")
        if width * height > MAX_PIXELS:
            raise ImageError("The image is too large: {width} × {height} pixels.", width=width, height=height)
        scale = MAX_SIDE / max(width, height)
        if scale < 1.0:  # by Blender: these may be a hundred million pixels
            image.scale(max(1, round(width * scale)), max(1, round(height * scale)))
            width, height = image.size
        values = np.empty(width * height * image.channels, np.float32)
        image.pixels.foreach_get(values)
        floats = image.is_float
    finally:
        bpy.data.images.remove(image)
    source_image = values.reshape(height, width, -1)
    if source_image.shape[2] == 1:
        source_image = np.repeat(source_image, 3, axis=2)
    if source_image.shape[2] == 3:
        source_image = np.concatenate([source_image, np.ones((height, width, 1), np.float32)], axis=2)
    source_image = np.clip(np.nan_to_num(source_image), 0.0, 1.0)
    if floats:  # Blender has made 16-bit and HDR images linear
        source_image[..., :3] = linear_to_srgb(source_image[..., :3])
    times = -(-MIN_SIDE // min(width, height))
    if times > 1:
        source_image = source_image.repeat(times, axis=0).repeat(times, axis=1)[:MAX_SIDE, :MAX_SIDE]
    return source_image


def write(colors: Floats, name: str, path: Path) -> bpy.types.Image:
    """Write RGB colors as a PNG file (an absolute path). Returns a Blender image that refers to the file."""
    height, width = colors.shape[:2]
    # A generated image has no file, even after saving it: the exporters need one that was loaded.
    image = bpy.data.images.new(name, width, height, alpha=False)
    pixels = np.ones((height, width, 4), np.float32)
    pixels[..., :3] = colors
    try:
        image.pixels.foreach_set(pixels.ravel())
        image.filepath_raw = str(path)
        image.file_format = "PNG"
        image.save()
    finally:
        bpy.data.images.remove(image)
    image = bpy.data.images.load(str(path), check_existing=False)
    image.name = name
    return image
