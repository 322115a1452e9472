# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job's step works with, and what it returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..control import Control
from .estimates import Estimate
from .job import Job
from .recovery import ListReader

if TYPE_CHECKING:
    from ..api.client import Client
    from ..worker.worker_process import WorkerProcess


@dataclass(frozen=True, slots=True)
class Timing:
    """Polling intervals and timeouts, in seconds. The service documents no interval."""

    min_poll_interval: float = 0.5
    max_poll_interval: float = 15.0
    """See `estimates.poll_delay`."""
    free_poll_interval: float = 1.0
    """The longest where a process on this computer is polled, which costs nothing."""
    give_up: float = 3600.0
    """How long a service is polled. One of the artist's own is not given up: its process ends each job in time."""
    list_checks: tuple[float, ...] = (3.0, 10.0, 30.0)
    """Delays before each check for a lost submit in the service's list."""
    mirror_rounds: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)
    """Delays between rounds through a file's mirrors."""
    adoptions: tuple[float, ...] = (5.0, 10.0, 15.0, 30.0, 30.0)
    """Delays between two looks for dead Blenders' jobs; the last one repeats, none disables them.

    A lock can outlive its process, and a crashed Blender lives on behind its crash dialog.
    """
    connect: float = 10.0
    read: float = 60.0
    """For the next bytes of a reply."""
    stall: float = 30.0
    """For the next bytes of a file."""


@dataclass(frozen=True, slots=True)
class StepContext:
    """What a step works with."""

    client: Callable[[], Client]
    worker: WorkerProcess
    list_reader: ListReader
    timing: Timing
    control: Control
    estimate: Estimate
    """How long jobs like this one take at the service."""
    rate_limited: bool
    """The service said lately that it gets too many requests."""
    attempt: int
    """How many times in a row this step was already done for this job without an error."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """The job after a step, and the delay in seconds before its next step."""

    job: Job
    delay: float = 0.0
