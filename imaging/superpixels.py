# SPDX-License-Identifier: GPL-3.0-or-later
"""Divides an image into superpixels: small connected areas of one color (SLIC; Achanta et al., PAMI 2012)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from .raster import FloatArray, IntArray

COMPACTNESS: Final = 12.0
"""Difference in Lab that counts as much as the distance between two superpixels."""
ROUNDS: Final = 5


@dataclass(frozen=True, slots=True)
class Superpixels:
    """A division of an image, numbered from 0."""

    labels: IntArray
    """The number of each pixel's superpixel."""
    colors: FloatArray
    """n × 3; mean Lab colors."""
    centers: FloatArray
    """n × 2; mean row and column, in pixels."""
    sizes: IntArray
    neighbors: IntArray
    """m × 2; pairs of superpixels with a common edge, each once."""


def divide(lab: FloatArray, count: int) -> Superpixels:
    """Divide a Lab image into about `count` superpixels."""
    height, width = lab.shape[:2]
    spacing = max(1.0, np.sqrt(height * width / count))
    rows, columns = max(1, round(height / spacing)), max(1, round(width / spacing))
    y, x = np.indices((height, width), np.float32)
    row = np.minimum((y * (rows / height)).astype(np.int64), rows - 1)
    column = np.minimum((x * (columns / width)).astype(np.int64), columns - 1)
    weight = COMPACTNESS / spacing
    features = np.concatenate([lab, y[..., None] * weight, x[..., None] * weight], axis=-1).reshape(-1, 5)
    labels = (row * columns + column).ravel()
    for _ in range(ROUNDS):
        means, _sizes = _means(features, labels, rows * columns)
        best = np.full(labels.size, np.inf, np.float32)
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                near = np.clip(row + down, 0, rows - 1) * columns + np.clip(column + right, 0, columns - 1)
                near = near.ravel()
                difference = features - means[near]
                distance = np.einsum("ij,ij->i", difference, difference)
                closer = distance < best
                best[closer], labels[closer] = distance[closer], near[closer]
    labels = np.unique(labels, return_inverse=True)[1].reshape(-1)
    means, sizes = _means(features, labels, int(labels.max()) + 1)
    grid = labels.reshape(height, width)
    pairs = np.concatenate(
        [np.stack([a.ravel(), b.ravel()], -1) for a, b in ((grid[1:], grid[:-1]), (grid[:, 1:], grid[:, :-1]))]
    )
    pairs = np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)
    return Superpixels(grid, means[:, :3], means[:, 3:] / weight, sizes, pairs)


def _means(features: FloatArray, labels: IntArray, count: int) -> tuple[FloatArray, IntArray]:
    """Returns the mean features and the size of each superpixel."""
    sizes = np.bincount(labels, minlength=count)
    sums = np.stack([np.bincount(labels, column, count) for column in features.T], axis=-1)
    means = sums / np.maximum(sizes, 1)[:, None]
    means[sizes == 0] = np.inf
    return means.astype(np.float32), sizes
