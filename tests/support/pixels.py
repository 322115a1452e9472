# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurements on screenshots."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.float32]


def read(path: Path, rectangle: tuple[int, int, int, int] | None = None) -> Pixels:
    """Returns RGB values, 0 to 255, of the image or of a rectangle (x, y, width, height; from the lower left)."""
    with Image.open(path) as image_file:
        pixels = np.asarray(image_file.convert("RGB"), np.float32)
    if rectangle is None:
        return pixels
    x, y, width, height = rectangle
    return pixels[len(pixels) - y - height : len(pixels) - y, x : x + width]


def is_an_image(pixels: Pixels) -> bool:
    """Whether the image shows something: it is neither black nor one flat color."""
    return bool(pixels.mean() > 10 and pixels.std() > 8)


def share_changed(before: Pixels, after: Pixels) -> float:
    """Returns the fraction of pixels, 0 to 1, that differ visibly."""
    return float((np.abs(before - after).max(axis=-1) > 12).mean())


def red(pixels: Pixels) -> int:
    """Returns how many pixels are clearly red, as Blender draws an alert."""
    return int(((pixels[..., 0] > 120) & (pixels[..., 1:].max(axis=-1) < 0.55 * pixels[..., 0])).sum())
