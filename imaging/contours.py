# SPDX-License-Identifier: GPL-3.0-or-later
"""Proposes outlines of a subject: closed contours around points near the image's center, along strong color changes.

Each contour is a closed shortest path in polar coordinates (dynamic programming): one radius for each direction. A
color change is measured between the areas on both sides of the contour, so that texture and noise don't count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from .raster import FloatArray, IntArray, Mask

DIRECTIONS: Final = 120
CENTERS: Final = (-0.14, 0.0, 0.14)
"""Rows and columns of the centers, from the image's center, as a fraction of the image's sides."""
SIZE_PREFERENCES: Final = (0.0, 0.15, 0.4, 0.9)
"""What a radius e times as large is worth, in units of the strength: each finds other contours."""
SMALLEST: Final = 0.06
"""Radius as a fraction of the image's longest side."""
STEPS: Final = (0.0, 0.02, 0.06, 0.12, 0.2)
"""What it costs that the radius changes by 0, 1, 2 … pixels from one direction to the next."""
BORDER: Final = 0.15
"""Strength of the image's border, where a subject may be cut off."""
FAINT: Final = 60.0
"""Squared difference in Lab at which a color change is half as strong as it can be."""


@dataclass(frozen=True, slots=True)
class Contour:
    """A closed outline, and what it encloses."""

    mask: Mask
    strengths: FloatArray
    """Strength of the color change across the contour in each direction, 0 to 1."""


def find_contours(lab: FloatArray) -> list[Contour]:
    """Returns closed contours of different sizes around points near the center of a Lab image."""
    height, width = lab.shape[:2]
    angles = np.arange(DIRECTIONS) * (2.0 * np.pi / DIRECTIONS)
    radii = np.arange(int(0.62 * np.hypot(height, width)))
    strengths = []
    centers = [(height * (0.5 + y), width * (0.5 + x)) for y in CENTERS for x in CENTERS]
    for row, column in centers:
        rows = row + np.sin(angles)[:, None] * radii
        columns = column + np.cos(angles)[:, None] * radii
        inside = (rows >= 0) & (rows <= height - 1) & (columns >= 0) & (columns <= width - 1)
        strength = _strengths(_sample(lab, rows, columns))
        end = inside.sum(axis=1) - 1
        border = (np.arange(DIRECTIONS), end)
        strength[~inside] = -0.2
        strength[border] = np.maximum(strength[border], BORDER)
        strengths.append(strength)
    gains = np.stack(strengths)
    gains[:, :, : int(SMALLEST * max(height, width))] = -1.0
    size = np.log(radii + 1.0)
    biased = np.stack([gains + preference * size for preference in SIZE_PREFERENCES], axis=1)
    paths = _closed_paths(biased.reshape(-1, *gains.shape[1:])).reshape(len(centers), -1, DIRECTIONS)
    contours = []
    for center, of_center, strength in zip(centers, paths, strengths, strict=True):
        for path, mask in zip(of_center, _rasterize(of_center, center, height, width), strict=True):
            values = strength[np.arange(DIRECTIONS), path]
            contours.append(Contour(mask, values.astype(np.float32)))
    return contours


def _sample(image: FloatArray, rows: FloatArray, columns: FloatArray) -> FloatArray:
    """Returns the image at these positions (bilinear), smoothed a little along the first axis."""
    height, width = image.shape[:2]
    rows, columns = np.clip(rows, 0.0, height - 1.001), np.clip(columns, 0.0, width - 1.001)
    i, j = rows.astype(np.int64), columns.astype(np.int64)
    down, right = ((p - k)[..., None].astype(np.float32) for p, k in ((rows, i), (columns, j)))
    upper = image[i, j] * (1.0 - right) + image[i, j + 1] * right
    lower = image[i + 1, j] * (1.0 - right) + image[i + 1, j + 1] * right
    sampled = upper * (1.0 - down) + lower * down
    return (np.roll(sampled, 1, axis=0) + 2.0 * sampled + np.roll(sampled, -1, axis=0)) / 4.0


def _strengths(polar: FloatArray) -> FloatArray:
    """Returns how strongly the color changes at each radius, 0 to 1, compared with the texture on both sides."""
    count = polar.shape[1]
    moments = np.concatenate([polar, polar**2], axis=-1).astype(np.float64)
    sums = np.pad(moments.cumsum(axis=1), ((0, 0), (1, 0), (0, 0)))
    middle = np.arange(count)
    total = np.zeros(polar.shape[:2], np.float32)
    for window in (4, 10):
        start, end = np.maximum(middle - window, 0), np.minimum(middle + window, count)
        inner = (sums[:, middle] - sums[:, start]) / np.maximum(middle - start, 1)[None, :, None]
        outer = (sums[:, end] - sums[:, middle]) / (end - middle)[None, :, None]
        variance = sum(np.maximum(side[..., 3:] - side[..., :3] ** 2, 0.0).sum(axis=-1) for side in (inner, outer))
        difference = ((inner[..., :3] - outer[..., :3]) ** 2).sum(axis=-1)
        total += (0.5 * difference / (difference + variance + FAINT)).astype(np.float32)
    return total


def _closed_paths(gains: FloatArray) -> IntArray:
    """Returns for each of n × directions × radii gains the radii of the closed path with the largest sum.

    The path is followed three times around, and the middle round is closed.
    """
    count, directions, radii = gains.shape
    reach = len(STEPS) - 1
    score = np.zeros((count, radii))
    came_from = np.zeros((3 * directions, count, radii), np.int8)
    for turn in range(3 * directions):
        padded = np.pad(score, ((0, 0), (reach, reach)), constant_values=-1e9)
        best = score.copy()
        origin = came_from[turn]
        for step in range(-reach, reach + 1):
            candidate = padded[:, reach + step : reach + step + radii] - STEPS[abs(step)]
            better = candidate > best
            np.copyto(best, candidate, where=better)
            np.copyto(origin, np.int8(step), where=better)
        score = best + gains[:, turn % directions]
    everyone = np.arange(count)
    radius = score.argmax(axis=1)
    paths = np.empty((3 * directions, count), np.int64)
    for turn in range(3 * directions - 1, -1, -1):
        paths[turn] = radius
        radius = radius + came_from[turn, everyone, radius]
    return paths[directions : 2 * directions].T


def _rasterize(paths: IntArray, center: tuple[float, float], height: int, width: int) -> list[Mask]:
    """Returns the mask of each closed path around a center."""
    rows, columns = np.indices((height, width), np.float32)
    rows, columns = rows - center[0], columns - center[1]
    distance = np.hypot(rows, columns)
    turn = (np.arctan2(rows, columns) % (2.0 * np.pi)) * (DIRECTIONS / (2.0 * np.pi))
    first = turn.astype(np.int64)
    fraction = turn - first
    first %= DIRECTIONS
    second = (first + 1) % DIRECTIONS
    return [distance < path[first] * (1.0 - fraction) + path[second] * fraction for path in paths]
