# SPDX-License-Identifier: GPL-3.0-or-later
"""Inflates an outline to a volume: how thick the subject is at each point. Not AI. NumPy only.

The thickness solves a (screened) Poisson equation over the subject with zero at its outline: round at the outline,
thin where the subject is thin, and nowhere thicker than a limit, so that large areas become cushions and not balloons.
A subject with a vertical axis of symmetry (a vase, a lamp) becomes a solid of revolution instead.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...imaging.cutout import Cutout
from ...imaging.raster import Flags, Floats, blur, sample

_log = logging.getLogger(__name__)

MARGIN: Final = 4
"""Grid steps of margin around the subject."""
ROUNDNESS: Final = 2.8
"""2 makes long shapes round and discs flat; 4 makes discs spheres and long shapes too thick."""
THICKEST: Final = 0.19
"""Half of the greatest thickness, as a fraction of the subject's longest side."""
CARD_THICKNESS: Final = 0.02
"""The same for an image without a subject."""
SYMMETRIC: Final = (0.90, 0.96)
"""Overlap with its mirror image from which a subject starts to be a solid of revolution, and is fully one."""


@dataclass(frozen=True, slots=True)
class Relief:
    """The squared half thickness on a grid: the volume is all points with z² < `square`. Lengths in grid steps."""

    square: Floats
    """Positive inside the outline, negative outside, zero on it."""
    steps: float
    """Grid steps along the subject's longest side."""
    origin: tuple[float, float]
    """Position of the grid's first node in the image: row and column in pixels."""
    pitch: float
    """Image pixels per grid step."""
    turned: float
    """How much of it is a solid of revolution, 0 to 1."""
    axis: float
    """The axis of the solid of revolution: a column, in grid steps."""


def inflate(cutout: Cutout, steps: int, seed: int) -> Relief:
    """Inflate a subject on a grid of `steps` along its longest side. The seed varies the thickness slightly."""
    rows, columns = (np.flatnonzero((cutout.coverage > 0.5).any(axis=axis)) for axis in (1, 0))
    top, bottom, left, right = rows[-1] + 1, rows[0], columns[0], columns[-1] + 1
    pitch = max(top - bottom, right - left) / steps
    # In pixels; 0 is the center of the first pixel.
    first = (bottom - 0.5 - MARGIN * pitch, left - 0.5 - MARGIN * pitch)
    high, wide = (int(np.ceil(length / pitch)) + 2 * MARGIN + 1 for length in (top - bottom, right - left))
    coverage = sample(cutout.coverage, first[0] + pitch * np.arange(high), first[1] + pitch * np.arange(wide), pitch)
    inside_by = _contour(coverage, max(0.75, 0.75 / pitch))
    thick = 0.9 + 0.2 * np.random.default_rng(seed).random()
    limit = (CARD_THICKNESS if cutout.card else THICKEST * thick) * steps
    square = poisson(inside_by, ROUNDNESS * thick, limit)
    turned, axis = (0.0, 0.0) if cutout.card else _symmetry(inside_by)
    if turned > 0.0:
        square = np.where(inside_by > 0.0, (1.0 - turned) * square + turned * _lathe(inside_by) * thick, 0.0)
    _log.info("outline on %d x %d nodes, turned %.2f", wide, high, turned)
    return Relief(_extended(square, inside_by), float(steps), first, pitch, turned, axis)


def _contour(coverage: Floats, sigma: float) -> Floats:
    """Returns a smooth function that is positive inside: the smoothed coverage minus one half."""
    inside_by = blur(coverage, sigma) - 0.5
    for border in (inside_by[:2], inside_by[-2:], inside_by[:, :2], inside_by[:, -2:]):
        np.minimum(border, -0.5, out=border)
    # A node exactly on the outline would make corners that touch.
    inside_by[np.abs(inside_by) < 1e-4] = -1e-4
    return inside_by.astype(np.float32)


_SIDES: Final = ((0, 1), (0, -1), (1, 0), (-1, 0))


def _beside(field: NDArray[np.float32], side: tuple[int, int]) -> Floats:
    """Returns the field's values at the neighbors on one side; the grid's margin is wide enough to wrap around."""
    return np.roll(field, (-side[0], -side[1]), axis=(0, 1))


def _way_out(inside_by: Floats, beyond: Floats) -> Floats:
    """Returns the distance (0 to 1) from an inside node to the outline, toward an outside neighbor."""
    return np.clip(inside_by / np.maximum(inside_by - beyond, 1e-9), 0.08, 1.0)


