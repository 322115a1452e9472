# SPDX-License-Identifier: GPL-3.0-or-later
"""Background removal: separates an image's subject by its alpha, or by its difference from the background. Not AI.

A plain background is what a flood fill from the image's border reaches (`plain_background`). In a photo, one complete
subject near the center is searched for (`photo_background`). An image in which no subject can be separated becomes a
card with rounded corners.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..errors import NO_MESSAGE, Message
from . import photo_background, plain_background
from .raster import FloatArray, Mask, blur, dilate, erode, label_components, resize, srgb_to_lab

_log = logging.getLogger(__name__)

WORKING_SIDE: Final = 640
"""Pixels; the longest side of the scaled-down copy that is segmented."""
MIN_SUBJECT: Final = 0.004
MAX_SUBJECT: Final = 0.96
"""Fractions of the image that a subject covers at least and at most."""
LARGE_PART: Final = 0.05
"""Fraction of the largest part; smaller parts of an opaque image are scraps."""
NOTHING_STANDS_OUT: Final = Message("Nothing in the image stands out from its background.")
NO_BACKGROUND: Final = Message("No background was found around the subject.")
NOT_CLEAR: Final = Message("The subject can't be told apart from the background.")


@dataclass(frozen=True, slots=True)
class Cutout:
    """The subject of an image."""

    coverage: FloatArray
    """Coverage of each pixel by the subject, 0 to 1; same shape as the image."""
    card: bool
    """No subject was found: this is the whole image, with rounded corners."""
    reason: Message = NO_MESSAGE
    """Why no subject was found."""
    photo: bool = False
    """The background is not plain, so the outline is an estimate."""


def cut_out(image: FloatArray, *, first_view: bool = False) -> Cutout:
    """Find the subject of an RGBA image. `first_view`: only the first of several views beside each other."""
    alpha = image[..., 3]
    photo = False
    if has_subject_in_alpha(image):
        coverage: FloatArray | None = _clean_up(np.clip(alpha, 0.0, 1.0), first_view)
    else:
        colors = np.clip(_working_copy(image[..., :3]), 0.0, 1.0)
        coverage = _before_plain_background(colors, *alpha.shape)
        photo = coverage is None
        if coverage is None:
            coverage = photo_background.separate(image[..., :3], colors)
        if coverage is not None:
            coverage = _without_scraps(_clean_up(coverage, first_view), one=photo)
            solid = coverage > 0.5
            specks = solid & ~dilate(erode(solid, 1), 3)
            coverage = np.where(specks, np.float32(0.49), coverage)
    if coverage is None:
        return _card(image, NOT_CLEAR)
    fraction = float((coverage > 0.5).mean())
    if fraction <= MIN_SUBJECT:
        return _card(image, NOTHING_STANDS_OUT)
    if fraction >= MAX_SUBJECT:
        return _card(image, NO_BACKGROUND)
    return Cutout(coverage, False, photo=photo)


def without_plain_background(image: FloatArray) -> FloatArray:
    """Returns an RGBA image with its plain background made transparent; unchanged if it has none."""
    if has_subject_in_alpha(image):
        return image
    colors = np.clip(_working_copy(image[..., :3]), 0.0, 1.0)
    coverage = _before_plain_background(colors, *image.shape[:2])
    if coverage is None or not MIN_SUBJECT < float((coverage > 0.5).mean()) < MAX_SUBJECT:
        return image
    return np.concatenate([image[..., :3], coverage[..., None]], axis=-1)


def _before_plain_background(colors: FloatArray, height: int, width: int) -> FloatArray | None:
    """Returns the coverage by what is before a plain background, at that size; None if the background is not plain."""
    subject = plain_background.separate(blur(srgb_to_lab(colors), 0.8))
    if subject is None:
        return None
    return np.clip(resize(blur(subject.astype(np.float32), 1.2), height, width), 0.0, 1.0)


def has_subject_in_alpha(image: FloatArray) -> bool:
    """Whether an RGBA image's own alpha separates a subject from its background."""
    return MIN_SUBJECT < float((image[..., 3] > 0.5).mean()) < 1.0 - MIN_SUBJECT


def _card(image: FloatArray, reason: Message) -> Cutout:
    _log.info("the whole image becomes a card: %s", reason)
    return Cutout(_rounded_card(*image.shape[:2]), True, reason)


def _working_copy(image: FloatArray) -> FloatArray:
    """Returns the image at the size at which it is segmented."""
    height, width = image.shape[:2]
    scale = min(1.0, WORKING_SIDE / max(height, width))
    return resize(image, max(8, round(height * scale)), max(8, round(width * scale)))


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


def _without_scraps(coverage: FloatArray, *, one: bool) -> FloatArray:
    """Remove all that is not near a large part; `one`: not near the largest part."""
    small = _working_copy(coverage)
    parts = label_components(small > 0.5)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    if not sizes.any():
        return coverage
    kept = ((sizes == sizes.max()) if one else (sizes >= LARGE_PART * sizes.max()))[parts]
    near = dilate(kept, 2)
    scraps = (dilate((small > 0.1) & ~near, 3) & ~near) | (dilate((parts > 0) & ~kept, 1) & ~kept)
    if not scraps.any():
        return coverage
    return coverage * (1.0 - np.clip(resize(scraps.astype(np.float32), *coverage.shape), 0.0, 1.0))


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
