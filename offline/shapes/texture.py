# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the model's texture from the image: from the front, the model looks like the image. NumPy only.

Front and back use the same part of the image, so the back shows it mirrored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...imaging.cutout import Cutout
from ...imaging.raster import Floats, resize, sample, shrink
from .inflate import Relief

SHARPNESS: Final = 4
"""Texture pixels along the longest side per unit of `resolution`, if the image has as many."""
FRINGE: Final = 0.005
"""Width of the subject's border, as a fraction of its longest side, whose colors may be mixed with the background."""

WRAP: Final = 0.4
"""See `Texture.wrap`, for a full solid of revolution."""


@dataclass(frozen=True, slots=True)
class Texture:
    """An image of the subject without background, and its texture mapping."""

    colors: Floats
    """RGB, sRGB."""
    scale: tuple[float, float]
    """Texture coordinates (u, v) per grid step along x and y; the grid's first node is at (0, 0)."""
    axis: float
    """The axis of a solid of revolution (x in grid steps)."""
    wrap: float
    """For a solid of revolution, the weight of the angle around its axis against the front view, 0 to 1."""

    def coordinates(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns the texture coordinates of points in grid steps."""
        x = points[:, 0]
        if self.wrap > 0.0:
            # A straight projection would stretch a few pixels over the sides of a solid of revolution.
            across, deep = x - self.axis, np.abs(points[:, 2])
            around = np.hypot(across, deep) * np.arctan2(across, deep) * (2.0 / np.pi)
            x = self.axis + (1.0 - self.wrap) * across + self.wrap * around
        return np.stack([x * self.scale[0], points[:, 1] * self.scale[1]], axis=-1).astype(np.float32)

    def at(self, coordinates: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns the interpolated colors at texture coordinates."""
        height, width = self.colors.shape[:2]
        x = np.clip(coordinates[:, 0] * width - 0.5, 0.0, width - 1.001)
        y = np.clip(coordinates[:, 1] * height - 0.5, 0.0, height - 1.001)
        column, row = x.astype(np.int64), y.astype(np.int64)
        right, up = (x - column)[:, None], (y - row)[:, None]
        lower = self.colors[row, column] * (1.0 - right) + self.colors[row, column + 1] * right
        upper = self.colors[row + 1, column] * (1.0 - right) + self.colors[row + 1, column + 1] * right
        return (lower * (1.0 - up) + upper * up).astype(np.float32)


def bake(image: Floats, cutout: Cutout, relief: Relief, resolution: int) -> Texture:
    """Returns the texture of a subject: its colors, extended past its outline."""
    high, wide = relief.square.shape
    # Image pixels per texture pixel; never less than one, as there is no more detail.
    step = max(relief.pitch * relief.steps / (SHARPNESS * resolution), 1.0)
    rows_in, columns_in = (round((nodes - 1) * relief.pitch / step) for nodes in (high, wide))
    rows = relief.origin[0] + (np.arange(rows_in) + 0.5) * step
    columns = relief.origin[1] + (np.arange(columns_in) + 0.5) * step
    whole = np.concatenate([image[..., :3], cutout.coverage[..., None]], axis=-1)
    cut = sample(whole, rows, columns, step)
    colors = np.clip(cut[..., :3], 0.0, 1.0)
    inner = shrink(cut[..., 3] > 0.97, max(1, round(FRINGE * relief.steps * relief.pitch / step)))
    if not inner.any():
        inner = cut[..., 3] > 0.5
    scale = (relief.pitch / (columns_in * step), relief.pitch / (rows_in * step))
    return Texture(_bled(colors, inner) if inner.any() else colors, scale, relief.axis, WRAP * relief.turned)


def _bled(colors: Floats, known: NDArray[np.bool_]) -> Floats:
    """Returns the colors where `known`, and elsewhere those of nearby known pixels."""
    weight = known.astype(np.float32)[..., None]
    layers = [np.concatenate([colors * weight, weight], axis=-1)]
    while max(layers[-1].shape[:2]) > 1:
        layer = layers[-1]
        layer = np.pad(layer, ((0, layer.shape[0] % 2), (0, layer.shape[1] % 2), (0, 0)))
        layers.append((layer[::2, ::2] + layer[1::2, ::2] + layer[::2, 1::2] + layer[1::2, 1::2]) / 4.0)
    filled = np.zeros((1, 1, 3), np.float32)
    for layer in reversed(layers):
        height, width = layer.shape[:2]
        wider = resize(filled, 2 * filled.shape[0], 2 * filled.shape[1])[:height, :width]
        share = layer[..., 3:]
        own = layer[..., :3] / np.maximum(share, 1e-9)
        filled = np.where(share > 0.0, share * own + (1.0 - share) * wider, wider) if layer is not layers[-1] else own
    return np.clip(filled, 0.0, 1.0).astype(np.float32)
