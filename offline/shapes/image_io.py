# SPDX-License-Identifier: GPL-3.0-or-later
"""Image files to arrays and back, with Blender's own readers and writers. Main thread only."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import bpy
import numpy as np

from ...errors import ImageError, one_line
from ...imaging.raster import Floats

LONGEST: Final = 2048
"""Longest side, in pixels, that is looked at; more would show in no texture."""
SMALLEST: Final = 16
"""Shortest side, in pixels; what has less is enlarged."""
MOST_PIXELS: Final = 150_000_000


def read(path: Path) -> Floats:
    """The RGBA image in a file. Raises ImageError."""
    try:
        image = bpy.data.images.load(str(path), check_existing=False)
    except RuntimeError as error:
        raise ImageError(f"The image can't be read: {one_line(error)}.") from error
    try:
        image.alpha_mode = "CHANNEL_PACKED"  # colours as they are in the file, also where alpha is low
        width, height = image.size
        if not width or not height or image.channels not in (1, 3, 4):
            raise ImageError("The image can't be read: it is empty, damaged, or of an unknown kind.")
        if width * height > MOST_PIXELS:
            raise ImageError(f"The image is too large: {width} x {height} pixels.")
        scale = LONGEST / max(width, height)
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
        low = source_image[..., :3]
        source_image[..., :3] = np.where(
            low <= 0.0031308, low * 12.92, 1.055 * np.maximum(low, 1e-8) ** (1 / 2.4) - 0.055
        )
    times = -(-SMALLEST // min(width, height))
    if times > 1:
        source_image = source_image.repeat(times, axis=0).repeat(times, axis=1)[:LONGEST, :LONGEST]
    return source_image


def write(colours: Floats, name: str, path: Path) -> bpy.types.Image:
    """Write RGB colours as a PNG file (an absolute path); the Blender image that stands for the file."""
    height, width = colours.shape[:2]
    # A generated image has no file of its own even after it was saved: the exporters need one that was loaded.
    image = bpy.data.images.new(name, width, height, alpha=False)
    pixels = np.ones((height, width, 4), np.float32)
    pixels[..., :3] = colours
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
