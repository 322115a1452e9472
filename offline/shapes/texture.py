# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the model's texture from the image: from the front, the model looks like the image. NumPy only.

Front and back use the same part of the image, so the back shows it mirrored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ...imaging.cutout import Cutout
from ...imaging.raster import FloatArray, Mask, erode, resize, sample_grid
from .inflate import HeightField

TEXELS: Final = 4
"""Texture pixels along the longest side per unit of `resolution`, if the image has as many."""
FRINGE: Final = 0.005
"""Width of the subject's border, as a fraction of its longest side, whose colors may be mixed with the background."""
WRAP: Final = 0.4
"""`Texture.wrap` of a full solid of revolution."""


@dataclass(frozen=True, slots=True)
class Texture:
    """The subject's colors without background, and its texture mapping."""

    colors: FloatArray
    """h × w × 3, sRGB."""
    scale: tuple[float, float]
    """Texture coordinates (u, v) per grid step along x and y; the grid's first node is at (0, 0)."""
    axis: float
    """The axis of a solid of revolution (x in grid steps)."""
    wrap: float
    """For a solid of revolution, the weight of a cylindrical projection against the one from the front, 0 to 1."""

    def coordinates(self, points: FloatArray) -> FloatArray:
        """Returns the texture coordinates, n × 2, of points, n × 3, in grid steps."""
        x = points[:, 0]
        if self.wrap > 0.0:
            # Projected from the front only, a few pixels would be stretched over the sides of a solid of revolution.
            offset, depth = x - self.axis, np.abs(points[:, 2])
            arc = np.hypot(offset, depth) * np.arctan2(offset, depth) * (2.0 / np.pi)
            x = self.axis + (1.0 - self.wrap) * offset + self.wrap * arc
        return np.stack([x * self.scale[0], points[:, 1] * self.scale[1]], axis=-1).astype(np.float32)

    def colors_at(self, coordinates: FloatArray) -> FloatArray:
        """Returns the colors, n × 3, at texture coordinates, n × 2 (bilinear interpolation)."""
        height, width = self.colors.shape[:2]
        x = np.clip(coordinates[:, 0] * width - 0.5, 0.0, width - 1.001)
        y = np.clip(coordinates[:, 1] * height - 0.5, 0.0, height - 1.001)
        column, row = x.astype(np.int64), y.astype(np.int64)
        right, up = (x - column)[:, None], (y - row)[:, None]
        near, far = self.colors[:, :-1], self.colors[:, 1:]
        lower, upper = (near[r, column] * (1.0 - right) + far[r, column] * right for r in (row, row + 1))
        return (lower * (1.0 - up) + upper * up).astype(np.float32)


def bake(image: FloatArray, cutout: Cutout, field: HeightField, resolution: int) -> Texture:
    """Returns the texture of a subject: its colors, extended past its outline."""
    pixels = field.pixels_per_step
    # Image pixels per texture pixel; never less than one, as there is no more detail.
    step = max(pixels * field.steps / (TEXELS * resolution), 1.0)
    height, width = (round((nodes - 1) * pixels / step) for nodes in field.height_squared.shape)
    rows = field.origin[0] + (np.arange(height) + 0.5) * step
    columns = field.origin[1] + (np.arange(width) + 0.5) * step
    subject = np.concatenate([image[..., :3], cutout.coverage[..., None]], axis=-1)
    subject = sample_grid(subject, rows, columns, step)
    colors, coverage = np.clip(subject[..., :3], 0.0, 1.0), subject[..., 3]
    known = erode(coverage > 0.97, max(1, round(FRINGE * field.steps * pixels / step)))
    if not known.any():
        known = coverage > 0.5
    scale = (pixels / (width * step), pixels / (height * step))
    return Texture(_extend(colors, known) if known.any() else colors, scale, field.axis, WRAP * field.revolved)


def _extend(colors: FloatArray, known: Mask) -> FloatArray:
    """Returns the colors where `known`, and elsewhere those of nearby known pixels (texture padding).

    A pull-push pyramid (Gortler et al., The Lumigraph, SIGGRAPH 1996).
    """
    weight = known.astype(np.float32)[..., None]
    pyramid = [np.concatenate([colors * weight, weight], axis=-1)]
    while max(pyramid[-1].shape[:2]) > 1:
        level = pyramid[-1]
        level = np.pad(level, ((0, level.shape[0] % 2), (0, level.shape[1] % 2), (0, 0)))
        pyramid.append((level[::2, ::2] + level[1::2, ::2] + level[::2, 1::2] + level[1::2, 1::2]) / 4.0)
    filled = pyramid[-1][..., :3] / pyramid[-1][..., 3:]
    for level in reversed(pyramid[:-1]):
        height, width = level.shape[:2]
        coarse = resize(filled, 2 * filled.shape[0], 2 * filled.shape[1])[:height, :width]
        filled = level[..., :3] + (1.0 - level[..., 3:]) * coarse
    return np.clip(filled, 0.0, 1.0).astype(np.float32)
