# SPDX-License-Identifier: GPL-3.0-or-later
"""Separates a subject from a photographic background: one complete subject near the image's center, without scraps.

Closed contours are proposed (`contours`), the best is searched for (`subject_search`) and refined pixel by pixel
(`segmentation`); the soft edge follows the image's own edges (a guided filter; He et al., PAMI 2013).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from .contours import find_contours
from .raster import FloatArray, Mask, blur, dilate, label_components, resize, srgb_to_lab
from .segmentation import refine
from .subject_search import find_subject
from .superpixels import divide

SEARCH_SIDE: Final = 256
"""Pixels; the longest side at which the subject is searched for."""
SUPERPIXELS: Final = 600
MIN_OVERLAP: Final = 0.17
"""Expected overlap with the real subject below which none is reported."""
MIN_HOLE: Final = 0.01
"""Fraction of the subject; smaller holes in it are closed."""
EDGE: Final = 3.0
"""Pixels of the soft edge's filter, in the working copy."""
SMOOTH: Final = 1e-3
"""Variance of a color, 0 to 1, below which the soft edge doesn't follow it."""


def separate(colors: FloatArray, working_copy: FloatArray) -> FloatArray | None:
    """Returns the subject's coverage of each pixel, 0 to 1, or None if none can be told from the background.

    `colors` is RGB; `working_copy` is the same image, scaled down.
    """
    height, width = working_copy.shape[:2]
    scale = min(1.0, SEARCH_SIDE / max(height, width))
    small = np.clip(resize(working_copy, max(8, round(height * scale)), max(8, round(width * scale))), 0.0, 1.0)
    lab = srgb_to_lab(small)
    parts = divide(lab, SUPERPIXELS)
    found = find_subject(lab, parts, find_contours(lab))
    if found.overlap < MIN_OVERLAP:
        return None
    subject, evidence = refine(lab, found.subject[parts.labels])
    subject = _one_part(subject, evidence)
    return _soft_edge(subject, working_copy, colors)


def _one_part(subject: Mask, evidence: FloatArray) -> Mask:
    """Returns the subject's largest part, with holes only where the background certainly shows through."""
    parts = label_components(subject)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    if not sizes.any():
        return subject
    kept = parts == sizes.argmax()
    gaps = label_components(~kept)
    sizes = np.bincount(gaps.ravel())
    against = np.bincount(gaps.ravel(), evidence.ravel()) / np.maximum(sizes, 1)
    closed = (sizes < MIN_HOLE * kept.sum()) | (against < 1.0)
    edges = np.concatenate([gaps[0], gaps[-1], gaps[:, 0], gaps[:, -1]])
    closed[np.append(edges, 0)] = False
    return kept | closed[gaps]


def _soft_edge(subject: Mask, working_copy: FloatArray, colors: FloatArray) -> FloatArray:
    """Returns the coverage at full size: near the outline, a linear function of the colors that fits it best."""
    height, width = working_copy.shape[:2]
    coverage = np.clip(resize(blur(subject.astype(np.float32), 0.7), height, width), 0.0, 1.0)
    slope, constant = _guided_filter(working_copy, coverage)
    rows, columns = colors.shape[:2]
    model = resize(np.concatenate([slope, constant[..., None]], axis=-1), rows, columns)
    guided = (model[..., :3] * colors).sum(axis=-1) + model[..., 3]
    # Only near the outline: elsewhere the subject is whole, and the background empty.
    solid = coverage > 0.5
    band = max(2, round(max(height, width) / 100))
    inside, outside = ~dilate(~solid, band), ~dilate(solid, band)
    limits = np.clip(resize(np.stack([inside, outside], axis=-1).astype(np.float32), rows, columns), 0.0, 1.0)
    guided = np.clip(1.4 * (guided - 0.5) + 0.5, 0.0, 1.0)
    return np.clip(np.maximum(guided, limits[..., 0]) * (1.0 - limits[..., 1]), 0.0, 1.0).astype(np.float32)


def _guided_filter(guide: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Returns slope and constant of the local linear function of the guide's colors that fits the values best."""
    products = (guide[..., :, None] * guide[..., None, :]).reshape(*values.shape, 9)
    stack = np.concatenate([guide, values[..., None], guide * values[..., None], products], axis=-1)
    means = blur(stack.astype(np.float32), EDGE)
    color, value = means[..., :3], means[..., 3]
    covariance = means[..., 7:].reshape(*values.shape, 3, 3) - color[..., :, None] * color[..., None, :]
    shared = means[..., 4:7] - color * value[..., None]
    slope = np.linalg.solve(covariance + SMOOTH * np.eye(3, dtype=np.float32), shared[..., None])[..., 0]
    constant = value - (slope * color).sum(axis=-1)
    both = blur(np.concatenate([slope, constant[..., None]], axis=-1).astype(np.float32), EDGE)
    return both[..., :3], both[..., 3]
