# SPDX-License-Identifier: GPL-3.0-or-later
"""Inflates an outline to a volume: computes a height field from the subject's coverage. Not AI. NumPy only.

The squared height solves a screened Poisson equation over the subject with zero at its outline: round at the outline,
thin where the subject is thin, and nowhere higher than a limit, so that large areas become cushions and not balloons.
A subject with a vertical axis of symmetry (a vase, a lamp) becomes a solid of revolution instead.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

import numpy as np

from ...errors import ImageError
from ...imaging.cutout import Cutout
from ...imaging.raster import FloatArray, Mask, blur, sample_grid

_log = logging.getLogger(__name__)

MARGIN: Final = 4
"""Grid steps around the subject."""
ROUNDNESS: Final = 2.8
"""2 makes long shapes round and discs flat; 4 makes discs spheres and long shapes too thick."""
MAX_HEIGHT: Final = 0.19
"""Half of the greatest thickness, as a fraction of the subject's longest side."""
CARD_HEIGHT: Final = 0.02
"""The same for an image without a subject."""
SYMMETRY: Final = (0.90, 0.96)
"""Overlap with its mirror image above which a subject is blended with a solid of revolution, and is fully one."""


@dataclass(frozen=True, slots=True)
class HeightField:
    """The squared height above the image plane, on a grid: the volume is all points with z² < `height_squared`.

    The height is half the thickness, as the back mirrors the front. Lengths are in grid steps.
    """

    height_squared: FloatArray
    """rows × columns; positive inside the outline, negative outside, zero on it."""
    steps: float
    """Grid steps along the subject's longest side."""
    origin: tuple[float, float]
    """Position of the grid's first node in the image: row and column, in pixels."""
    pixels_per_step: float
    revolved: float
    """How much of it is a solid of revolution, 0 to 1."""
    axis: float
    """The column of the axis of revolution."""


def inflate(cutout: Cutout, steps: int, seed: int) -> HeightField:
    """Inflate a subject on a grid of `steps` along its longest side. The seed varies the thickness slightly.

    Raises ImageError if the subject is thinner than the grid's resolution everywhere.
    """
    rows, columns = (np.flatnonzero((cutout.coverage > 0.5).any(axis=axis)) for axis in (1, 0))
    lengths = (rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0])
    scale = max(lengths) / steps
    # In pixels; 0 is the center of the first pixel.
    origin = (rows[0] - 0.5 - MARGIN * scale, columns[0] - 0.5 - MARGIN * scale)
    nodes = [int(np.ceil(length / scale)) + 2 * MARGIN + 1 for length in lengths]
    rows, columns = (start + scale * np.arange(count) for start, count in zip(origin, nodes, strict=True))
    # The level set: smooth, and positive inside.
    level = blur(sample_grid(cutout.coverage, rows, columns, scale), max(0.75, 0.75 / scale)) - 0.5
    for border in (level[:2], level[-2:], level[:, :2], level[:, -2:]):
        np.minimum(border, -0.5, out=border)
    level[np.abs(level) < 1e-4] = -1e-4  # a node exactly on the outline would make corners that touch
    if not (level > 0.0).any():
        raise ImageError("The image's subject is too thin to make a model from.")
    thickness = 0.9 + 0.2 * np.random.default_rng(seed).random()
    limit = (CARD_HEIGHT if cutout.card else MAX_HEIGHT * thickness) * steps
    squared = solve_poisson(level, ROUNDNESS * thickness, limit)
    revolved, axis = (0.0, 0.0) if cutout.card else _symmetry(level)
    if revolved > 0.0:
        blended = (1.0 - revolved) * squared + revolved * _revolve(level) * thickness
        squared = np.where(level > 0.0, blended, 0.0)
    _log.info("outline on %d x %d nodes, solid of revolution %.2f", nodes[1], nodes[0], revolved)
    return HeightField(_extrapolate(squared, level), float(steps), origin, scale, revolved, axis)


_SIDES: Final = ((0, 1), (0, -1), (1, 0), (-1, 0))


def _neighbor(field: FloatArray, side: tuple[int, int]) -> FloatArray:
    """Returns the field's values at the neighbors on one side; the grid's margin is wide enough to wrap around."""
    return np.roll(field, (-side[0], -side[1]), axis=(0, 1))


def _crossing(inside: FloatArray, outside: FloatArray) -> FloatArray:
    """Returns the distance (0 to 1) from inside nodes to the outline, by the level there and at a neighbor outside."""
    return np.clip(inside / np.maximum(inside - outside, 1e-9), 0.08, 1.0)


