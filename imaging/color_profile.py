# SPDX-License-Identifier: GPL-3.0-or-later
"""Color management: converts pixels from an image's ICC profile (Display P3, Adobe RGB, ...) to sRGB.

Matrix profiles, which cameras, phones and screens use, are converted exactly. Profiles with lookup tables (CMYK, some
printers) are not: such an image keeps its numbers. Source: ICC.1:2022 (sections 8.3, 10.6, 10.18) and IEC 61966-2-1.
"""

from __future__ import annotations

import struct
from typing import Final

import numpy as np
import numpy.typing as npt

from .raster import FloatArray, linear_to_srgb

_XYZ_TO_SRGB: Final = np.array(
    [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ]
)
"""From the profile connection space (XYZ for the white D50) to linear sRGB."""
_TABLE: Final = 1024


def to_srgb(pixels: FloatArray, profile: bytes) -> FloatArray:
    """Returns RGBA pixels (0 to 1) converted to sRGB; unchanged if the profile is sRGB, or not a matrix profile."""
    tags = _tags(profile)
    curves = [_curve(tags.get(name, b"")) for name in (b"rTRC", b"gTRC", b"bTRC")]
    columns = [_xyz(tags.get(name, b"")) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
    if profile[16:20] != b"RGB " or any(curve is None for curve in curves) or any(xyz is None for xyz in columns):
        return pixels
    matrix = _XYZ_TO_SRGB @ np.array(columns, np.float64).T
    steps = np.linspace(0.0, 1.0, _TABLE)
    encoded = [linear_to_srgb(np.clip(curve, 0.0, 1.0).astype(np.float32)) for curve in curves if curve is not None]
    if np.abs(matrix - np.eye(3)).max() < 0.005 and max(np.abs(curve - steps).max() for curve in encoded) < 0.005:
        return pixels
    linear = np.stack([np.interp(pixels[..., i], steps, curves[i]) for i in range(3)], axis=-1)
    converted = pixels.copy()
    converted[..., :3] = linear_to_srgb(np.clip(linear @ matrix.T, 0.0, 1.0).astype(np.float32))
    return converted


def _tags(profile: bytes) -> dict[bytes, bytes]:
    if len(profile) < 132 or profile[36:40] != b"acsp":
        return {}
    count = min(struct.unpack_from(">I", profile, 128)[0], (len(profile) - 132) // 12, 100)
    rows = (struct.unpack_from(">4sII", profile, 132 + 12 * index) for index in range(count))
    return {name: profile[start : start + size] for name, start, size in rows}


def _xyz(tag: bytes) -> tuple[float, ...] | None:
    if tag[:4] != b"XYZ " or len(tag) < 20:
        return None
    return tuple(value / 65536.0 for value in struct.unpack_from(">3i", tag, 8))


def _curve(tag: bytes) -> npt.NDArray[np.float64] | None:
    """Returns the linear value for `_TABLE` encoded values from 0 to 1; None if the tag is no curve."""
    x = np.linspace(0.0, 1.0, _TABLE)
    if tag[:4] == b"curv" and len(tag) >= 12:
        (count,) = struct.unpack_from(">I", tag, 8)
        values = np.frombuffer(tag, ">u2", min(count, (len(tag) - 12) // 2), 12).astype(np.float64)
        if not count:
            return x
        if len(values) == 1:
            return x ** (values[0] / 256.0)
        return np.interp(x, np.linspace(0.0, 1.0, len(values)), values / 65535.0) if len(values) else None
    if tag[:4] == b"para" and len(tag) >= 12:
        (kind,) = struct.unpack_from(">H", tag, 8)
        names = {0: "g", 1: "gab", 2: "gabc", 3: "gabcd", 4: "gabcdef"}.get(kind, "")
        if not names or len(tag) < 12 + 4 * len(names):
            return None
        given = dict(zip(names, np.frombuffer(tag, ">i4", len(names), 12) / 65536.0, strict=True))
        g, a, b = given["g"], given.get("a", 1.0), given.get("b", 0.0)
        # Kinds 1 and 2 are constant below -b / a; 3 and 4 are linear below d.
        c, d = (given["c"], given["d"]) if "d" in given else (0.0, -b / a if kind else 0.0)
        offset = given.get("e", 0.0 if kind != 2 else given["c"])
        low = c * x + given.get("f", offset if kind == 2 else 0.0)
        return np.where(x >= d, np.maximum(a * x + b, 0.0) ** g + offset, low)
    return None
