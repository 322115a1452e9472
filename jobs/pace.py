# SPDX-License-Identifier: GPL-3.0-or-later
"""The time left of a batch, from how fast its models are made: a countdown that never runs backwards (an ETA)."""

from __future__ import annotations

from typing import Final

ENOUGH: Final = 2
"""Models from which a time is estimated."""
WRONG_FACTOR: Final = 2.0
WRONG_SECONDS: Final = 10.0
"""A countdown that is behind the estimate by this factor and these seconds is not shown."""


class Pace:
    """How fast the models of one batch are made. All times are monotonic seconds."""

    def __init__(self, now: float) -> None:
        self.restart(now)

    def restart(self, now: float) -> None:
        """The batch starts, was paused or resumed, or has more to do again: earlier times no longer count."""
        self._started = now
        self._done = 0
        self._left: float | None = None
        self._at = now

    def add(self) -> None:
        """One more model is done."""
        self._done += 1

    def seconds_left(self, remaining: float, now: float) -> float | None:
        """Returns the time left for so many models in seconds; None if it is unknown.

        It never rises: when the work turns out to be slower, it falls more slowly, and reaches 0 only with the end.
        """
        if self._done < ENOUGH:
            return None
        estimate = (now - self._started) / self._done * remaining
        if self._left is None:
            self._left = estimate
        elif estimate > 0:
            slowed = min(self._left / estimate, 1.0)
            self._left = min(estimate, max(self._left - (now - self._at) * slowed, 0.0))
        self._at = now
        return None if estimate > WRONG_FACTOR * self._left + WRONG_SECONDS else self._left
