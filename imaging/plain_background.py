# SPDX-License-Identifier: GPL-3.0-or-later
"""Separates a subject from a plain background: all that a flood fill of the background from the border doesn't reach.

The background is a plain or softly graded color, with soft shadows.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .raster import FloatArray, Mask, blur, dilate, flood_fill, label_components

MIN_BACKGROUND: Final = 0.55
"""Fraction of the border that has to match the background's color."""
MAX_INTERRUPTIONS: Final = 4
"""Stretches of the border with another color; a texture has many."""
CLIPPED: Final = 99.0
"""L* of a background that highlights can't be told from."""
SHARP_RIM: Final = 0.9
"""Fraction of a hole's rim that clearly differs from the background."""
MAX_DEVIATION: Final = 2.5
"""Median difference of the border from a soft gradient, in Lab, up to which it is a plain background with noise."""


def separate(lab: FloatArray) -> Mask | None:
    """Returns the subject of a Lab image, or None if its background is not plain."""
    height, width = lab.shape[:2]
    thickness = max(1, min(height, width) // 60)
    inner = np.zeros((height - 2 * thickness, width - 2 * thickness), np.bool_)
    border = np.pad(inner, thickness, constant_values=True)
    background, deviation = _fit_background(lab, border, 4)
    if deviation > 1.2:  # a vignette?
        curved, curved_deviation = _fit_background(lab, border, 6)
        if curved_deviation < 0.7 * deviation:
            background, deviation = curved, curved_deviation
    difference = lab - background
    distance = np.sqrt((difference**2).sum(axis=-1))
    similar = distance < float(np.clip(3.5 * deviation, 5.0, 14.0))
    if not _is_plain(similar, border, deviation):
        return None
    # A soft shadow is darker than the background, has its hue, and no edges.
    # Less of the same light scales L* + 16, a* and b* by the same factor.
    factor = (lab[..., 0] + 16.0) / np.maximum(background[..., 0] + 16.0, 1.0)
    chroma = np.linalg.norm(lab[..., 1:] - background[..., 1:] * factor[..., None], axis=-1)
    slope = np.hypot(*np.gradient(lab[..., 0]))
    shadow = (factor < 1.0) & (difference[..., 0] > -26.0) & (chroma < 4.0) & (slope < 1.2)
    outside = flood_fill(border & similar, similar)
    with_shadows = flood_fill(border & similar, similar | (shadow & ~dilate(distance > 30.0, 1)))
    if (~with_shadows).sum() > 0.6 * (~outside).sum():
        outside = with_shadows  # else the subject itself looks like a shadow: white on white
    outside |= _holes(distance, distance < max(1.2, 1.5 * deviation), outside, float(np.median(background[..., 0])))
    # The outline is where a pixel is half covered: half as different as the subject beside it.
    half = 0.5 * sliding_window_view(np.pad(distance, 2), (5, 5)).max(axis=(-2, -1))
    outside |= dilate(outside, 2) & (distance < half)
    # Smooth the ragged edge of the threshold.
    return blur((~outside).astype(np.float32), 1.5) > 0.5


def _holes(distance: FloatArray, same: Mask, outside: Mask, lightness: float) -> Mask:
    """Returns the background that is seen through the subject, as in a handle: larger areas of exactly its color.

    A white stripe or a highlight on a white background is not one: it fades into the subject somewhere, or is small.
    """
    areas = label_components(same & ~outside)
    sizes = np.bincount(areas.ravel())
    smallest = 0.002 * areas.size
    if lightness > CLIPPED:
        smallest = max(smallest, 0.02 * float((~outside).sum()))
    holes = np.zeros_like(outside)
    for number in np.flatnonzero(sizes > smallest):
        if number == 0:
            continue
        hole = areas == number
        rim = dilate(hole, 5) & ~dilate(hole, 3)
        if (distance[rim] > 8.0).mean() > SHARP_RIM:
            holes |= dilate(hole, 2)
    return holes


def _is_plain(similar: Mask, border: Mask, deviation: float) -> bool:
    """Whether the border shows one background, which at most a few parts of the subject interrupt."""
    fraction = similar[border].mean()
    ring = np.concatenate([similar[0], similar[1:, -1], similar[-1, -2::-1], similar[-2:0:-1, 0]])
    interruptions = np.count_nonzero(ring != np.roll(ring, 1)) // 2
    few = fraction > 0.97 or interruptions <= MAX_INTERRUPTIONS
    return bool(fraction >= MIN_BACKGROUND and deviation <= MAX_DEVIATION and few)


def _fit_background(lab: FloatArray, border: Mask, terms: int) -> tuple[FloatArray, float]:
    """Returns the background's color at each pixel, and the border's median deviation from it.

    Fits a gradient (bilinear with 4 terms, quadratic with 6) to the border's colors by least squares, three times, each
    time without the outliers.
    """
    height, width = border.shape
    rows, columns = np.mgrid[-1.0 : 1.0 : height * 1j, -1.0 : 1.0 : width * 1j]
    all_terms = [np.ones_like(rows), columns, rows, columns * rows, columns**2, rows**2]
    basis = np.stack(all_terms[:terms], axis=-1).astype(np.float32)
    known, colors = basis[border], lab[border]
    residuals = np.sqrt(((colors - np.median(colors, axis=0)) ** 2).sum(axis=-1))
    inliers = residuals <= max(float(np.median(residuals)) * 3.0, 6.0)
    for _ in range(3):
        coefficients = np.linalg.lstsq(known[inliers], colors[inliers], rcond=None)[0].astype(np.float32)
        residuals = np.sqrt(((colors - known @ coefficients) ** 2).sum(axis=-1))
        inliers = residuals <= max(float(np.median(residuals)) * 3.0, 3.0)
    return (basis @ coefficients).astype(np.float32), float(np.median(residuals))