def poisson(inside_by: Floats, source: float, limit: float) -> Floats:
    """Solve −Δu + u·source/limit² = source inside, u = 0 on the outline, so that u never exceeds limit².

    The outline's position between two nodes is used, so that u is smooth there. Solved by conjugate gradients.
    """
    inside = inside_by > 0.0
    diagonal = np.full(inside.shape, source / limit**2, np.float32)
    for side in _SIDES:
        beyond = _beside(inside_by, side)
        diagonal += np.where(beyond > 0.0, 1.0, 1.0 / _way_out(inside_by, beyond))
    weight = np.where(inside, 1.0 / diagonal, 0.0).astype(np.float32)

    def apply(u: Floats) -> Floats:
        total = diagonal * u
        total[1:] -= u[:-1]
        total[:-1] -= u[1:]
        total[:, 1:] -= u[:, :-1]
        total[:, :-1] -= u[:, 1:]
        total[~inside] = 0.0
        return total

    u = np.zeros(inside.shape, np.float32)
    left = np.where(inside, source, 0.0).astype(np.float32)
    good_enough = 1e-7 * float(np.vdot(left, weight * left))
    better = weight * left
    way = better.copy()
    energy = float(np.vdot(left, better))
    for _ in range(4 * max(inside.shape)):
        if energy <= good_enough:
            break
        pushed = apply(way)
        length = energy / float(np.vdot(way, pushed))
        u += length * way
        left -= length * pushed
        better = weight * left
        energy, before = float(np.vdot(left, better)), energy
        way = better + (energy / before) * way
    return np.maximum(u, 0.0)


def _extended(square: Floats, inside_by: Floats) -> Floats:
    """Extrapolate the field outside with its slope at the outline, so that its zero stays on the outline."""
    total = np.zeros_like(square)
    count = np.zeros_like(square)
    inside = inside_by > 0.0
    for side in _SIDES:
        there, value = _beside(inside_by, side), _beside(square, side)
        use = ~inside & (there > 0.0)
        out = _way_out(there, inside_by)
        total += np.where(use, -value * (1.0 - out) / out, 0.0)
        count += use
    lowest = -float(square.max()) - 1.0
    beyond = np.where(count > 0, np.clip(total / np.maximum(count, 1), lowest, -1e-3), lowest)
    return np.where(inside, np.maximum(square, 1e-3), beyond).astype(np.float32)


def _runs(inside_by: Floats) -> tuple[Floats, Floats, Flags]:
    """Returns where each row enters and leaves the subject (in columns), and which rows do so exactly once."""
    inside = inside_by > 0.0
    once = (np.diff(inside.astype(np.int8), axis=1) > 0).sum(axis=1) == 1
    rows = np.arange(inside.shape[0])
    enter = inside.argmax(axis=1)
    leave = inside.shape[1] - 1 - inside[:, ::-1].argmax(axis=1)
    left = enter - _way_out(inside_by[rows, enter], inside_by[rows, enter - 1])
    right = leave + _way_out(inside_by[rows, leave], inside_by[rows, (leave + 1) % inside.shape[1]])
    return left.astype(np.float32), right.astype(np.float32), once


def _symmetry(inside_by: Floats) -> tuple[float, float]:
    """Returns how likely (0 to 1) the subject is a solid of revolution, and the column of its axis."""
    left, right, once = _runs(inside_by)
    inside = inside_by > 0.0
    area = inside.sum(axis=1)
    if area[~once].sum() > 0.015 * area.sum():
        return 0.0, 0.0
    width = np.where(once, right - left, 0.0)
    middle = np.where(once, 0.5 * (left + right), 0.0)
    axis = float((middle * width).sum() / width.sum())
    # The part of each row's width that has a counterpart on the other side of the axis.
    shared = np.maximum(0.0, 2.0 * np.minimum(right - axis, axis - left))[once].sum() / width.sum()
    high, wide = once.sum(), width.max()
    if width.sum() > 0.93 * high * wide and wide > 0.8 * high:
        return 0.0, axis  # a plain square: more likely an image, a box or a book than a drum
    return float(np.clip((shared - SYMMETRIC[0]) / (SYMMETRIC[1] - SYMMETRIC[0]), 0.0, 1.0)), axis


def _lathe(inside_by: Floats) -> Floats:
    """Returns the squared half thickness of the solid of revolution: each row becomes a disc."""
    left, right, once = _runs(inside_by)
    columns = np.arange(inside_by.shape[1], dtype=np.float32)[None, :]
    disc = (columns - left[:, None]) * (right[:, None] - columns)
    return np.where(once[:, None], np.maximum(disc, 0.0), 0.0).astype(np.float32)
