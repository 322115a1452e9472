# SPDX-License-Identifier: GPL-3.0-or-later
"""Segments an image into subject and background: by its alpha, or by what differs from the border. Not AI.

The background is connected with the image's border and looks like it (a plain or softly graded color, with soft
shadows). An image without a clear subject becomes a card with rounded corners.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

import numpy as np

from .raster import Flags, Floats, blur, grow, label, reach, resize, shrink

_log = logging.getLogger(__name__)

LOOK_AT: Final = 640
"""Pixels along the longest side of the scaled-down image in which the background is searched."""
LEAST: Final = 0.004
"""Fraction of the image below which an area does not count as a subject."""
MOST: Final = 0.96
"""Fraction above which everything is subject, so there is none."""

CALM: Final = 0.55
"""Fraction of the border that has to look like background for there to be one."""


@dataclass(frozen=True, slots=True)
class Cutout:
    """The subject of an image."""

    coverage: Floats
    """Coverage of each pixel by the subject, 0 to 1; same shape as the image."""
    card: bool
    """No subject was found: this is the whole image, with rounded corners."""


def cut_out(image: Floats, *, first_view: bool = False) -> Cutout:
    """Find the subject of an RGBA image. `first_view`: only the first of several views beside each other."""
    alpha = image[..., 3]
    if _says_something(alpha):
        coverage = np.clip(alpha, 0.0, 1.0)
    else:
        height, width = alpha.shape
        scale = min(1.0, LOOK_AT / max(height, width))
        small = resize(image[..., :3], max(8, round(height * scale)), max(8, round(width * scale)))
        subject = _differs_from_background(np.clip(small, 0.0, 1.0))
        soft = blur(subject.astype(np.float32), 1.2)
        coverage = np.clip(resize(soft, height, width), 0.0, 1.0)
    coverage = _tidied(coverage, first_view)
    share = float((coverage > 0.5).mean())
    if not LEAST < share < MOST:
        _log.info("no clear subject (%.1f %% of the image): a card is made of the whole", share * 100.0)
        return Cutout(_rounded_card(*alpha.shape), True)
    return Cutout(coverage, False)


def _says_something(alpha: Floats) -> bool:
    """Whether the alpha channel separates a subject from its background."""
    return LEAST < float((alpha > 0.5).mean()) < 1.0 - LEAST


def _differs_from_background(colors: Floats) -> Flags:
    """Find the subject of an opaque image: what a flood fill of the background from the border does not reach."""
    lab = _lab(colors)
    smooth = blur(lab, 0.8)
    height, width = lab.shape[:2]
    border = np.zeros((height, width), np.bool_)
    rim = max(1, min(height, width) // 60)
    border[:rim] = border[-rim:] = True
    border[:, :rim] = border[:, -rim:] = True
    background, spread = _background(smooth, border)
    off = smooth - background
    distance = np.sqrt((off**2).sum(axis=-1))
    tolerance = float(np.clip(3.5 * spread, 5.0, 14.0))
    alike = distance < tolerance
    if alike[border].mean() < CALM:
        return np.ones_like(border)
    # A soft shadow is darker than the background, has its color, and no edges.
    slope = np.hypot(*np.gradient(smooth[..., 0]))
    shadow = (off[..., 0] < 0.0) & (off[..., 0] > -26.0) & (np.hypot(off[..., 1], off[..., 2]) < 4.0) & (slope < 1.2)
    outside = reach(border & alike, alike)
    without_shadows = reach(border & alike, alike | (shadow & ~grow(distance > 30.0, 1)))
    if (~without_shadows).sum() > 0.6 * (~outside).sum():
        outside = without_shadows  # else it is a subject that looks like a shadow: white on white
    outside |= _seen_through(distance < max(1.2, 1.5 * spread), outside)
    # Smooth the ragged edge of the threshold.
    return blur((~outside).astype(np.float32), 1.5) > 0.5


def _seen_through(same: Flags, outside: Flags) -> Flags:
    """Find background visible through the subject (a handle): larger areas with exactly its color."""
    areas = label(same & ~outside)
    large = np.bincount(areas.ravel()) > 0.002 * areas.size
    large[0] = False
    return grow(large[areas], 2) & ~outside


def _background(lab: Floats, border: Flags) -> tuple[Floats, float]:
    """Returns each pixel's background color, interpolated from the border, and its standard deviation."""
    height, width = border.shape
    rows, columns = np.mgrid[-1.0 : 1.0 : height * 1j, -1.0 : 1.0 : width * 1j]
    terms = np.stack([np.ones_like(rows), columns, rows, columns * rows], axis=-1).astype(np.float32)
    known, wanted = terms[border], lab[border]
    trusted = np.sqrt(((wanted - np.median(wanted, axis=0)) ** 2).sum(axis=-1))
    trusted = trusted <= max(float(np.median(trusted)) * 3.0, 6.0)
    left = np.zeros(1, np.float32)
    factors = np.zeros((4, 3), np.float32)
    for _ in range(3):
        factors = np.linalg.lstsq(known[trusted], wanted[trusted], rcond=None)[0].astype(np.float32)
        left = np.sqrt(((wanted - known @ factors) ** 2).sum(axis=-1))
        trusted = left <= max(float(np.median(left)) * 3.0, 3.0)
    return (terms @ factors).astype(np.float32), float(np.median(left))


