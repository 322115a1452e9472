# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes one connected solid with walls of at least the wanted thickness from any mesh."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ...errors import MeshToolError, Message, counted
from . import print_parts, voxel_solid
from .triangle_mesh import TriangleMesh, joined, parts
from .wall_thickness import sheets, slabs, thickness, thinnest

_ROUNDS: Final = 3
_THICK_ENOUGH: Final = 0.97
_MARGIN: Final = 1.05
_LEAST_VOLUME: Final = 0.8


@dataclass(slots=True)
class Outcome:
    """The solid, and what was found. `wall`: the thinnest that was wanted; `before`: that was there."""

    shape: TriangleMesh
    voxel: float
    wall: float
    before: float
    notes: list[Message] = field(default_factory=list)


def make(shape: TriangleMesh, wall: float, progress: Callable[[float], None]) -> Outcome:
    """Returns the solid. `wall`: its thinnest wall. Raises MeshToolError if there is none."""
    voxel = voxel_solid.voxel_size(shape, wall)
    least = max(wall, voxel_solid.thinnest_possible(voxel))
    notes = [_coarse(least)] if least > wall * 1.01 else []
    # What sticks out above the model makes it taller, and all of it is scaled down again.
    wanted = least * _MARGIN * (1 + least / float(np.ptp(shape.points[:, 2])))
    sheet = sheets(shape)
    closed, voids = _without_voids(shape.of_triangles(~sheet))
    source = joined([closed, shape.of_triangles(sheet)])
    found = thickness(source, wanted / 2, np.arange(len(source.triangles)) >= len(closed.triangles))
    before = thinnest(source, found)
    expected = _largest_volume(closed)
    solid = voxel_solid.union(_with(closed, slabs(source, found, wanted)), voxel)
    progress(0.4)
    rods = dropped = 0
    for number in range(_ROUNDS):
        solid, links, crumbs = print_parts.choose(_required(solid), least)
        rods, dropped = rods + len(links), dropped + crumbs
        found = thickness(solid, wanted / 2)
        thin = thinnest(solid, found) < _THICK_ENOUGH * wanted
        if not thin and not links:
            break
        solid = voxel_solid.union(_with(solid, *links, slabs(solid, found, wanted) if thin else None), voxel)
        progress(0.4 + 0.6 * (number + 1) / _ROUNDS)
    solid = _required(print_parts.choose(_required(solid), least).shape, _LEAST_VOLUME * expected)
    notes += _notes(voids, rods, dropped, before < least)
    return Outcome(solid, voxel, least, before, notes)


def _with(shape: TriangleMesh, *others: TriangleMesh | None) -> TriangleMesh:
    return joined([shape, *(other for other in others if other is not None)])


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


def _notes(voids: int, rods: int, dropped: int, thickened: bool) -> list[Message]:
    """Returns what was done, for the artist."""
    notes = []
    if voids:
        notes.append(counted(voids, "1 void inside was filled", "{count} voids inside were filled"))
    if thickened:
        notes.append(Message("Thin walls were thickened"))
    if rods:
        notes.append(
            counted(rods, "1 rod connects parts that do not touch", "{count} rods connect parts that do not touch")
        )
    if dropped:
        notes.append(counted(dropped, "1 tiny loose part was left out", "{count} tiny loose parts were left out"))
    return notes
