# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and changes the pixels of baked images."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from ..mesh_data import Array


def read_pixels(image: bpy.types.Image) -> Array:
    """Returns an image's pixels, rows from the bottom, RGBA."""
    pixels = np.empty(image.size[0] * image.size[1] * 4, np.float32)
    image.pixels.foreach_get(pixels)
    return pixels.reshape(image.size[1], image.size[0], 4)


def write_pixels(image: bpy.types.Image, pixels: Array) -> None:
    """Set an image's pixels."""
    image.pixels.foreach_set(np.ascontiguousarray(pixels, np.float32).reshape(-1))
    image.update()


def as_srgb(linear: Array) -> Array:
    """Returns linear colors as an sRGB image stores them."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055)


def fill_empty(image: bpy.types.Image, plain: Sequence[float]) -> None:
    """Fill pixels that were not baked with the mean color of those around; with `plain` if nothing was baked."""
    pixels = read_pixels(image)
    pixels[..., 3] = pixels[..., 3] > 0.5
    if not pixels[..., 3].any():
        pixels[:] = plain
    elif not pixels[..., 3].all():
        pixels = _filled(pixels)
    pixels[..., 3] = 1.0
    write_pixels(image, pixels)


def _filled(pixels: Array) -> Array:
    """Returns the pixels; where alpha is 0, colors from smaller and smaller copies of the image (push-pull)."""
    side = len(pixels)
    if side == 1:
        return pixels
    weighted = pixels.copy()
    weighted[..., :3] *= weighted[..., 3:]
    small = weighted.reshape(side // 2, 2, side // 2, 2, 4).mean(axis=(1, 3))
    known = small[..., 3] > 0
    small[known] = small[known] / small[known][:, 3:]
    small = _filled(small) if not known.all() else small
    empty = pixels[..., 3] == 0
    pixels[empty] = np.repeat(np.repeat(small, 2, axis=0), 2, axis=1)[empty]
    return pixels
