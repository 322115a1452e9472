# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the opening of a vase or cup from a hole in its surface."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from .topology import Topology, part_areas

_LEAST_SHARE: Final = 0.004
_FLATNESS: Final = 0.05
_LEVEL: Final = 0.9
_AT_TOP: Final = 0.98


def is_opening(topology: Topology, loop: Sequence[int]) -> bool:
    """Whether a loop of open edges is the rim of a container, which Make Printable gives a wall and leaves open.

    A rim is at the top of its part, level and flat, and its circle has at least 0.4 % of the part's area.
    """
    at = np.zeros((len(topology.part), 3))
    at[topology.merged] = topology.points
    rim, part = at[list(loop)], topology.part[loop[0]]
    middle = rim - rim.mean(axis=0)
    length = float(np.linalg.norm(rim - np.roll(rim, 1, axis=0), axis=1).sum())
    across = np.cross(middle, np.roll(middle, -1, axis=0)).sum(axis=0)
    size = float(np.linalg.norm(across))
    if length**2 / (4 * math.pi) < _LEAST_SHARE * part_areas(topology)[part] or size == 0:
        return False
    normal = across / size
    heights = at[topology.part == part, 2]
    top = heights.min() + _AT_TOP * np.ptp(heights)
    flat = np.ptp(middle @ normal) < _FLATNESS * length / math.pi
    return bool(flat and abs(normal[2]) > _LEVEL and rim[:, 2].max() >= top)
