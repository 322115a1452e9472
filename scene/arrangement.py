# SPDX-License-Identifier: GPL-3.0-or-later
"""Arranges the models of a batch in the scene: in a row, or in a grid of rows, spaced by the models' real sizes.

Models are placed in the order in which they arrive, and none is moved later. How far the arrangement has come is
stored on each model, so it goes on after a restart, an undo, or when the file is opened again.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple, Self

import bpy

from ..jobs import provenance

GAP: Final = 0.25
"""Distance between two models, as a part of the largest width or depth so far: gaps are even, whatever comes first."""
SMALLEST: Final = 1e-3
"""Scene units; a model without any width gets that much space."""


class Arrangement(NamedTuple):
    """Where the next model goes, relative to where the batch was started: rows along X, from the back to the front."""

    count: int = 0
    """Models placed so far."""
    x: float = 0.0
    """The right side of the last model in this row."""
    y: float = 0.0
    """The back of this row."""
    depth: float = 0.0
    """Of the deepest model in this row."""
    largest: float = 0.0
    """Width or depth of the models so far."""

    def add(self, width: float, depth: float, columns: int) -> tuple[tuple[float, float], Self]:
        """Returns the center of the next model's footprint, and the arrangement after it. `columns`: 0 for one row."""
        width, depth = max(width, SMALLEST), max(depth, SMALLEST)
        largest = max(self.largest, width, depth)
        row = self
        if columns and self.count and self.count % columns == 0:
            row = type(self)(self.count, 0.0, self.y - self.depth - GAP * largest)
        left = row.x + GAP * largest if row.x else 0.0
        after = type(self)(row.count + 1, left + width, row.y, max(row.depth, depth), largest)
        return (left + width / 2, row.y - depth / 2), after


def find(batch_id: str, scene: bpy.types.Scene) -> Arrangement:
    """Returns how far the arrangement of a batch has come in a scene."""
    models = [item for item in provenance.having_record(scene.objects) if item.parent is None]
    wanted = [item for item in models if provenance.value(item, provenance.BATCH) == batch_id]
    found = [_read(provenance.value(item, provenance.ARRANGEMENT)) for item in wanted]
    return max(found, default=Arrangement(), key=lambda each: each.count)


def store(root: bpy.types.Object, arrangement: Arrangement) -> None:
    """Store on a model how far the arrangement has come with it."""
    provenance.store(root, provenance.ARRANGEMENT, [float(number) for number in arrangement])


def _read(value: object) -> Arrangement:
    """A .blend comes from anywhere: whatever is not an arrangement counts as none."""
    try:
        count, x, y, depth, largest = (float(number) for number in value)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        return Arrangement()
    if not all(map(math.isfinite, (count, x, y, depth, largest))):
        return Arrangement()
    return Arrangement(int(count), x, y, depth, largest)
