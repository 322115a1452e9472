# SPDX-License-Identifier: GPL-3.0-or-later
"""Images as arrays: resampling, blurring, connected components, color conversion. NumPy only.

An image is float32 of shape (height, width, channels) or (height, width); row 0 is the bottom row, as in Blender and
in texture coordinates. Colors are sRGB, 0 to 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]


def linear_to_srgb(linear: Floats) -> Floats:
    """Convert linear light to sRGB, both 0 to 1 (IEC 61966-2-1)."""
    curve = 1.055 * np.maximum(linear, 1e-8) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, linear * 12.92, curve).astype(np.float32)


def resize(image: Floats, height: int, width: int) -> Floats:
    """Resize the image: each new pixel is a weighted average of the area it covers."""
    tall, wide = image.shape[0] / height, image.shape[1] / width
    rows = (np.arange(height) + 0.5) * tall - 0.5
    columns = (np.arange(width) + 0.5) * wide - 0.5
    return _resampled(_resampled(image, 0, rows, tall, True), 1, columns, wide, True)


def sample(image: Floats, rows: Floats, columns: Floats, step: float) -> Floats:
    """Sample the image at a grid of positions (pixels; 0 is the first one's center), `step` apart. Zero outside."""
    return _resampled(_resampled(image, 0, rows, step, False), 1, columns, step, False)


def _resampled(image: Floats, axis: int, places: Floats, step: float, inside: bool) -> Floats:
    """Sample the image's rows (or columns) at `places`, with a cubic filter as wide as `step` needs.

    `inside`: pixels outside the image are ignored; otherwise they count as zero.
    """
    scale = max(step, 1.0)
    length = image.shape[axis]
    first = np.floor(places - 2.0 * scale).astype(np.int64) + 1
    taps = first[None, :] + np.arange(int(np.ceil(4.0 * scale)))[:, None]
    away = np.abs(places[None, :] - taps) / scale
    # Mitchell-Netravali (1/3, 1/3): little ringing, and sharper than a B-spline.
    near = (7.0 * away**3 - 12.0 * away**2 + 16.0 / 3.0) / 6.0
    far = (-7.0 / 3.0 * away**3 + 12.0 * away**2 - 20.0 * away + 32.0 / 3.0) / 6.0
    weights = np.where(away < 1.0, near, np.where(away < 2.0, far, 0.0))
    within = (taps >= 0) & (taps < length)
    full = weights.sum(axis=0)
    weights = np.where(within, weights, 0.0)
    weights = (weights / (weights.sum(axis=0) if inside else full)).astype(np.float32)
    shape = [1] * image.ndim
    shape[axis] = places.size
    total = np.zeros((*image.shape[:axis], places.size, *image.shape[axis + 1 :]), np.float32)
    for tap, weight in zip(np.clip(taps, 0, length - 1), weights, strict=True):
        total += weight.reshape(shape) * np.take(image, tap, axis=axis)
    return total


def blur(image: Floats, sigma: float) -> Floats:
    """Gaussian blur; `sigma` in pixels. The border is extended by its own pixels."""
    if sigma <= 0.0:
        return image
    reach = max(1, int(3.0 * sigma + 0.5))
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2).astype(np.float32)
    taps /= taps.sum()
    for axis in (0, 1):
        edges = [(reach, reach) if a == axis else (0, 0) for a in range(image.ndim)]
        padded = np.pad(image, edges, mode="edge")
        length = image.shape[axis]
        total = np.zeros_like(image)
        for offset, tap in enumerate(taps):
            total += tap * np.take(padded, range(offset, offset + length), axis=axis)
        image = total
    return image


def grow(mask: Flags, pixels: int) -> Flags:
    """Dilate the mask by `pixels` (diamonds and squares in turn, so nearly round)."""
    for step in range(pixels):
        padded = np.pad(mask, 1)
        wider = mask | padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
        if step % 2:
            wider |= padded[:-2, :-2] | padded[:-2, 2:] | padded[2:, :-2] | padded[2:, 2:]
        mask = wider
    return mask


def shrink(mask: Flags, pixels: int) -> Flags:
    """Erode the mask by `pixels`; outside the image counts as outside the mask."""
    padded = np.pad(mask, pixels)
    return ~grow(~padded, pixels)[pixels:-pixels, pixels:-pixels] if pixels else mask


def label(mask: Flags) -> NDArray[np.int32]:
    """Label the connected components (4-neighborhood) of the mask from 1; 0 is outside."""
    height, width = mask.shape
    numbers = np.where(mask, np.arange(1, mask.size + 1, dtype=np.int32).reshape(height, width), 0)
    while True:
        before = numbers
        numbers = _spread(_spread(numbers, mask).T, mask.T).T
        if np.array_equal(before, numbers):
            break
    found = np.unique(np.append(0, numbers))
    return np.searchsorted(found, numbers).astype(np.int32)


def reach(seeds: Flags, allowed: Flags) -> Flags:
    """Flood fill: returns all of `allowed` that is connected with a seed."""
    numbers = (seeds & allowed).astype(np.int32)
    while True:
        before = numbers
        numbers = _spread(_spread(numbers, allowed).T, allowed.T).T
        if np.array_equal(before, numbers):
            return numbers > 0


def _spread(numbers: NDArray[np.int32], mask: Flags) -> NDArray[np.int32]:
    """In each row, set every run of the mask to the largest label in it."""
    flat = np.pad(mask, ((0, 0), (1, 1))).ravel()
    values = np.pad(numbers, ((0, 0), (1, 1))).ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    if not changes.size:
        return numbers
    largest = np.maximum.reduceat(values, changes)
    lengths = np.diff(np.append(changes, flat.size))
    result = np.zeros_like(values)
    result[changes[0] :] = np.repeat(largest, lengths)
    result[~flat] = 0
    return result.reshape(mask.shape[0], -1)[:, 1:-1]
