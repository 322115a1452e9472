# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the service takes, learned from earlier jobs, and when to poll it next.

Polling costs a request, not polling costs the artist's time. The interval grows with the time that has passed, so a
finished model waits for about 3 % of its own duration. Where earlier jobs tell how long such a job takes, nothing is
asked before that.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

ENOUGH: Final = 3
"""Durations from which an estimate is made."""
REMEMBERED: Final = 20
"""Latest durations of one kind of job that are used."""

INTERVAL: Final = 0.05
"""The next poll is after this part of the time that has passed."""
MIN_INTERVAL: Final = 0.5
MAX_INTERVAL: Final = 15.0
EARLY_FACTOR: Final = 2.0
"""Intervals are this much longer during the first half of the service's own estimate, which may be wrong."""
FIRST_HIT: Final = 0.9
"""A job that was done at its first poll may have been done earlier: this part of its duration is learned. So the
estimate finds its way down again after the service has become faster."""

_IRRELEVANT: Final = frozenset({"seed", "image", "webhook", "track_id"})
"""Request parameters that do not change how long a job takes."""


class Estimate(NamedTuple):
    """How long the service's work is expected to take, in seconds since the service accepted the job."""

    earliest: float
    """Hardly any such job was done before; 0 if that is not known."""
    typical: float
    """0 if nothing is known."""


UNKNOWN: Final = Estimate(0.0, 0.0)


def settings_key(parameters: Mapping[str, Any]) -> str:
    """Returns what jobs with similar settings have in common, as text."""
    return ";".join(f"{name}={value}" for name, value in sorted(parameters.items()) if name not in _IRRELEVANT)


def learned(durations: Sequence[float]) -> Estimate:
    """Returns the estimate from the durations of earlier jobs with similar settings; UNKNOWN if there are too few."""
    if len(durations) < ENOUGH:
        return UNKNOWN
    ordered = sorted(durations[-REMEMBERED:])
    return Estimate(ordered[len(ordered) // 10], statistics.median(ordered))


def poll_delay(elapsed: float, estimate: Estimate) -> float:
    """Returns the seconds until the next poll. `elapsed`: seconds since the service accepted the job."""
    interval = max(INTERVAL * elapsed, MIN_INTERVAL)
    if elapsed < estimate.earliest:
        interval = max(interval, estimate.earliest - elapsed)
    elif not estimate.earliest and elapsed < estimate.typical / 2:
        interval *= EARLY_FACTOR
    return min(interval, MAX_INTERVAL)


def learned_duration(duration: float, *, first_poll: bool) -> float:
    """Returns the duration to remember for a job that a poll found to be done after so many seconds."""
    return duration * FIRST_HIT if first_poll else duration
