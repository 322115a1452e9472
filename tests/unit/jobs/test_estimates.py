# SPDX-License-Identifier: GPL-3.0-or-later
"""A finished model waits for a small part of its own duration only, and no service is asked more often than needed."""

from __future__ import annotations

import statistics
from random import Random

import pytest
from image_to_3d.jobs.estimates import (
    UNKNOWN,
    Duration,
    Estimate,
    expected_by_service,
    learned,
    poll_delay,
    settings_key,
)

LIMITS = (0.5, 15.0)


def polls_until(duration: float, estimate: Estimate, *, rate_limited: bool = False) -> list[float]:
    """Returns the times of all polls of a job that takes so long, in seconds since the service accepted it."""
    times = [poll_delay(0.0, estimate, LIMITS, rate_limited=rate_limited)]
    while times[-1] < duration:
        times.append(times[-1] + poll_delay(times[-1], estimate, LIMITS, rate_limited=rate_limited))
    return times


def lag(duration: float, estimate: Estimate) -> float:
    return polls_until(duration, estimate)[-1] - duration


@pytest.mark.parametrize(("typical", "most"), [(10.0, 0.05), (60.0, 0.03), (300.0, 0.03)])
@pytest.mark.parametrize("guess", [None, 0.3, 1.0, 3.0])
def test_a_model_waits_for_a_small_part_of_its_duration(typical: float, most: float, guess: float | None) -> None:
    chance = Random(1)
    estimate = UNKNOWN if guess is None else expected_by_service(guess * typical)
    lags = []
    for _ in range(200):
        duration = chance.uniform(0.8, 1.2) * typical
        lags.append(lag(duration, estimate) / duration)
    assert statistics.median(lags) <= most


def finish(duration: float, durations: list[Duration]) -> tuple[float, int]:
    """Poll a job until it is done, and learn from it. Returns how long its model waited, and the number of polls."""
    times = polls_until(duration, learned(durations))
    durations.append(Duration(times[-2] if len(times) > 1 else 0.0, times[-1]))
    return times[-1] - duration, len(times)


@pytest.mark.parametrize(("shortest", "longest"), [(2.003, 2.003), (1.95, 2.1), (10.0, 10.1)])
def test_jobs_that_always_take_as_long_are_polled_about_once(shortest: float, longest: float) -> None:
    chance, durations = Random(1), [Duration(0.0, 0.0)][:0]
    found = [finish(chance.uniform(shortest, longest), durations) for _ in range(200)]
    assert statistics.mean(lag for lag, _ in found[3:]) < 0.25
    assert statistics.mean(polls for _, polls in found[3:]) < 1.6


@pytest.mark.parametrize("at_once", [1, 5, 15])
def test_a_service_that_became_faster_is_noticed_soon(at_once: int) -> None:
    durations, lags = [Duration(9.8, 10.2)] * 20, []
    for _ in range(90 // at_once):
        estimate = learned(durations)
        for _ in range(at_once):  # they start together, so they know the same
            times = polls_until(2.0, estimate)
            durations.append(Duration(times[-2] if len(times) > 1 else 0.0, times[-1]))
            lags.append(times[-1] - 2.0)
    assert statistics.mean(lags) < 2.5
    assert statistics.mean(lags[45:]) < 0.5


def test_a_service_that_got_too_many_requests_gets_fewer() -> None:
    assert len(polls_until(60.0, UNKNOWN, rate_limited=True)) < len(polls_until(60.0, UNKNOWN)) / 2


def test_intervals_stay_within_their_limits() -> None:
    for elapsed in (0.0, 0.1, 5.0, 100.0, 5000.0, 1e9):
        for estimate in (UNKNOWN, Estimate(0.0, 30.0), Estimate(200.0, 300.0)):
            assert LIMITS[0] <= poll_delay(elapsed, estimate, LIMITS) <= LIMITS[1]


def test_the_seed_and_the_account_do_not_change_how_long_a_job_takes() -> None:
    one = settings_key({"seed": 1, "resolution": 512, "webhook": "x", "track_id": "y"})
    assert one == settings_key({"resolution": 512, "seed": 9})
    assert one != settings_key({"resolution": 1024})
