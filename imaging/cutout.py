# SPDX-License-Identifier: GPL-3.0-or-later
"""Background removal: separates an image's subject by its alpha, or by its difference from the border. Not AI.

The background is what a flood fill from the image's border reaches: a plain or softly graded color, with soft shadows.
An image without a clear subject becomes a card with rounded corners.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

import numpy as np

from .raster import FloatArray, Mask, blur, dilate, erode, flood_fill, label_components, resize, srgb_to_linear

_log = logging.getLogger(__name__)

WORKING_SIDE: Final = 640
"""Pixels; the longest side of the scaled-down copy that is segmented."""
MIN_SUBJECT: Final = 0.004
MAX_SUBJECT: Final = 0.96
"""Fractions of the image that a subject covers at least and at most."""
MIN_BACKGROUND: Final = 0.55
"""Fraction of the border that has to match the background's color."""


@dataclass(frozen=True, slots=True)
class Cutout:
    """The subject of an image."""

    coverage: FloatArray
    """Coverage of each pixel by the subject, 0 to 1; same shape as the image."""
    card: bool
    """No subject was found: this is the whole image, with rounded corners."""


def cut_out(image: FloatArray, *, first_view: bool = False) -> Cutout:
    """Find the subject of an RGBA image. `first_view`: only the first of several views beside each other."""
    alpha = image[..., 3]
    if MIN_SUBJECT < float((alpha > 0.5).mean()) < 1.0 - MIN_SUBJECT:
        coverage = np.clip(alpha, 0.0, 1.0)
    else:
        subject = _segment(np.clip(_working_copy(image[..., :3]), 0.0, 1.0)).astype(np.float32)
        coverage = np.clip(resize(blur(subject, 1.2), *alpha.shape), 0.0, 1.0)
    coverage = _clean_up(coverage, first_view)
    fraction = float((coverage > 0.5).mean())
    if not MIN_SUBJECT < fraction < MAX_SUBJECT:
        _log.info("no clear subject (%.1f %% of the image): the whole image becomes a card", fraction * 100.0)
        return Cutout(_rounded_card(*alpha.shape), True)
    return Cutout(coverage, False)


def _working_copy(image: FloatArray) -> FloatArray:
    """Returns the image at the size at which it is segmented."""
    height, width = image.shape[:2]
    scale = min(1.0, WORKING_SIDE / max(height, width))
    return resize(image, max(8, round(height * scale)), max(8, round(width * scale)))


