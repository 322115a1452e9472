# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the service takes, learned from earlier jobs, and when to poll it next.

Polling costs a request, not polling costs the artist's time. The interval grows with the time that has passed, so a
finished model waits for 2 to 3 % of its own duration. Where earlier jobs tell how long such a job takes at least,
nothing is asked before that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from ..api.parameters import PARAMETERS

ENOUGH: Final = 3
"""Durations from which an estimate is made."""
REMEMBERED: Final = 20
"""Latest durations of one kind of job that are used."""

INTERVAL: Final = 0.045
"""The next poll is after this part of the time that has passed."""
EARLIEST: Final = 0.15
"""Nothing is asked before this part of the service's own estimate has passed. It may be several times too long."""
RATE_LIMIT_FACTOR: Final = 4.0
"""Intervals are this much longer after the service said that it gets too many requests."""

WITHOUT_EVIDENCE: Final = 6
"""After so many jobs that were done at their first poll, it is not known any more whether they were done earlier."""
PROBE: Final = 0.5
"""Then one poll is made after this part of the shortest of them."""

_SPREAD: Final = 0.75
"""Seconds: durations that differ by less are taken for constant."""
_IRRELEVANT: Final = frozenset({"seed", "image", "webhook", "track_id"})
"""Request parameters that do not change how long a job takes."""


class Duration(NamedTuple):
    """How long the service took for a job, as far as polling tells: at least `low` and at most `high` seconds.

    `low` is 0 for a job that was done at its first poll.
    """

    low: float
    high: float

    @property
    def likely(self) -> float:
        """The middle, if the two are close; else a little less than `high`, so that an estimate finds its way down."""
        return (self.low + self.high) / 2 if self.is_close else 0.97 * self.high

    @property
    def is_close(self) -> bool:
        """Whether the two are close: the job was polled shortly before it was found to be done."""
        return self.low > 0.75 * self.high


class Estimate(NamedTuple):
    """How long the service's work is expected to take, in seconds since the service accepted the job."""

    earliest: float
    """Hardly any such job was done before; 0 if that is not known."""
    typical: float
    """0 if nothing is known."""
    probe: float = 0.0
    """One poll is made this early, to notice that the service has become faster; 0: none."""


UNKNOWN: Final = Estimate(0.0, 0.0)


def settings_key(parameters: Mapping[str, Any]) -> str:
    """Returns what jobs with similar settings have in common, as text.

    What only an artist's own server takes counts if it is not as usual: most services never get it.
    """
    usual = {(name, row.default) for name, row in PARAMETERS.items() if row.local_only}
    relevant = [each for each in sorted(parameters.items()) if each[0] not in _IRRELEVANT and each not in usual]
    return ";".join(f"{name}={value}" for name, value in relevant)


def learned(durations: Sequence[Duration]) -> Estimate:
    """Returns the estimate from the durations of earlier jobs with similar settings; UNKNOWN if there are too few."""
    if len(durations) < ENOUGH:
        return UNKNOWN
    import statistics  # slow to import, so not when the extension is enabled

    latest = durations[-REMEMBERED:]
    likely = [duration.likely for duration in latest]
    earliest = _quantile(likely, 0.1)
    if _quantile(likely, 0.9) - earliest <= _SPREAD:
        # All jobs take as long: the first poll is right behind the time at which none was done.
        lows = [duration.low for duration in latest if duration.is_close]
        highs = [duration.high for duration in latest]
        earliest = max(0.98 * _quantile(highs, 0.1), 1.01 * _quantile(lows, 0.1) if lows else 0.0)
    typical, recent = statistics.median(likely), latest[-WITHOUT_EVIDENCE:]
    if len(recent) == WITHOUT_EVIDENCE and not any(duration.low for duration in recent):
        shortest = min(duration.high for duration in recent)
        return Estimate(min(earliest, 0.98 * shortest), typical, PROBE * shortest)
    return Estimate(earliest, typical)


def expected_by_service(seconds: float) -> Estimate:
    """Returns the estimate from what the service itself says."""
    return Estimate(EARLIEST * seconds, seconds)


def poll_delay(elapsed: float, estimate: Estimate, limits: tuple[float, float], *, rate_limited: bool = False) -> float:
    """Returns the seconds until the next poll.

    `elapsed`: seconds since the service accepted the job. `limits`: the shortest and the longest interval in seconds.
    """
    shortest, longest = limits
    wanted = estimate.probe if elapsed < estimate.probe else estimate.earliest
    interval = max(INTERVAL * elapsed, shortest, wanted - elapsed)
    return min(interval * (RATE_LIMIT_FACTOR if rate_limited else 1.0), longest)


def _quantile(values: Sequence[float], part: float) -> float:
    return sorted(values)[int(len(values) * part)]
