# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks before an image is sent and paid for: is there one whole, visible subject that a model can be made from?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..errors import Message
from .cutout import Cutout, cut_out
from .raster import FloatArray, Mask, blur, erode, srgb_to_lab, unpremultiply

CHECK_SIDE: Final = 384
"""Pixels; the scaled-down copy that is checked is less than twice as long."""
MIN_TOUCH: Final = 0.04
"""Fraction of a side that the subject covers at least where it is cut off."""
TINY: Final = 0.03
"""Fraction of the image below which a subject is tiny."""
UNIFORM: Final = 2.0
"""Lab units; contrast between the darkest and brightest areas of a nearly uniform image."""
FAINT: Final = 9.0
"""Lab units; typical difference from the background of a subject that is hardly visible."""
TRANSLUCENT: Final = 0.5
"""Typical alpha of a subject that is hardly visible."""

_TINY: Final = "The subject covers only {percent}% of the image, so it will have few details. Crop the image around it."
_ADVICE: Final = "Use an image that shows all of it, with some space around."
_SHOW_ALL: Final = {"advice": Message(_ADVICE)}
_CUT_OFF: Final = (
    Message(
        "The subject touches the bottom edge of the image, so the model will be cut off there. {advice}", _SHOW_ALL
    ),
    Message("The subject touches the top edge of the image, so the model will be cut off there. {advice}", _SHOW_ALL),
    Message("The subject touches the left edge of the image, so the model will be cut off there. {advice}", _SHOW_ALL),
    Message("The subject touches the right edge of the image, so the model will be cut off there. {advice}", _SHOW_ALL),
)


@dataclass(frozen=True, slots=True)
class ImageWarning:
    """Something in an image that makes a bad model probable."""

    code: str
    """"cut_off", "tiny", "faint", "uniform", "no_background" or "nothing_visible"."""
    message: Message
    """What is wrong and what to do."""


TITLES: Final[Mapping[str, Message]] = {
    "cut_off": Message("Subject Is Cut Off"),
    "tiny": Message("Small Subject"),
    "faint": Message("Faint Subject"),
    "uniform": Message("Only One Color"),
    "no_background": Message("Busy Background"),
    "nothing_visible": Message("Fully Transparent"),
}
"""A warning's code in a few words, for where there is no room for its message."""
NOT_CUT_OUT: Final = Message("No Subject Found")
"""The same if the subject could not be cut out or cropped."""

NOTHING_VISIBLE: Final = ImageWarning(
    "nothing_visible", Message("The image is fully transparent, so there is nothing to make a model from.")
)
NEARLY_UNIFORM: Final = ImageWarning(
    "uniform", Message("The image has nearly one color only. Use an image in which the subject is clearly visible.")
)
NO_BACKGROUND: Final = ImageWarning(
    "no_background",
    Message(
        "No subject stands out from its background, so the model may contain both. "
        "Use an image with a plain or transparent background."
    ),
)
IS_FAINT: Final = ImageWarning(
    "faint",
    Message("The subject hardly differs from its background. Use an image with more contrast, or cut it out first."),
)
IS_TRANSLUCENT: Final = ImageWarning(
    "faint", Message("The subject is mostly transparent. Use an image in which it is opaque.")
)


def check_image(image: FloatArray) -> list[ImageWarning]:
    """Returns what is wrong with an RGBA image as input for a model, the worst first; empty if it is good."""
    small = _scaled_down(image)
    alpha = small[..., 3]
    if alpha.max() < 0.02:
        return [NOTHING_VISIBLE]
    lab = srgb_to_lab(np.clip(small[..., :3], 0.0, 1.0))
    if alpha.min() > 0.98 and _contrast(lab) < UNIFORM:
        return [NEARLY_UNIFORM]
    if (alpha > 0.02).any() and alpha.min() < 0.5 and float(np.median(alpha[alpha > 0.02])) < TRANSLUCENT:
        return [IS_TRANSLUCENT]
    found = cut_out(small)
    if found.card:
        return [NO_BACKGROUND]
    subject = found.coverage > 0.5
    warnings = [ImageWarning("cut_off", message) for message in _cut_off(subject)]
    if subject.mean() < TINY:
        warnings.append(ImageWarning("tiny", Message(_TINY, {"percent": f"{100.0 * subject.mean():.1f}"})))
    if alpha.min() > 0.98 and _is_faint(lab, found):
        warnings.append(IS_FAINT)
    return warnings


def _scaled_down(image: FloatArray) -> FloatArray:
    """Returns the image scaled down by a whole factor, which is fast."""
    factor = max(image.shape[:2]) // CHECK_SIDE
    if factor < 2 or min(image.shape[:2]) < 2 * factor:
        return image
    rows, columns = (side // factor for side in image.shape[:2])
    blocks = image[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor, 4)
    small = np.zeros((rows, columns, 4), np.float32)
    for row in range(factor):
        for column in range(factor):
            pixels = blocks[:, row, :, column]
            small[..., :3] += pixels[..., :3] * pixels[..., 3:]
            small[..., 3] += pixels[..., 3]
    return np.clip(unpremultiply(small / factor**2), 0.0, 1.0)


def _contrast(lab: FloatArray) -> float:
    """Returns the largest difference of a color channel between areas of the image. Noise doesn't count."""
    smooth = blur(lab, 3.0)
    return float(np.ptp(np.quantile(smooth, [0.002, 0.998], axis=(0, 1)), axis=0).max())


def _cut_off(subject: Mask) -> list[Message]:
    """Returns what to say about the sides of the image at which the subject is cut off."""
    sides = (subject[0], subject[-1], subject[:, 0], subject[:, -1])
    return [text for text, side in zip(_CUT_OFF, sides, strict=True) if side.mean() > MIN_TOUCH]


def _is_faint(lab: FloatArray, found: Cutout) -> bool:
    """Whether most of the subject's outline is hardly different from the background beside it."""
    inside = found.coverage > 0.5
    depth = max(2, round(max(inside.shape) / 100))
    inner, outer = inside & ~erode(inside, 2 * depth), ~inside & erode(~inside, depth)
    weights = np.stack([inner & erode(inside, depth), outer], axis=-1).astype(np.float32)
    means = blur(np.concatenate([lab * weights[..., :1], lab * weights[..., 1:], weights], axis=-1), 2.0 * depth)
    seen = inside & (means[..., 6] > 0.02) & (means[..., 7] > 0.02)
    if not seen.any():
        return False
    own, around = means[seen][:, :3] / means[seen][:, 6:7], means[seen][:, 3:6] / means[seen][:, 7:8]
    return float(np.median(np.linalg.norm(own - around, axis=-1))) < FAINT
