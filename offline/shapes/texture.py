# SPDX-License-Identifier: GPL-3.0-or-later
"""The image as the model's texture: seen straight from the front it looks like the image. numpy only.

The same place of the image colours front and back, so the back shows it mirrored.
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
"""Texture pixels along the longest side for each unit of `resolution`, where the image has as many."""
FRINGE: Final = 0.005
"""Outermost share of the subject (of its longest side) whose colours the background may have tainted."""

WRAP: Final = 0.4
"""See `Texture.wrap`, for a wholly turned subject."""


@dataclass(frozen=True, slots=True)
class Texture:
    """An image of the subject, without background, and how to find a place in it."""

    colours: Floats
    """RGB, display values."""
    scale: tuple[float, float]
    """Texture coordinates (u, v) for a grid step along x and y; the grid's first node is at (0, 0)."""
    axis: float
    """For a turned subject, where its axis is (x in grid steps)."""
    wrap: float
    """For a turned subject, how much of the way around counts against the straight view from the front, 0 to 1."""

    def coordinates(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Texture coordinates for points in grid steps."""
        x = points[:, 0]
        if self.wrap > 0.0:
            # Straight from the front, a turned subject's flanks would be drawn out from a few pixels.
            across, deep = x - self.axis, np.abs(points[:, 2])
            around = np.hypot(across, deep) * np.arctan2(across, deep) * (2.0 / np.pi)
            x = self.axis + (1.0 - self.wrap) * across + self.wrap * around
        return np.stack([x * self.scale[0], points[:, 1] * self.scale[1]], axis=-1).astype(np.float32)

    def at(self, coordinates: NDArray[np.float32]) -> NDArray[np.float32]:
        """The colours at texture coordinates, between pixels too."""
        height, width = self.colours.shape[:2]
        x = np.clip(coordinates[:, 0] * width - 0.5, 0.0, width - 1.001)
        y = np.clip(coordinates[:, 1] * height - 0.5, 0.0, height - 1.001)
        column, row = x.astype(np.int64), y.astype(np.int64)
        right, up = (x - column)[:, None], (y - row)[:, None]
        lower = self.colours[row, column] * (1.0 - right) + self.colours[row, column + 1] * right
        upper = self.colours[row + 1, column] * (1.0 - right) + self.colours[row + 1, column + 1] * right
        return (lower * (1.0 - up) + upper * up).astype(np.float32)


def bake(image: Floats, cutout: Cutout, relief: Relief, resolution: int) -> Texture:
    """The texture of a subject: its own colours, continued outward past its outline."""
    high, wide = relief.square.shape
    # Pixels of the image in one of the texture's; never less than one: what isn't there can't be made.
    step = max(relief.pitch * relief.steps / (SHARPNESS * resolution), 1.0)
    rows_in, columns_in = (round((nodes - 1) * relief.pitch / step) for nodes in (high, wide))
    rows = relief.origin[0] + (np.arange(rows_in) + 0.5) * step
    columns = relief.origin[1] + (np.arange(columns_in) + 0.5) * step
    whole = np.concatenate([image[..., :3], cutout.coverage[..., None]], axis=-1)
    cut = sample(whole, rows, columns, step)
    colours = np.clip(cut[..., :3], 0.0, 1.0)
    inner = shrink(cut[..., 3] > 0.97, max(1, round(FRINGE * relief.steps * relief.pitch / step)))
    if not inner.any():
        inner = cut[..., 3] > 0.5
    scale = (relief.pitch / (columns_in * step), relief.pitch / (rows_in * step))
    return Texture(_bled(colours, inner) if inner.any() else colours, scale, relief.axis, WRAP * relief.turned)


def _bled(colours: Floats, known: NDArray[np.bool_]) -> Floats:
    """The colours where `known`, and everywhere else those of what is known nearby."""
    weight = known.astype(np.float32)[..., None]
    layers = [np.concatenate([colours * weight, weight], axis=-1)]
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