def solve_poisson(level: FloatArray, source: float, limit: float) -> FloatArray:
    """Solve −Δu + u·source/limit² = source inside, u = 0 on the outline, so that u never exceeds limit².

    `level` is positive inside. The 5-point stencil is shortened at the outline (Shortley and Weller 1938), so that u is
    smooth there. Solved by conjugate gradients with a Jacobi (diagonal) preconditioner.
    """
    inside = level > 0.0
    diagonal = np.full(inside.shape, source / limit**2, np.float32)
    for side in _SIDES:
        neighbor = _neighbor(level, side)
        diagonal += np.where(neighbor > 0.0, 1.0, 1.0 / _crossing(level, neighbor))
    preconditioner = np.where(inside, 1.0 / diagonal, 0.0).astype(np.float32)

    u = np.zeros(inside.shape, np.float32)
    residual = np.where(inside, source, 0.0).astype(np.float32)
    direction = preconditioner * residual
    norm = float(np.vdot(residual, direction))
    tolerance = 1e-7 * norm
    for _ in range(4 * max(inside.shape)):
        if norm <= tolerance:
            break
        neighbors = sum(_neighbor(direction, side) for side in _SIDES)
        product = np.where(inside, diagonal * direction - neighbors, 0.0)
        step = norm / float(np.vdot(direction, product))
        u += step * direction
        residual -= step * product
        preconditioned = preconditioner * residual
        norm, previous = float(np.vdot(residual, preconditioned)), norm
        direction = preconditioned + (norm / previous) * direction
    return np.maximum(u, 0.0)


def _extrapolate(squared: FloatArray, level: FloatArray) -> FloatArray:
    """Extrapolate the field outside with its slope at the outline, so that its zero stays on the outline."""
    total = np.zeros_like(squared)
    count = np.zeros_like(squared)
    inside = level > 0.0
    for side in _SIDES:
        neighbor = _neighbor(level, side)
        usable = ~inside & (neighbor > 0.0)
        distance = _crossing(neighbor, level)
        total += np.where(usable, -_neighbor(squared, side) * (1.0 - distance) / distance, 0.0)
        count += usable
    lowest = -float(squared.max()) - 1.0
    outside = np.where(count > 0, np.clip(total / np.maximum(count, 1), lowest, -1e-3), lowest)
    return np.where(inside, np.maximum(squared, 1e-3), outside).astype(np.float32)


def _row_spans(level: FloatArray) -> tuple[FloatArray, FloatArray, Mask]:
    """Returns where each row enters and leaves the subject (in columns), and which rows do so exactly once."""
    inside = level > 0.0
    once = (np.diff(inside.astype(np.int8), axis=1) > 0).sum(axis=1) == 1
    rows = np.arange(inside.shape[0])
    enter = inside.argmax(axis=1)
    leave = inside.shape[1] - 1 - inside[:, ::-1].argmax(axis=1)
    left = enter - _crossing(level[rows, enter], level[rows, enter - 1])
    right = leave + _crossing(level[rows, leave], level[rows, (leave + 1) % inside.shape[1]])
    return left.astype(np.float32), right.astype(np.float32), once


def _symmetry(level: FloatArray) -> tuple[float, float]:
    """Returns how likely (0 to 1) the subject is a solid of revolution, and the column of its axis."""
    left, right, once = _row_spans(level)
    area = (level > 0.0).sum(axis=1)
    if area[~once].sum() > 0.015 * area.sum():
        return 0.0, 0.0
    width = np.where(once, right - left, 0.0)
    middle = np.where(once, 0.5 * (left + right), 0.0)
    total = width.sum()
    axis = float((middle * width).sum() / total)
    rows, widest = once.sum(), width.max()
    if total > 0.93 * rows * widest and widest > 0.8 * rows:
        return 0.0, axis  # a plain square: more likely an image, a box or a book than a drum
    # The part of each row's width that has a counterpart on the other side of the axis.
    overlap = np.maximum(0.0, 2.0 * np.minimum(right - axis, axis - left))[once].sum() / total
    return float(np.clip((overlap - SYMMETRY[0]) / (SYMMETRY[1] - SYMMETRY[0]), 0.0, 1.0)), axis


def _revolve(level: FloatArray) -> FloatArray:
    """Returns the squared height of the solid of revolution: each row becomes a disc."""
    left, right, once = _row_spans(level)
    columns = np.arange(level.shape[1], dtype=np.float32)[None, :]
    disc = (columns - left[:, None]) * (right[:, None] - columns)
    return np.where(once[:, None], np.maximum(disc, 0.0), 0.0).astype(np.float32)
