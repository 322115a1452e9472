# SPDX-License-Identifier: GPL-3.0-or-later
"""Arranges the progress bars and their texts in a viewport, so that none lies over another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

MIN_WIDTH: Final = 24.0
"""Unless there is no room for that."""
MAX_WIDTH: Final = 240.0
TEXT_WIDTH: Final = 90.0
"""From this width on, a bar has a text."""
BAR_HEIGHT: Final = 4.0
BELOW: Final = 6.0
"""Distance of the bar from what is above it."""
LINE: Final = 16.0
"""Height of a line of text with its distance from the bar. All are points of the interface's scale."""


class Rectangle(NamedTuple):
    """A part of the screen, in pixels."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def width(self) -> float:
        return self.right - self.left

    def overlaps(self, other: Rectangle) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.bottom < other.top and other.bottom < self.top
        )


class Label(NamedTuple):
    """Where the bar of a placeholder is, and whether there is room for a text below it."""

    bar: Rectangle
    has_text: bool


def around(points: Sequence[tuple[float, float]]) -> Rectangle:
    """Returns the rectangle around points."""
    xs, ys = zip(*points, strict=True)
    return Rectangle(min(xs), min(ys), max(xs), max(ys))


def arrange(shown: Sequence[Rectangle], scale: float) -> list[Label | None]:
    """Returns a label below each of these, the most important first; None where it would lie over an earlier one."""
    narrow = [_bar(each, min(each.width, MAX_WIDTH * scale), scale) for each in shown]
    taken: list[Rectangle] = []
    labels: list[Label | None] = []
    for number, each in enumerate(shown):
        bar = narrow[number]
        if bar.width < MIN_WIDTH * scale:
            wide = _bar(each, MIN_WIDTH * scale, scale)
            bar = wide if not _overlap(wide, taken + narrow[:number] + narrow[number + 1 :]) else bar
        if _overlap(bar, taken):
            labels.append(None)
            continue
        text = bar._replace(bottom=bar.bottom - LINE * scale, top=bar.bottom)
        has_text = bar.width >= TEXT_WIDTH * scale and not _overlap(text, taken)
        taken += [bar, text] if has_text else [bar]
        labels.append(Label(bar, has_text))
    return labels


def _bar(shown: Rectangle, width: float, scale: float) -> Rectangle:
    left = (shown.left + shown.right - width) / 2
    top = shown.bottom - BELOW * scale
    return Rectangle(left, top - BAR_HEIGHT * scale, left + width, top)


def _overlap(wanted: Rectangle, taken: Sequence[Rectangle]) -> bool:
    return any(wanted.overlaps(other) for other in taken)