def _segment(colors: FloatArray) -> Mask:
    """Find the subject of an opaque image: all that a flood fill of the background from the border doesn't reach."""
    lab = blur(_srgb_to_lab(colors), 0.8)
    height, width = lab.shape[:2]
    thickness = max(1, min(height, width) // 60)
    inner = np.zeros((height - 2 * thickness, width - 2 * thickness), np.bool_)
    border = np.pad(inner, thickness, constant_values=True)
    background, deviation = _fit_background(lab, border)
    difference = lab - background
    distance = np.sqrt((difference**2).sum(axis=-1))
    similar = distance < float(np.clip(3.5 * deviation, 5.0, 14.0))
    if similar[border].mean() < MIN_BACKGROUND:
        return np.ones_like(border)
    # A soft shadow is darker than the background, has its hue, and no edges.
    lightness, chroma = difference[..., 0], np.hypot(difference[..., 1], difference[..., 2])
    slope = np.hypot(*np.gradient(lab[..., 0]))
    shadow = (lightness < 0.0) & (lightness > -26.0) & (chroma < 4.0) & (slope < 1.2)
    outside = flood_fill(border & similar, similar)
    with_shadows = flood_fill(border & similar, similar | (shadow & ~dilate(distance > 30.0, 1)))
    if (~with_shadows).sum() > 0.6 * (~outside).sum():
        outside = with_shadows  # else the subject itself looks like a shadow: white on white
    # Background seen through the subject, as in a handle: larger areas of exactly its color.
    areas = label_components((distance < max(1.2, 1.5 * deviation)) & ~outside)
    large = np.bincount(areas.ravel()) > 0.002 * areas.size
    large[0] = False
    outside |= dilate(large[areas], 2)
    # Smooth the ragged edge of the threshold.
    return blur((~outside).astype(np.float32), 1.5) > 0.5


def _fit_background(lab: FloatArray, border: Mask) -> tuple[FloatArray, float]:
    """Returns the background's color at each pixel, and the border's median deviation from it.

    Fits a bilinear gradient to the border's colors by least squares, three times, each time without the outliers.
    """
    height, width = border.shape
    rows, columns = np.mgrid[-1.0 : 1.0 : height * 1j, -1.0 : 1.0 : width * 1j]
    basis = np.stack([np.ones_like(rows), columns, rows, columns * rows], axis=-1).astype(np.float32)
    known, colors = basis[border], lab[border]
    residuals = np.sqrt(((colors - np.median(colors, axis=0)) ** 2).sum(axis=-1))
    inliers = residuals <= max(float(np.median(residuals)) * 3.0, 6.0)
    for _ in range(3):
        coefficients = np.linalg.lstsq(known[inliers], colors[inliers], rcond=None)[0].astype(np.float32)
        residuals = np.sqrt(((colors - known @ coefficients) ** 2).sum(axis=-1))
        inliers = residuals <= max(float(np.median(residuals)) * 3.0, 3.0)
    return (basis @ coefficients).astype(np.float32), float(np.median(residuals))


def _clean_up(coverage: FloatArray, first_view: bool) -> FloatArray:
    """Remove small areas and pinholes; with `first_view`, also the views after the first."""
    solid = _working_copy(coverage) > 0.5
    parts = label_components(solid)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    keep = sizes >= max(0.03 * sizes.max(), 4)
    if first_view and solid.any():
        views = np.flatnonzero(sizes > 0.25 * sizes.max())
        keep = np.arange(sizes.size) == min(views, key=lambda view: _reading_order(parts == view))
    kept = keep[parts]
    gaps = label_components(~kept)
    pinholes = (np.bincount(gaps.ravel()) < 0.0015 * kept.sum())[gaps] & ~kept
    remove = dilate(solid & ~kept, 3) & ~dilate(kept, 1)
    fill = dilate(pinholes, 2) & erode(kept | pinholes, 1)
    changes = np.clip(resize(np.stack([remove, fill], axis=-1).astype(np.float32), *coverage.shape), 0.0, 1.0)
    return np.maximum(coverage * (1.0 - changes[..., 0]), changes[..., 1])


def _reading_order(part: Mask) -> tuple[int, int]:
    """Sort key for areas in reading order: from the top in thirds of the image, then from the left."""
    rows, columns = np.nonzero(part)
    return -int(3 * rows.mean() / part.shape[0]), int(columns.mean())


def _rounded_card(height: int, width: int) -> FloatArray:
    """Returns the coverage of the whole image, with rounded corners and a small margin (a signed distance field)."""
    margin = min(1.0, 0.05 * min(height, width))
    radius = min(0.06 * max(height, width), 0.3 * min(height, width))
    y = np.abs(np.arange(height, dtype=np.float32) + 0.5 - height / 2)[:, None] - (height / 2 - margin - radius)
    x = np.abs(np.arange(width, dtype=np.float32) + 0.5 - width / 2)[None, :] - (width / 2 - margin - radius)
    distance = np.hypot(np.maximum(x, 0.0), np.maximum(y, 0.0)) + np.minimum(np.maximum(x, y), 0.0)
    return np.clip(0.5 + radius - distance, 0.0, 1.0).astype(np.float32)


def _srgb_to_lab(colors: FloatArray) -> FloatArray:
    """Convert sRGB to CIE L*a*b*, in which distances match perception (2 is just visible)."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = srgb_to_linear(colors) @ (to_xyz / np.array([[0.9505], [1.0], [1.089]])).T
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16.0 / 116.0)
    lab = np.stack([116.0 * f[..., 1] - 16.0, 500.0 * (f[..., 0] - f[..., 1]), 200.0 * (f[..., 1] - f[..., 2])], -1)
    return lab.astype(np.float32)
