# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes one connected solid with walls of at least the wanted thickness from any mesh.

A surface that is closed, does not cross itself, and is thick enough is kept. All others are made new with voxels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ...errors import MeshToolError, Message, counted
from ..mesh_data import Array
from . import print_parts, voxel_solid
from .subdivide import subdivided
from .triangle_mesh import TriangleMesh, is_solid, joined, merged, parts, search_tree
from .wall_thickness import sampled, sheets, slabs, thickness, thinnest

KEPT: Final = Message("The surface is closed and thick enough: it is kept")
_ROUNDS: Final = 4
_THICK_ENOUGH: Final = 0.99
_MARGIN: Final = 1.03
"""What fewer triangles may take from a wall."""
_LOST: Final = 0.3
"""How much thinner voxels make a thin rod or sheet, in voxels."""
_LEAST_VOLUME: Final = 0.8
_MOST_SAMPLES: Final = 100_000


@dataclass(slots=True)
class Outcome:
    """The solid, and what was found. `wall`: the thinnest that was wanted; `before`: that was there.

    `pieces`: closed surfaces that may cross each other; the solid is their union, without crumbs.
    """

    shape: TriangleMesh
    pieces: TriangleMesh
    voxel: float
    wall: float
    before: float
    notes: list[Message] = field(default_factory=list)

    @property
    def is_kept(self) -> bool:
        """Whether the surface is that of the model."""
        return self.shape is self.pieces


@dataclass(frozen=True, slots=True)
class _Source:
    """A mesh to make a solid of, with edges short enough to measure it. `found`: the thickness at each triangle."""

    closed: TriangleMesh
    sheets: TriangleMesh
    voids: int
    found: Array

    @property
    def shape(self) -> TriangleMesh:
        return joined([self.closed, self.sheets])


def make(shape: TriangleMesh, wall: float, progress: Callable[[float], None]) -> Outcome:
    """Returns the solid. `wall`: its thinnest wall. Raises MeshToolError if there is none."""
    source = _measured(shape, wall)
    before = thinnest(source.shape, source.found)
    local = thinnest(source.shape, source.found, wall**2)
    voxel = voxel_solid.voxel_size(shape, source.closed.area() + 2 * source.sheets.area(), wall, local)
    whole = merged(shape)
    if local >= _THICK_ENOUGH * wall and not source.voids and is_printable(whole):
        return Outcome(whole, whole, voxel, wall, before, [KEPT])
    least = max(wall, voxel_solid.thinnest_possible(voxel)) if local < wall else wall
    made = _united(source, least, voxel, progress)
    made.before = before
    if least > wall * 1.05:
        made.notes.insert(0, _coarse(least))
    if before < least:
        made.notes.append(Message("Thin walls were thickened"))
    return made


def _measured(shape: TriangleMesh, wall: float) -> _Source:
    """Returns the mesh without voids, and how thick it is."""
    sheet = sheets(shape)
    closed, voids = _without_voids(shape.of_triangles(~sheet))
    most = max(_MOST_SAMPLES, len(shape.triangles))
    longest = max(2 * wall, (shape.area() / _MOST_SAMPLES) ** 0.5)
    closed, open_ones = (subdivided(each, longest, most) for each in (closed, shape.of_triangles(sheet)))
    is_sheet = np.arange(len(closed.triangles) + len(open_ones.triangles)) >= len(closed.triangles)
    both = joined([closed, open_ones])
    return _Source(closed, open_ones, voids, thickness(both, wall, is_sheet))


def is_printable(shape: TriangleMesh) -> bool:
    """Whether a surface is that of one solid, and does not cross itself."""
    if not is_solid(shape) or parts(shape).any():
        return False
    tree = search_tree(shape)
    # Neighbors can't cross by more than their size; narrow ones seem to cross because of rounding.
    crossing = np.array(tree.overlap(tree), np.int64).reshape(-1, 2)
    first, second = shape.triangles[crossing.T]
    return bool((first[:, :, None] == second[:, None]).any(axis=(1, 2)).all())


def _united(source: _Source, least: float, voxel: float, progress: Callable[[float], None]) -> Outcome:
    """Returns one solid made of voxels, with walls of at least `least`. Raises MeshToolError if there is none."""
    shape = source.shape
    # What sticks out above the model makes it taller, and all of it is scaled down again.
    target = least * _MARGIN * (1 + least / float(np.ptp(shape.points[:, 2])))
    wanted = target + _LOST * voxel
    pieces = _pieces(source.closed, slabs(shape, source.found, wanted))
    rods = 0
    for number in range(_ROUNDS):
        # Always of all pieces, never of what voxels made: each time, voxels make thin things a little thinner.
        solid, links, dropped = print_parts.choose(_required(voxel_solid.union(joined(pieces), voxel)), least)
        progress((number + 1) / _ROUNDS)
        missing = target - sampled(solid, target)
        thin = missing > (1 - _THICK_ENOUGH) * target
        if number + 1 == _ROUNDS or not (thin or links):
            break
        if thin:
            wanted += missing
            pieces += _pieces(slabs(solid, thickness(solid, wanted), wanted))
        pieces += links
        rods += len(links)
    _required(solid, _LEAST_VOLUME * _largest_volume(source.closed))
    return Outcome(solid, joined(pieces), voxel, least, 0.0, _notes(source.voids, rods, dropped))


def _pieces(*shapes: TriangleMesh | None) -> list[TriangleMesh]:
    return [shape for shape in shapes if shape is not None]


def _without_voids(shape: TriangleMesh) -> tuple[TriangleMesh, int]:
    """Returns the closed parts without those that face inward, the walls of voids, and the number of these."""
    if not len(shape.triangles):
        return shape, 0
    part = parts(shape)
    inward = np.bincount(part, shape.volumes()) < 0
    return shape.of_triangles(~inward[part]), int(inward.sum())


def _largest_volume(shape: TriangleMesh) -> float:
    """Returns the volume of the largest part, 0 if there is none."""
    return float(np.bincount(parts(shape), shape.volumes()).max()) if len(shape.triangles) else 0.0


def _required(solid: TriangleMesh, least: float = 0.0) -> TriangleMesh:
    """Returns the solid. Raises MeshToolError if its volume is not above `least`."""
    if not len(solid.triangles) or solid.volume() <= least:
        raise MeshToolError("This mesh can't be made solid: it encloses no volume.")
    return solid


def _coarse(wall: float) -> Message:
    return Message("At this size, walls are at least {wall} mm thick", {"wall": f"{wall:.1f}"})


def _notes(voids: int, rods: int, dropped: int) -> list[Message]:
    """Returns what was done, for the artist."""
    notes = []
    if voids:
        notes.append(counted(voids, "1 void inside was filled", "{count} voids inside were filled"))
    if rods:
        notes.append(
            counted(rods, "1 rod connects parts that do not touch", "{count} rods connect parts that do not touch")
        )
    if dropped:
        notes.append(counted(dropped, "1 tiny loose part was left out", "{count} tiny loose parts were left out"))
    return notes
