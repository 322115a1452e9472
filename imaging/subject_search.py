# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the subject of a photo among proposed outlines: the one whose inside differs most from its surroundings.

Works on superpixels. Each outline is first fitted to the image: a superpixel belongs to the subject if those of similar
color nearby do, and if the cut around the subject is short and follows changes of color. Then they are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from .contours import Contour
from .raster import FloatArray, IntArray, Mask, blur, dilate, label_components
from .superpixels import Superpixels

SIMILAR: Final = 9.0
"""Standard deviation, in Lab, of the colors that count as similar."""
NEARBY: Final = 0.25
"""Standard deviation of the distance at which they are compared, as a fraction of the image's longest side."""
FITTED: Final = 10
"""How many outlines are fitted; different ones."""
PROPOSED: Final = (0.752, 0.218, 0.314, 0.013, -0.389, -0.097, -1.102, 0.124)
"""What each feature of `describe` adds to the expected overlap of a proposed outline with the subject.

These and the next are least-squares fits to 72 images with known subjects: renders composed over photos.
"""
AFTER_FIT: Final = (0.25, 0.281, -0.122, -0.009, 0.019, -0.009, -0.881, -0.408, 0.125, 0.17)
"""The same after it was fitted; then what its expected overlap before and its agreement with the others add."""
AFTER_FIT_CONSTANT: Final = -0.252
SAME: Final = 0.85
"""Outlines that overlap more are the same (intersection over union)."""
BORDER_ZONE: Final = 0.08
"""Distance from the border, as a fraction of the longest side, at which an image's background is sampled."""
BORDER_COLORS: Final = 12.0
"""Standard deviation, in Lab, of the colors that count as those of the background."""
UNIQUE: Final = 0.01
"""Fraction of the background near the border below which an area's color is the subject's own."""
ROUNDS: Final = 5
ITERATIONS: Final = 100
STIFFNESS: Final = 0.5
STEP: Final = 10.0
SPREAD: Final = 0.05
"""How far a fitted outline may be from the proposed one, as a fraction of the image's longest side."""


@dataclass(frozen=True, slots=True)
class Found:
    """A subject among superpixels."""

    subject: FloatArray
    """How much of each superpixel belongs to it, 0 to 1."""
    overlap: float
    """The overlap with the real subject (intersection over union) that its features let expect."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What superpixels have to do with each other."""

    similarity: FloatArray
    """n × n; weight of each other superpixel (columns) for one (rows)."""
    edges: IntArray
    """m × 2; neighbors."""
    lengths: IntArray
    """Pixels along each common edge."""
    changes: FloatArray
    """Mean change of color across each edge."""


def find_subject(lab: FloatArray, parts: Superpixels, proposals: list[Contour]) -> Found:
    """Returns the most probable subject of a Lab image, near one of the proposed outlines."""
    around = surroundings(lab, parts)
    proposed = fractions([contour.mask for contour in proposals], parts)
    scores = describe(parts, around, proposed) @ PROPOSED
    overlaps = _overlaps(proposed, parts)
    chosen: list[int] = []
    for number in np.argsort(-scores):
        if len(chosen) < FITTED and all(overlaps[number, other] < SAME for other in chosen):
            chosen.append(int(number))
    fitted = fit(parts, around, [proposals[number] for number in chosen])
    agreement = _overlaps(fitted, parts) ** 4 @ np.exp(10.0 * (scores[chosen] - scores.max()))
    features = np.column_stack([describe(parts, around, fitted), scores[chosen], agreement])
    expected = features @ AFTER_FIT + AFTER_FIT_CONSTANT
    best = int(expected.argmax())
    return Found(_completed(parts, fitted[:, best]), float(expected[best]))


