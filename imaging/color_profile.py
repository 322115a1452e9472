# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts an image from its ICC color profile (Display P3, Adobe RGB, …) to sRGB; Blender ignores profiles.

Profiles of a matrix and curves are converted, as cameras, phones and screens have them, and gray ones of a curve
(ICC.1:2022, 8.3 and 8.4). Not converted, so that the colors stay those that Blender decoded: profiles that only have
look-up tables, such as those of printers (CMYK), which Blender converts by 1 − ink.
"""

from __future__ import annotations

import logging
import struct
from typing import Final

import numpy as np

from .raster import FloatArray, linear_to_srgb

_log = logging.getLogger(__name__)

_SRGB_TO_XYZ: Final = np.array(
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
)
"""Linear sRGB to XYZ under D50, the white of every profile (Bruce Lindbloom)."""
_STEPS: Final = np.linspace(0.0, 1.0, 255 * 16 + 1)
_PARAMETERS: Final = (1, 3, 4, 5, 7)
_SAME: Final = 1.5 / 255.0
"""A difference that is not worth a conversion: most profiles are sRGB's own."""

Curve = tuple[FloatArray, FloatArray]


def convert_to_srgb(image: FloatArray, profile: bytes) -> FloatArray:
    """Returns the RGBA image with its colors in sRGB; colors outside of it are clipped.

    `profile`: an ICC profile; with b"", or one that can't be used, the image is returned as it is.
    """
    if not profile:
        return image
    try:
        parsed = _parse(profile)
    except (struct.error, ValueError, IndexError) as error:
        _log.warning("the color profile is damaged, so the colors are taken for sRGB: %s", error)
        return image
    if parsed is None:
        _log.warning("the color profile (%s) has no matrix, so the colors are kept as decoded", profile[16:20])
        return image
    grid = np.stack(np.meshgrid(*[np.linspace(0.0, 1.0, 6)] * 3), axis=-1).astype(np.float32)
    if np.abs(_converted(grid, *parsed) - grid).max() < _SAME:
        return image
    return np.concatenate([_converted(image[..., :3], *parsed), image[..., 3:]], axis=-1)


def _converted(colors: FloatArray, curves: list[Curve], matrix: FloatArray) -> FloatArray:
    linear = np.stack([np.interp(colors[..., c], *curves[c]).astype(np.float32) for c in range(3)], axis=-1)
    return linear_to_srgb(np.clip(linear @ matrix.T, 0.0, 1.0))


def _parse(profile: bytes) -> tuple[list[Curve], FloatArray] | None:
    """Returns the curves to linear light, and the matrix to linear sRGB; None for a profile of another kind."""
    (count,) = struct.unpack_from(">I", profile, 128)
    tags = {}
    for entry in range(min(count, 100)):
        name, start, size = struct.unpack_from(">4sII", profile, 132 + 12 * entry)
        tags[name] = profile[start : start + size]
    space, connection = profile[16:20], profile[20:24]
    if space == b"GRAY" and b"kTRC" in tags:
        curve = _curve(tags[b"kTRC"])
        if connection == b"Lab ":
            lightness = (curve[1] * 100.0 + 16.0) / 116.0
            curve = curve[0], np.where(lightness > 6 / 29, lightness**3, (lightness - 4 / 29) * 108 / 841)
        return [curve] * 3, np.eye(3, dtype=np.float32)
    names = (b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC")
    if space != b"RGB " or connection != b"XYZ " or not tags.keys() >= set(names):
        return None
    to_xyz = np.array([struct.unpack_from(">3i", tags[name], 8) for name in names[:3]]).T / 65536.0
    return [_curve(tags[name]) for name in names[3:]], (np.linalg.inv(_SRGB_TO_XYZ) @ to_xyz).astype(np.float32)


def _curve(tag: bytes) -> Curve:
    """Returns the positions and values of a curve of the type "curv" or "para"."""
    kind, number = struct.unpack_from(">4s4xI", tag)
    if kind == b"curv" and number > 1:
        values = np.frombuffer(tag, ">u2", number, 12) / 65535.0
        return np.linspace(0.0, 1.0, number), values
    if kind == b"curv":
        return _STEPS, _STEPS ** (struct.unpack_from(">H", tag, 12)[0] / 256.0 if number else 1.0)
    if kind != b"para" or number >> 16 >= len(_PARAMETERS):
        raise ValueError("unknown kind of curve")
    form = number >> 16
    given = [value / 65536.0 for value in struct.unpack_from(f">{_PARAMETERS[form]}i", tag, 12)]
    gamma, a, b, c, d, e, f = (*given, *(0.0,) * (7 - len(given))) if form else (given[0], 1.0, *(0.0,) * 5)
    if form in {1, 2}:
        d, e, f, c = -b / a, c, c, 0.0
    upper = np.maximum(a * _STEPS + b, 0.0) ** gamma + e
    return _STEPS, np.clip(np.where(d <= _STEPS, upper, c * _STEPS + f), 0.0, 1.0)
