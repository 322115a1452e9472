# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames subjects for the service: crop to a square with a small margin, and several views in one transparent image.

Image-to-3D models such as TRELLIS are trained on a centered subject with a small margin on a transparent background.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from ..errors import NO_MESSAGE, ImageError, Message
from .cutout import Cutout, cut_out
from .raster import FloatArray, downscale, resize, unpremultiply

MARGIN: Final = 0.05
"""Space on each side of the subject's longest side, as a fraction of the cropped image."""
MAX_VIEWS: Final = 6
GAP: Final = 0.06
"""Transparent space between two views, as a fraction of their height."""
MAX_SIDE: Final = 2048
"""Pixels; the longest side of several views in one image."""


def frame_subject(image: FloatArray, *, cut: bool, crop: bool) -> tuple[FloatArray, Message]:
    """Returns the RGBA image with its subject cut out, and cropped to it and padded to a square, as wanted.

    Where no subject can be separated, the image is only padded; the message says why. It is empty otherwise.
    """
    if not (cut or crop):
        return image, NO_MESSAGE
    found = cut_out(image)
    framed = apply_cutout(image, found) if cut else image
    return crop_and_pad(framed, found) if crop else framed, found.reason


def apply_cutout(image: FloatArray, cutout: Cutout) -> FloatArray:
    """Returns the RGBA image with its background transparent. An image without a subject is returned unchanged."""
    if cutout.card:
        return image
    return np.concatenate([image[..., :3], cutout.coverage[..., None]], axis=-1).astype(np.float32)


def crop_and_pad(image: FloatArray, cutout: Cutout, *, square: bool = True, margin: float = MARGIN) -> FloatArray:
    """Crop an RGBA image around its subject, with `margin` (0 to 0.4) on each side, and pad it to a square.

    Space beyond the image is transparent if the image has transparency; otherwise the image's border is extended. An
    image without a subject is only padded.
    """
    height, width = image.shape[:2]
    if cutout.card:
        top, bottom, left, right, space = 0, height, 0, width, 0
    else:
        rows, columns = (np.flatnonzero((cutout.coverage > 0.02).any(axis=axis)) for axis in (1, 0))
        top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
        share = min(max(margin, 0.0), 0.4)
        space = round(max(bottom - top, right - left) * share / (1.0 - 2.0 * share))
    tall, wide = bottom - top + 2 * space, right - left + 2 * space
    if square:
        tall = wide = max(tall, wide)
    first_row, first_column = (top + bottom - tall) // 2, (left + right - wide) // 2
    rows, columns = np.arange(first_row, first_row + tall), np.arange(first_column, first_column + wide)
    framed = image[np.clip(rows, 0, height - 1)][:, np.clip(columns, 0, width - 1)]
    if (image[..., 3] < 0.999).any():
        outside = ((rows < 0) | (rows >= height))[:, None] | ((columns < 0) | (columns >= width))
        framed[..., 3] = np.where(outside, 0.0, framed[..., 3])
    return framed


def compose_views(views: Sequence[tuple[FloatArray, Cutout]]) -> FloatArray:
    """Returns several views of a subject, up to six, in one transparent image: in one row, at the same height.

    Experimental: the service's layout is not documented. Raises ImageError for no view or too many.
    """
    if not 1 <= len(views) <= MAX_VIEWS:
        raise ImageError(
            "There are {count} views of the subject: use one to {limit}.", count=len(views), limit=MAX_VIEWS
        )
    cropped = [crop_and_pad(apply_cutout(image, cutout), cutout, square=False, margin=0.0) for image, cutout in views]
    height = min(max(view.shape[0] for view in cropped), MAX_SIDE)
    scaled = [_scale_to_height(view, height) for view in cropped]
    gap = max(1, round(GAP * height))
    width = sum(view.shape[1] for view in scaled) + gap * (len(scaled) + 1)
    canvas = np.zeros((height + 2 * gap, width, 4), np.float32)
    column = gap
    for view in scaled:
        canvas[gap : gap + height, column : column + view.shape[1]] = view
        column += view.shape[1] + gap
    return downscale(canvas, MAX_SIDE)


def _scale_to_height(view: FloatArray, height: int) -> FloatArray:
    if view.shape[0] == height:
        return view
    premultiplied = np.concatenate([view[..., :3] * view[..., 3:], view[..., 3:]], axis=-1)
    width = max(1, round(view.shape[1] * height / view.shape[0]))
    return np.clip(unpremultiply(resize(premultiplied, height, width)), 0.0, 1.0)
