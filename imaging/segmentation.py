# SPDX-License-Identifier: GPL-3.0-or-later
"""Separates a subject from a photographic background: color models of both, and the shortest outline between them.

As GrabCut (Rother et al., SIGGRAPH 2004): Gaussian mixtures of color and position are fitted to an estimate of subject
and background, and the estimate is replaced by the best segmentation for these mixtures, several times. The
segmentation is the exact minimum cut of the pixel grid: its convex relaxation (total variation), solved with the
primal-dual algorithm of Chambolle and Pock (2011), which suits NumPy better than a graph algorithm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from .raster import FloatArray, Mask, blur

COMPONENTS: Final = 6
SAMPLES: Final = 5000
"""Pixels to which a mixture is fitted."""
POSITION: Final = 60.0
"""Lab units that the image's longest side counts as: colors are compared within a neighborhood."""
SMOOTHNESS: Final = 4.0
"""What it costs to cut between two pixels of the same color."""
ROUNDS: Final = 2
ITERATIONS: Final = 100
SPREAD: Final = 0.03
"""How far the subject may be from its estimate, as a fraction of the image's longest side."""
PRIOR: Final = 0.4
LIMIT: Final = 4.0
"""Evidence of one pixel, at most."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """A Gaussian mixture of k components in d dimensions."""

    log_weights: FloatArray
    means: FloatArray
    whitening: FloatArray
    """k × d × d; maps a difference from a mean to one with unit covariance."""

    def log_density(self, samples: FloatArray) -> FloatArray:
        """Returns the logarithm of the density at each sample, up to a constant."""
        return np.logaddexp.reduce(self.log_terms(samples), axis=0)

    def log_terms(self, samples: FloatArray) -> FloatArray:
        """Returns the logarithm of each component's density (rows) at each sample (columns)."""
        terms = np.empty((len(self.means), len(samples)), np.float32)
        for term, weight, mean, whitening in zip(terms, self.log_weights, self.means, self.whitening, strict=True):
            white = (samples - mean) @ whitening
            term[:] = weight + np.log(np.abs(np.linalg.det(whitening))) - 0.5 * np.einsum("ij,ij->i", white, white)
        return terms


def fit_mixture(samples: FloatArray, weights: FloatArray, rng: np.random.Generator) -> Mixture:
    """Fit a Gaussian mixture to weighted samples: k-means, then expectation-maximization."""
    chosen = rng.choice(len(samples), min(SAMPLES, len(samples)), p=weights / weights.sum())
    samples = samples[chosen]
    centers = samples[rng.choice(len(samples), 1)]
    for _ in range(COMPONENTS - 1):  # k-means++
        distance = ((samples[:, None] - centers[None]) ** 2).sum(axis=-1).min(axis=1) + 1e-9
        centers = np.append(centers, samples[rng.choice(len(samples), 1, p=distance / distance.sum())], axis=0)
    for _ in range(6):
        nearest = ((samples[:, None] - centers[None]) ** 2).sum(axis=-1).argmin(axis=1)
        centers = np.stack(
            [samples[nearest == k].mean(0) if (nearest == k).any() else centers[k] for k in range(COMPONENTS)]
        )
    shares = np.eye(COMPONENTS)[nearest]
    for _ in range(4):
        mixture = _maximize(samples, shares)
        terms = mixture.log_terms(samples)
        shares = np.exp(terms - np.logaddexp.reduce(terms, axis=0)).T.astype(np.float64)
    return _maximize(samples, shares)


def _maximize(samples: FloatArray, shares: FloatArray) -> Mixture:
    totals = shares.sum(axis=0) + 1e-6
    means = shares.T @ samples / totals[:, None]
    whitenings = []
    for mean, share, total in zip(means, shares.T, totals, strict=True):
        centered = samples - mean
        covariance = (centered * share[:, None]).T @ centered / total + np.diag([6.0] * samples.shape[1])
        whitenings.append(np.linalg.inv(np.linalg.cholesky(covariance)).T)
    return Mixture(np.log(totals / totals.sum()), means, np.stack(whitenings))


def minimum_cut(evidence: FloatArray, stiffness: tuple[FloatArray, FloatArray], start: FloatArray) -> FloatArray:
    """Returns the segmentation (0 to 1) of least energy: the sum of `evidence` inside, and of the cut's stiffness."""
    step = 1.0 / np.sqrt(8.0)
    value = start.astype(np.float32)
    overshoot = value
    down, right = (np.zeros_like(s) for s in stiffness)
    force = step * evidence
    for _ in range(ITERATIONS):
        down += step * np.diff(overshoot, axis=0)
        np.clip(down, -stiffness[0], stiffness[0], out=down)
        right += step * np.diff(overshoot, axis=1)
        np.clip(right, -stiffness[1], stiffness[1], out=right)
        moved = value - force
        moved[:-1] += step * down
        moved[1:] -= step * down
        moved[:, :-1] += step * right
        moved[:, 1:] -= step * right
        np.clip(moved, 0.0, 1.0, out=moved)
        overshoot, value = 2.0 * moved - value, moved
    return value


def _stiffness(lab: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Returns what it costs to cut between neighbors, in rows and columns: little where the color changes."""
    changes = [(np.diff(lab, axis=axis) ** 2).sum(axis=-1) for axis in (0, 1)]
    typical = float(np.mean([change.mean() for change in changes])) + 1e-3
    down, right = (0.05 + 0.95 * np.exp(-change / (2.0 * typical)) for change in changes)
    return (SMOOTHNESS * down).astype(np.float32), (SMOOTHNESS * right).astype(np.float32)


def refine(lab: FloatArray, estimate: FloatArray) -> tuple[Mask, FloatArray]:
    """Returns the subject near an estimate of it (0 to 1), and each pixel's evidence (log-odds) against it."""
    height, width = estimate.shape
    longest = max(height, width)
    rows, columns = np.indices((height, width), np.float32) * (POSITION / longest)
    features = np.concatenate([lab, rows[..., None], columns[..., None]], axis=-1).reshape(-1, 5)
    stiffness = _stiffness(lab)
    rng = np.random.default_rng(1)
    near = np.clip(blur(estimate, SPREAD * longest), 0.0, 1.0)
    prior = PRIOR * np.log((1.0 - near + 0.02) / (near + 0.02))
    segmentation = estimate.astype(np.float32)
    for _ in range(ROUNDS):
        inside = np.clip(segmentation, 0.0, 1.0).ravel()
        subject = fit_mixture(features, inside + 1e-6, rng)
        background = fit_mixture(features, 1.0 - inside + 1e-6, rng)
        evidence = (background.log_density(features) - subject.log_density(features)).reshape(height, width)
        evidence = np.clip(evidence, -LIMIT, LIMIT).astype(np.float32)
        segmentation = minimum_cut(evidence + prior, stiffness, segmentation)
    return segmentation > 0.5, evidence