def _completed(parts: Superpixels, subject: FloatArray) -> FloatArray:
    """Returns the subject with the areas beside it whose colors the background near the border doesn't have."""
    height, width = parts.labels.shape
    rows, columns = parts.centers.T
    to_border = np.minimum.reduce([rows, height - rows, columns, width - columns]) / max(height, width)
    background = np.exp(-to_border / BORDER_ZONE) * parts.sizes * (subject < 0.5)
    alike = np.exp(-0.5 * _squared_distances(parts.colors / BORDER_COLORS))
    np.fill_diagonal(alike, 0.0)
    unique = (alike @ background / max(float(background.sum()), 1e-6) < UNIQUE) & (subject < 0.5)
    areas = label_components(unique[parts.labels])
    sizes = np.bincount(areas.ravel())
    whole = subject[parts.labels] > 0.5
    added = np.isin(np.arange(sizes.size), areas[dilate(whole, 2)])
    added &= (sizes > 0.02 * whole.sum()) & (sizes < 1.5 * whole.sum())
    added[np.concatenate([areas[0], areas[-1], areas[:, 0], areas[:, -1]])] = False
    added[0] = False
    return np.where(fractions([added[areas]], parts)[:, 0] > 0.5, np.float32(1.0), subject)


def _overlaps(subjects: FloatArray, parts: Superpixels) -> FloatArray:
    """Returns the intersection over union of each two subjects (columns)."""
    sizes = parts.sizes.astype(np.float32)
    common = np.stack([sizes @ np.minimum(subjects, column[:, None]) for column in subjects.T])
    either = np.stack([sizes @ np.maximum(subjects, column[:, None]) for column in subjects.T])
    return common / np.maximum(either, 1e-6)


