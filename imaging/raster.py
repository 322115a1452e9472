# SPDX-License-Identifier: GPL-3.0-or-later
"""Images as arrays: resampling, blur, morphology, connected components, color and alpha conversion. NumPy only.

An image is float32 of shape (height, width, channels) or (height, width); row 0 is the bottom row, as in Blender and
in texture coordinates. Colors are sRGB, 0 to 1, with straight alpha.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]
Mask = NDArray[np.bool_]


def linear_to_srgb(linear: FloatArray) -> FloatArray:
    """Convert linear light to sRGB, both 0 to 1 (IEC 61966-2-1)."""
    curve = 1.055 * np.maximum(linear, 1e-8) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, linear * 12.92, curve).astype(np.float32)


def srgb_to_linear(srgb: FloatArray) -> FloatArray:
    """Convert sRGB to linear light, both 0 to 1 (IEC 61966-2-1)."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def srgb_to_lab(colors: FloatArray) -> FloatArray:
    """Convert sRGB to CIE L*a*b*, in which distances match perception (2 is just visible)."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = srgb_to_linear(colors) @ (to_xyz / np.array([[0.9505], [1.0], [1.089]])).T
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16.0 / 116.0)
    lab = np.stack([116.0 * f[..., 1] - 16.0, 500.0 * (f[..., 0] - f[..., 1]), 200.0 * (f[..., 1] - f[..., 2])], -1)
    return lab.astype(np.float32)


def to_rgba(image: FloatArray) -> FloatArray:
    """Convert an image of 1 (gray), 2 (gray and alpha), 3 (RGB) or more channels to h × w × 4."""
    channels = image.shape[2]
    if channels >= 4:
        return image[..., :4]
    colors = image if channels == 3 else image[..., :1].repeat(3, axis=-1)
    alpha = image[..., 1:] if channels == 2 else np.ones_like(image[..., :1])
    return np.concatenate([colors, alpha], axis=-1)


def unpremultiply(image: FloatArray) -> FloatArray:
    """Divide an RGBA image's colors by its alpha. Where alpha is 0, colors are unchanged."""
    alpha = image[..., 3:]
    colors = np.divide(image[..., :3], alpha, out=image[..., :3].copy(), where=alpha > 1e-6)
    return np.concatenate([colors, alpha], axis=-1)


def apply_orientation(image: FloatArray, orientation: int) -> FloatArray:
    """Turn an image as stored upright: undo the mirroring and rotation of its EXIF orientation, 1 to 8."""
    if orientation in {5, 6, 7, 8}:
        image = image.transpose(1, 0, 2)
    if orientation in {2, 3, 5, 8}:
        image = image[:, ::-1]
    if orientation in {3, 4, 5, 6}:
        image = image[::-1]
    return image


def downscale(image: FloatArray, max_side: int) -> FloatArray:
    """Scale an RGBA image down to at most `max_side` pixels. Colors of transparent pixels don't bleed in."""
    height, width = image.shape[:2]
    if max(height, width) <= max_side:
        return image
    factor = max_side / max(height, width)
    premultiplied = np.concatenate([image[..., :3] * image[..., 3:], image[..., 3:]], axis=-1)
    small = resize(premultiplied, max(1, round(height * factor)), max(1, round(width * factor)))
    return np.clip(unpremultiply(small), 0.0, 1.0)


def resize(image: FloatArray, height: int, width: int) -> FloatArray:
    """Resize the image: each new pixel is a weighted average of the area it covers."""
    row_step, column_step = image.shape[0] / height, image.shape[1] / width
    rows = (np.arange(height) + 0.5) * row_step - 0.5
    columns = (np.arange(width) + 0.5) * column_step - 0.5
    return _resample(_resample(image, 0, rows, row_step, True), 1, columns, column_step, True)


def sample_grid(image: FloatArray, rows: FloatArray, columns: FloatArray, step: float) -> FloatArray:
    """Sample the image at a grid of positions (pixels; 0 is the first one's center), `step` apart. Zero outside."""
    return _resample(_resample(image, 0, rows, step, False), 1, columns, step, False)