def _tidied(coverage: Floats, first_view: bool) -> Floats:
    """Remove small areas and pinholes; with `first_view`, also the views after the first."""
    scale = min(1.0, LOOK_AT / max(coverage.shape))
    small = resize(coverage, max(8, round(coverage.shape[0] * scale)), max(8, round(coverage.shape[1] * scale)))
    solid = small > 0.5
    if not solid.any():
        return coverage
    parts = label(solid)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    keep = sizes >= max(0.03 * sizes.max(), 4)
    if first_view:
        views = np.flatnonzero(sizes > 0.25 * sizes.max())
        keep = np.arange(sizes.size) == min(views, key=lambda view: _reading_order(parts == view))
    kept = keep[parts]
    gaps = label(~kept)
    gap_sizes = np.bincount(gaps.ravel())
    pinholes = (gap_sizes < 0.0015 * kept.sum())[gaps] & ~kept
    drop = grow(solid & ~kept, 3) & ~grow(kept, 1)
    fill = grow(pinholes, 2) & shrink(kept | pinholes, 1)
    height, width = coverage.shape
    wide = np.clip(resize(np.stack([drop, fill], axis=-1).astype(np.float32), height, width), 0.0, 1.0)
    return np.maximum(coverage * (1.0 - wide[..., 0]), wide[..., 1])


def _reading_order(part: Flags) -> tuple[int, int]:
    """Sort key for areas in reading order: from the top in thirds of the image, then from the left."""
    rows, columns = np.nonzero(part)
    return -int(3 * rows.mean() / part.shape[0]), int(columns.mean())


def _rounded_card(height: int, width: int) -> Floats:
    """Returns the whole image as the subject, with rounded corners and a small margin."""
    air = min(1.0, 0.05 * min(height, width))
    radius = min(0.06 * max(height, width), 0.3 * min(height, width))
    y = np.abs(np.arange(height, dtype=np.float32) + 0.5 - height / 2)[:, None] - (height / 2 - air - radius)
    x = np.abs(np.arange(width, dtype=np.float32) + 0.5 - width / 2)[None, :] - (width / 2 - air - radius)
    beyond = np.hypot(np.maximum(x, 0.0), np.maximum(y, 0.0)) + np.minimum(np.maximum(x, y), 0.0)
    return np.clip(0.5 + radius - beyond, 0.0, 1.0).astype(np.float32)


def _lab(colors: Floats) -> Floats:
    """Convert sRGB to CIE L*a*b*, in which distances match perception (2 is just visible)."""
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear @ (to_xyz / np.array([[0.9505], [1.0], [1.089]])).T
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16.0 / 116.0)
    lab = np.stack([116.0 * f[..., 1] - 16.0, 500.0 * (f[..., 0] - f[..., 1]), 200.0 * (f[..., 1] - f[..., 2])], -1)
    return lab.astype(np.float32)