def surroundings(lab: FloatArray, parts: Superpixels) -> Surroundings:
    """Measure how superpixels relate."""
    count = parts.sizes.size
    positions = parts.centers / max(lab.shape[:2]) / NEARBY
    similarity = np.exp(-0.5 * (_squared_distances(parts.colors / SIMILAR) + _squared_distances(positions)))
    similarity = (similarity * parts.sizes).astype(np.float32)
    np.fill_diagonal(similarity, 0.0)  # so that nothing confirms itself
    keys, differences = [], []
    for axis in (0, 1):
        ahead, behind = np.delete(parts.labels, 0, axis), np.delete(parts.labels, -1, axis)
        differs = ahead != behind
        pairs = np.sort(np.stack([ahead[differs], behind[differs]]), axis=0)
        keys.append(pairs[0] * count + pairs[1])
        differences.append(np.sqrt((np.diff(lab, axis=axis) ** 2).sum(axis=-1))[differs])
    unique, edge = np.unique(np.concatenate(keys), return_inverse=True)
    lengths = np.bincount(edge)
    changes = np.bincount(edge, np.concatenate(differences)) / lengths
    return Surroundings(similarity, np.stack([unique // count, unique % count], -1), lengths, changes)


def _squared_distances(points: FloatArray) -> FloatArray:
    squares = (points**2).sum(axis=1)
    return np.maximum(squares[:, None] + squares - 2.0 * points @ points.T, 0.0)


def fractions(masks: Sequence[FloatArray | Mask], parts: Superpixels) -> FloatArray:
    """Returns the fraction of each superpixel (rows) that each mask (columns) covers."""
    flat, count = parts.labels.ravel(), parts.sizes.size
    return np.stack([np.bincount(flat, m.ravel(), count) / parts.sizes for m in masks], -1).astype(np.float32)


def fit(parts: Superpixels, around: Surroundings, proposals: list[Contour]) -> FloatArray:
    """Returns how much of each superpixel (rows) belongs to the subject, by each proposal (columns), 0 to 1."""
    longest = max(parts.labels.shape)
    subject = fractions([c.mask for c in proposals], parts)
    near = fractions([np.clip(blur(c.mask.astype(np.float32), SPREAD * longest), 0.0, 1.0) for c in proposals], parts)
    prior = np.log((1.0 - near + 0.02) / (near + 0.02)) / 4.0
    prior = np.where(prior < 0.0, 0.2 * prior, prior)
    typical = np.average(around.changes, weights=around.lengths)
    stiffness = STIFFNESS * around.lengths * (0.1 + 0.9 * np.exp(-((around.changes / typical) ** 2)))
    scale = parts.sizes[:, None] / np.sqrt(parts.sizes.mean())
    for _ in range(ROUNDS):
        cost = (1.0 - 2.0 * _expected(around, subject) + prior) * scale
        subject = _minimum_cut(cost.astype(np.float32), around.edges, stiffness.astype(np.float32), subject)
    return subject


def _expected(around: Surroundings, subject: FloatArray) -> FloatArray:
    """Returns how probably each superpixel belongs to the subject, judged by similar ones nearby."""
    known = around.similarity.sum(axis=1, keepdims=True)
    unsure = 0.02 * known.mean()
    return (around.similarity @ subject + 0.5 * unsure) / (known + unsure)


def _minimum_cut(cost: FloatArray, edges: IntArray, stiffness: FloatArray, start: FloatArray) -> FloatArray:
    """Returns the division of least cost: that of all superpixels inside, and the stiffness of the edges cut.

    The convex relaxation of a minimum cut, by the preconditioned primal-dual algorithm of Pock and Chambolle (2011).
    """
    count = len(cost)
    first, second = edges.T
    ends = np.concatenate([first, second])
    order = np.argsort(ends, kind="stable")
    starts = np.searchsorted(ends[order], np.arange(count))
    degree = np.bincount(ends, minlength=count)[:, None]
    step = (1.0 / np.maximum(degree, 1) / STEP).astype(np.float32)
    value = overshoot = start
    flow = np.zeros((len(edges), cost.shape[1]), np.float32)
    limit = stiffness[:, None]
    for _ in range(ITERATIONS):
        flow = np.clip(flow + 0.5 * STEP * (overshoot[first] - overshoot[second]), -limit, limit)
        outflow = np.add.reduceat(np.concatenate([flow, -flow])[order], starts, axis=0)
        moved = np.clip(value - step * (outflow + cost), 0.0, 1.0)
        overshoot, value = 2.0 * moved - value, moved
    return value


def describe(parts: Superpixels, around: Surroundings, subject: FloatArray) -> FloatArray:
    """Returns what makes a subject probable, for each of several (columns of `subject`): a row of features each.

    The features are those that `PROPOSED` and `AFTER_FIT` weigh.
    """
    height, width = parts.labels.shape
    sizes = parts.sizes[:, None].astype(np.float32)
    inside, outside = subject * sizes, (1.0 - subject) * sizes
    expected = _expected(around, subject)
    first, second = around.edges.T
    cut = np.abs(subject[first] - subject[second]) * around.lengths[:, None]
    ring = np.zeros_like(subject)
    np.maximum.at(ring, first, subject[second])
    np.maximum.at(ring, second, subject[first])
    ring = ring * outside
    border = np.zeros(parts.sizes.size)
    for side in (parts.labels[0], parts.labels[-1], parts.labels[:, 0], parts.labels[:, -1]):
        border += np.bincount(side, minlength=border.size)
    total = np.maximum(inside.sum(axis=0), 1e-3)
    area = np.maximum(total / (height * width), 1e-3)
    offset = (parts.centers / (height, width) - 0.5).T @ inside / total
    cut_length = np.maximum(cut.sum(axis=0), 1e-3)
    return np.stack(
        [
            (inside * expected).sum(axis=0) / total,
            (outside * (1.0 - expected)).sum(axis=0) / np.maximum(outside.sum(axis=0), 1e-3),
            (ring * (1.0 - expected)).sum(axis=0) / np.maximum(ring.sum(axis=0), 1e-3),
            cut_length / np.sqrt(total),
            np.log(area),
            np.log(area) ** 2,
            np.hypot(*offset),
            border @ subject / border.sum(),
        ],
        axis=-1,
    )
