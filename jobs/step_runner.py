# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one step of a job, and applies the retry policy to its error.

Keeps what is known of each job in this process only: its failures, attempts and waiting time.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ..control import Control
from ..errors import (
    CancelledError,
    ConversionLimitError,
    ImageTo3DError,
    ImportFailedError,
    OnlineAccessError,
    RateLimitError,
    StorageError,
    TookTooLongError,
    WorkerError,
)
from .after_import import with_failure
from .awake_clock import AwakeClock
from .config import LOCAL, ServiceClients
from .durations import WHOLE_JOB
from .estimates import UNKNOWN, Duration, Estimate, learned, settings_key
from .job import RUNNING_STATES, Job, State
from .recovery import ListReader
from .retry import Decision, Failures, RetryPolicy, decide
from .step_context import StepContext, Timing
from .steps import STEPS
from .store import JobStore

if TYPE_CHECKING:
    from ..worker.worker_process import WorkerProcess

_log = logging.getLogger(__name__)

RATE_LIMIT_MEMORY: Final = 600.0
"""Seconds for which a service is polled less often after it said that it gets too many requests."""
_REPORT_INTERVAL: Final = 0.25
_RANK: Final = {state: rank for rank, state in enumerate(RUNNING_STATES)}


@dataclass(slots=True)
class _Runtime:
    """One job's counters. Times are those of an AwakeClock, except `reported` (monotonic)."""

    failures: int = 0
    failing_since: float = 0.0
    failed_in: State = State.QUEUED
    attempt: int = 0
    waiting_since: float | None = None
    started: float | None = None
    """When its image began to be prepared; None if it was continued later."""
    estimate: Estimate | None = None
    """How long the service is expected to take; None until it was looked up."""
    not_done: float = 0.0
    """Seconds after the submit at which the service last said "not yet"."""
    reported: float = 0.0