def _resample(image: FloatArray, axis: int, positions: FloatArray, step: float, ignore_outside: bool) -> FloatArray:
    """Sample the image's rows (or columns) at `positions`, with a cubic filter as wide as `step` needs.

    `ignore_outside`: pixels outside the image are ignored; otherwise they count as zero. The filter is Mitchell and
    Netravali's (SIGGRAPH 1988) with B = C = 1/3: little ringing, and sharper than a B-spline.
    """
    scale = max(step, 1.0)
    length = image.shape[axis]
    first = np.floor(positions - 2.0 * scale).astype(np.int64) + 1
    taps = first[None, :] + np.arange(int(np.ceil(4.0 * scale)))[:, None]
    distance = np.abs(positions[None, :] - taps) / scale
    near = (7.0 * distance**3 - 12.0 * distance**2 + 16.0 / 3.0) / 6.0
    far = (-7.0 / 3.0 * distance**3 + 12.0 * distance**2 - 20.0 * distance + 32.0 / 3.0) / 6.0
    weights = np.where(distance < 1.0, near, np.where(distance < 2.0, far, 0.0))
    weights_inside = np.where((taps >= 0) & (taps < length), weights, 0.0)
    total = (weights_inside if ignore_outside else weights).sum(axis=0)
    weights = (weights_inside / total).astype(np.float32)
    shape = [1] * image.ndim
    shape[axis] = positions.size
    result = np.zeros((*image.shape[:axis], positions.size, *image.shape[axis + 1 :]), np.float32)
    for tap, weight in zip(np.clip(taps, 0, length - 1), weights, strict=True):
        result += weight.reshape(shape) * np.take(image, tap, axis=axis)
    return result


def blur(image: FloatArray, sigma: float) -> FloatArray:
    """Gaussian blur; `sigma` in pixels. The border is extended by its own pixels."""
    radius = max(1, int(3.0 * sigma + 0.5))
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2).astype(np.float32)
    taps /= taps.sum()
    for axis in (0, 1):
        edges = [(radius, radius) if a == axis else (0, 0) for a in range(image.ndim)]
        image = sliding_window_view(np.pad(image, edges, mode="edge"), taps.size, axis) @ taps
    return image


def dilate(mask: Mask, pixels: int) -> Mask:
    """Dilate the mask by `pixels` (diamonds and squares in turn, so nearly round)."""
    for step in range(pixels):
        padded = np.pad(mask, 1)
        dilated = mask | padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
        if step % 2:
            dilated |= padded[:-2, :-2] | padded[:-2, 2:] | padded[2:, :-2] | padded[2:, 2:]
        mask = dilated
    return mask


def erode(mask: Mask, pixels: int) -> Mask:
    """Erode the mask by `pixels`. What is outside the image is outside the mask."""
    padded = np.pad(mask, pixels)
    return ~dilate(~padded, pixels)[pixels:-pixels, pixels:-pixels] if pixels else mask


def label_components(mask: Mask) -> NDArray[np.int32]:
    """Label the connected components (4-neighborhood) of the mask from 1; 0 is outside."""
    unique = np.arange(1, mask.size + 1, dtype=np.int32).reshape(mask.shape)
    labels = _propagate(np.where(mask, unique, 0), mask)
    return np.searchsorted(np.unique(np.append(0, labels)), labels).astype(np.int32)


def flood_fill(seeds: Mask, allowed: Mask) -> Mask:
    """Returns all of `allowed` that is connected with a seed (4-neighborhood)."""
    return _propagate((seeds & allowed).astype(np.int32), allowed) > 0


def _propagate(labels: NDArray[np.int32], mask: Mask) -> NDArray[np.int32]:
    """Set every connected component of the mask to the largest label in it."""
    while True:
        previous = labels
        labels = _propagate_in_rows(_propagate_in_rows(labels, mask).T, mask.T).T
        if np.array_equal(previous, labels):
            return labels


def _propagate_in_rows(labels: NDArray[np.int32], mask: Mask) -> NDArray[np.int32]:
    """In each row, set every run of the mask to the largest label in it."""
    flat = np.pad(mask, ((0, 0), (1, 1))).ravel()
    values = np.pad(labels, ((0, 0), (1, 1))).ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    if not changes.size:
        return labels
    largest = np.maximum.reduceat(values, changes)
    lengths = np.diff(np.append(changes, flat.size))
    result = np.zeros_like(values)
    result[changes[0] :] = np.repeat(largest, lengths)
    result[~flat] = 0
    return result.reshape(mask.shape[0], -1)[:, 1:-1]
