# SPDX-License-Identifier: GPL-3.0-or-later
"""The time left of a batch never rises, and is 0 only at the end."""

from __future__ import annotations

import pytest
from image_to_3d.jobs.pace import ENOUGH, Pace


def countdown(ends: list[float], total: int, until: float) -> list[float | None]:
    """What is shown each second of a batch of `total` models that are done at these times."""
    pace = Pace(0.0)
    shown = []
    for now in range(1, int(until)):
        for _ in [end for end in ends if now - 1 <= end < now]:
            pace.add()
        done = sum(end < now for end in ends)
        shown.append(pace.seconds_left(total - done, float(now)))
    return shown


@pytest.mark.parametrize(
    "ends",
    [
        [10.0 * number for number in range(1, 21)],
        [10.0 * (1 + number // 5) for number in range(20)],
        [1.0 + number * number for number in range(20)],
        [200.0 * (number / 20) ** 0.5 for number in range(1, 21)],
    ],
    ids=["one after another", "five at once", "slower and slower", "faster and faster"],
)
def test_the_time_left_never_rises_and_never_stands_at_zero(ends: list[float]) -> None:
    shown = [left for left in countdown(ends, 20, max(ends)) if left is not None]
    assert shown
    assert shown == sorted(shown, reverse=True)
    assert min(shown[:-1]) > 0


def test_nothing_is_said_until_enough_models_are_done() -> None:
    shown = countdown([10.0, 20.0, 30.0], 3, 30.0)
    assert shown[: 10 * ENOUGH - 1] == [None] * (10 * ENOUGH - 1)


def test_with_a_steady_service_the_time_left_is_right() -> None:
    shown = countdown([10.0 * number for number in range(1, 41)], 40, 400.0)
    assert shown[199] == pytest.approx(200.0, rel=0.1)
    assert shown[379] == pytest.approx(20.0, abs=8.0)


def test_a_number_that_turned_out_to_be_wrong_is_not_shown() -> None:
    pace = Pace(0.0)
    for _ in range(5):
        pace.add()
    assert pace.seconds_left(5, 10.0) == pytest.approx(10.0)
    assert pace.seconds_left(5, 60.0) is None


def test_after_a_pause_only_what_follows_counts() -> None:
    pace = Pace(0.0)
    for _ in range(5):
        pace.add()
    pace.restart(10_000.0)
    assert pace.seconds_left(5, 10_010.0) is None
    pace.add()
    pace.add()
    assert pace.seconds_left(5, 10_020.0) == pytest.approx(50.0)