class StepRunner:
    """Runs steps in the executor's threads. Thread-safe for different jobs."""

    def __init__(
        self,
        store: JobStore,
        clients: ServiceClients,
        worker: WorkerProcess,
        timing: Timing,
        policy: RetryPolicy,
        stopping: threading.Event,
        clock: AwakeClock,
    ) -> None:
        self._store = store
        self._clients = clients
        self._worker = worker
        self._timing = timing
        self._policy = policy
        self._stopping = stopping
        self._clock = clock
        self._list_reader = ListReader(store)
        self._runtimes: dict[str, _Runtime] = {}
        self._rate_limited: dict[tuple[str, str], float] = {}
        """By account: until when it is polled less often (awake seconds)."""

    def forget(self, job_id: str) -> None:
        """Reset a job's counters: somebody restarted it, or it left the list."""
        self._runtimes.pop(job_id, None)

    def run(self, job: Job) -> Decision | None:
        """Run the job's next step. Returns what happens to it; None if it was interrupted because Blender quits."""
        runtime = self._runtimes.setdefault(job.id, _Runtime())
        converts = job.state in (State.IMPORTING, State.PROCESSING)
        if converts:
            job = self._count_conversion(job, 1)
        try:
            if job.state is State.PREPARING:
                runtime.started = self._clock.now()
            if job.state is not State.WAITING:
                runtime.waiting_since = None
            result = STEPS[job.state](job, self._context(job, runtime))
            if job.state is result.job.state is State.WAITING and job.service != LOCAL:
                self._check_timeout(runtime)
        except ImageTo3DError as error:
            ended_nothing = isinstance(error, CancelledError | ImportFailedError)
            if converts and ended_nothing and not isinstance(error, ConversionLimitError):
                job = self._count_conversion(job, -1)
            interrupted = self._stopping.is_set() and isinstance(error, CancelledError)
            return None if interrupted else self._handle_error(job, error, runtime)
        # Failures count until the job gets past the state in which it failed, not until an earlier step succeeds.
        if _RANK[runtime.failed_in] <= _RANK[job.state]:
            runtime.failures = 0
        if job.state is State.WAITING and result.job.state is State.DOWNLOADING:
            self._learn(job, runtime)
        elif job.state is State.WAITING:
            runtime.not_done = max(time.time() - result.job.submitted, 0.0)
            if runtime.started is not None:  # while it waits to be begun, `submitted` moves
                runtime.started += max(result.job.submitted - job.submitted, 0.0)
        elif job.state is State.IMPORTING and runtime.started is not None:
            seconds = self._clock.now() - runtime.started
            runtime.started = None
            self._remember(job, WHOLE_JOB + settings_key(job.parameters), Duration(seconds, seconds))
        runtime.attempt = runtime.attempt + 1 if result.job.state is job.state else 0
        return Decision(result.job, result.delay)

    def _count_conversion(self, job: Job, change: int) -> Job:
        """Save that a conversion begins, or that it was no failure: whoever resumes the job must know. Returns it."""
        count = job.conversions + change
        changed = self._store.update(
            job.id, lambda now: replace(now, conversions=count) if now.state is job.state else None
        )
        if changed is not None:
            self._store.save(job.id)
        return replace(job, conversions=count)

    def _context(self, job: Job, runtime: _Runtime) -> StepContext:
        return StepContext(
            client=lambda: self._clients.client(job.service, job.base_url, accepted=bool(job.service_id)),
            worker=self._worker,
            list_reader=self._list_reader,
            timing=self._timing,
            control=Control(lambda: self._is_cancelled(job.id), lambda done: self._report(job.id, done, runtime)),
            estimate=self._estimate(job, runtime),
            rate_limited=self._clock.now() < self._rate_limited.get(job.account, 0.0),
            attempt=runtime.attempt,
        )

    def _estimate(self, job: Job, runtime: _Runtime) -> Estimate:
        if job.state not in {State.SUBMITTING, State.WAITING}:
            return UNKNOWN
        if runtime.estimate is None:
            try:
                runtime.estimate = learned(self._store.durations(job.account, settings_key(job.parameters)))
            except StorageError as error:
                _log.info("%s: no estimate: %s", job.id, error)
                runtime.estimate = UNKNOWN
        return runtime.estimate

    def _learn(self, job: Job, runtime: _Runtime) -> None:
        """Remember how long the service took for a job that is done now."""
        duration = Duration(runtime.not_done, time.time() - job.submitted)
        if duration.low <= duration.high < self._timing.give_up:
            self._remember(job, settings_key(job.parameters), duration)

    def _remember(self, job: Job, settings: str, duration: Duration) -> None:
        try:
            self._store.add_duration(job.account, settings, duration)
        except StorageError as error:
            _log.info("%s: its duration can't be remembered: %s", job.id, error)

    def _check_timeout(self, runtime: _Runtime) -> None:
        """Raises TookTooLongError if the service says "not yet" after the job has waited for too long."""
        now = self._clock.now()
        if runtime.waiting_since is None:
            runtime.waiting_since = now
        if now - runtime.waiting_since > self._timing.give_up:
            runtime.waiting_since = None
            minutes = f"{self._timing.give_up / 60:.0f}"
            raise TookTooLongError("The service did not finish within {minutes} minutes.", minutes=minutes)

    def _handle_error(self, job: Job, error: ImageTo3DError, runtime: _Runtime) -> Decision:
        now = self._clock.now()
        if runtime.failures == 0:
            runtime.failing_since = now
        runtime.failures += 1
        runtime.failed_in = job.state
        if isinstance(error, OnlineAccessError):
            self._leave_network(job)
        if isinstance(error, RateLimitError):
            self._rate_limited[job.account] = now + RATE_LIMIT_MEMORY
        # Only a file that no worker has begun with: one that ended a worker would end this Blender, too.
        fresh = job.state is State.IMPORTING and job.conversions == 1
        if isinstance(error, WorkerError) and fresh and self._worker.cannot_start:
            _log.warning("%s: %s The model is imported directly, which may block Blender.", job.id, error.message)
            return Decision(with_failure(job, error.message).moved(State.READY))
        decision = decide(job, error, Failures(runtime.failures, now - runtime.failing_since), self._policy)
        log = _log.info if isinstance(error, CancelledError) else _log.warning
        log("%s: %s → %s: %s", job.id, job.state, decision.job.state, error)
        if decision.job.state is not job.state:
            runtime.attempt = 0
            if decision.job.state is State.RECONCILING:
                return replace(decision, delay=self._timing.list_checks[0])
        return decision

    def _leave_network(self, job: Job) -> None:
        """Have no local server on another machine work for a job, now that online access is disabled."""
        try:
            self._clients.cancel(job.service, job.service_id)
        except ImageTo3DError as error:
            _log.warning("%s could not be cancelled at its service: %s", job.id, error)

    def _is_cancelled(self, job_id: str) -> bool:
        job = self._store.get(job_id)
        return self._stopping.is_set() or job is None or job.state is State.CANCELLED

    def _report(self, job_id: str, fraction: float, runtime: _Runtime) -> None:
        now = time.monotonic()
        if now - runtime.reported < _REPORT_INTERVAL:
            return
        runtime.reported = now
        progress = min(max(fraction, 0.0), 1.0)
        self._store.update(job_id, lambda job: replace(job, progress=progress) if job.running else None)
