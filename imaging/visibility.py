# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out, before anything is paid for, whether an image shows something that a model can be made from.

Services such as TRELLIS crop an image with transparency to the pixels that are more than 80 % opaque, and fail if
there are none.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ..errors import ImageError
from ..formats.image_info import MIN_SIDE
from .raster import FloatArray

VISIBLE: Final = 0.25
"""Alpha from which a pixel counts as visible."""
SOLID: Final = 0.8
"""Alpha above which a pixel is part of the subject for TRELLIS."""
MIN_SOLID: Final = 0.1
"""Fraction of the visible pixels that must be solid; less may be a few stray pixels on a faint subject."""


def make_visible(image: FloatArray) -> FloatArray:
    """Returns the RGBA image itself, or a copy with the alpha of a faint subject raised until it is opaque.

    Raises ImageError if the image is fully or almost transparent, or what is visible is only a few pixels wide.
    """
    alpha = image[..., 3]
    visible = alpha > VISIBLE
    if not visible.any():
        if alpha.max() < 0.5 / 255.0:
            raise ImageError("The image is fully transparent, so there is nothing to make a model from.")
        raise ImageError(
            "The image is almost transparent ({percent}% opaque at most), so there is nothing to make a model from.",
            percent=round(float(alpha.max()) * 100.0),
        )
    height, width = (int(np.ptp(np.flatnonzero(visible.any(axis=axis)))) + 1 for axis in (1, 0))
    if min(width, height) < MIN_SIDE or int(visible.sum()) < MIN_SIDE * MIN_SIDE:
        raise ImageError(
            "What is visible in the image is too small ({width} × {height} pixels) to make a model from.",
            width=width,
            height=height,
        )
    if int((alpha > SOLID).sum()) >= MIN_SOLID * int(visible.sum()):
        return image
    # The most common opacity of the subject becomes 100 %; its soft outline stays soft.
    raised = np.clip(alpha / float(np.median(alpha[visible])), 0.0, 1.0)
    return np.concatenate([image[..., :3], raised[..., None]], axis=-1)
