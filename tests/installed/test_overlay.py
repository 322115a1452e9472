# SPDX-License-Identifier: GPL-3.0-or-later
"""In the viewport, no bar and no text lies over another one."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from .conftest import part


def arrange(*shown: tuple[float, float, float, float], scale: float = 1.0) -> list[Any]:
    layout = part("panels.overlay_layout")
    labels: list[Any] = layout.arrange([layout.Rectangle(*each) for each in shown], scale)
    return labels


def test_a_bar_is_as_wide_as_its_placeholder_and_stands_below_it(image_to_3d: Any) -> None:
    for left, right, expected in ((100, 220, 120), (100, 110, 24), (0, 900, 240)):
        (label,) = arrange((left, 50, right, 170))
        assert label.bar.width == expected
        assert (label.bar.left + label.bar.right) / 2 == (left + right) / 2
        assert label.bar.top < 50


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_a_bar_has_a_text_only_where_there_is_room(image_to_3d: Any, scale: float) -> None:
    assert [
        label.has_text for label in arrange((0, 50, 89 * scale, 99), (500, 50, 500 + 90 * scale, 99), scale=scale)
    ] == [
        False,
        True,
    ]
    first, second = arrange((0, 50, 100, 150), (0, 40, 100, 140))
    assert first.has_text
    assert second is None, "its bar would lie over the first one's text"


def test_of_many_placeholders_nothing_lies_over_anything_else(image_to_3d: Any) -> None:
    layout = part("panels.overlay_layout")
    shown = [(17.0 * n % 400, 23.0 * n % 300, 17.0 * n % 400 + 40 + 5 * (n % 20), 500.0) for n in range(30)]
    taken = []
    for label in arrange(*shown):
        if label is not None:
            bottom = label.bar.bottom - (layout.LINE if label.has_text else 0)
            taken.append(label.bar._replace(bottom=bottom))
    assert len(taken) > 5
    assert not any(one.overlaps(other) for one, other in itertools.combinations(taken, 2))


def test_small_neighbors_each_have_a_bar(image_to_3d: Any) -> None:
    labels = arrange(*((16.0 * n, 50, 16.0 * n + 13, 70) for n in range(9)))
    assert [label and label.bar.width for label in labels] == [13] * 9
