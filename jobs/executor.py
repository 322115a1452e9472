# SPDX-License-Identifier: GPL-3.0-or-later
"""Does the jobs' steps at their times, in few threads, and keeps each change before what it announces is done.

One thread looks after the times; steps run in lanes of a few threads, however many jobs wait. With nothing to
do, no thread is left.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from ..errors import (
    CancelledError,
    ErrorInfo,
    ImageTo3DError,
    InternalError,
    Message,
    StorageError,
    TookTooLongError,
    WorkerError,
)
from .config import ServiceClients
from .job import WAY, Job, State
from .persistence import Keeper
from .retry import Failures, RetryPolicy, decide
from .scheduler import ScheduledStep, Scheduler
from .steps import STEPS, StepContext, StepResult, Timing, read_list
from .store import JobStore
from .thread_pool import ThreadPool

if TYPE_CHECKING:
    from ..worker.worker_process import WorkerProcess

_log = logging.getLogger(__name__)

NETWORK_THREADS: Final = 12
_CLAIM_AGAIN_SECONDS: Final = 1.0
_REPORT_EVERY_SECONDS: Final = 0.25

NOT_KEPT: Final = StorageError("The journal of jobs can't be written.")
"""What is not in the journal is not done."""

_IN_WORKER: Final = frozenset({State.PREPARING, State.IMPORTING})
_RANK: Final = {state: rank for rank, state in enumerate(WAY)}
"""Trouble is over once a job gets past where it was, not when an earlier step works again."""
_LIST_AGAIN_SECONDS: Final = 300.0
"""Until a list that could not be read is tried again."""


@dataclass(slots=True)
class _Memory:
    """What is known of a job in this process only. Times are monotonic: no changed clock or sleep deceives them."""

    tries: int = 0
    trouble_since: float = 0.0
    trouble_at: State = State.QUEUED
    attempt: int = 0
    waiting_since: float = 0.0
    reported: float = 0.0


class Executor:
    """What makes a board's jobs go on. `while_idle` is called now and then while there is something to do."""

    def __init__(
        self,
        store: JobStore,
        keeper: Keeper,
        services: ServiceClients,
        worker: WorkerProcess,
        timing: Timing,
        retry_policy: RetryPolicy,
        while_idle: Callable[[], None],
    ) -> None:
        self.scheduler = Scheduler()
        self.stopping = False
        self._store = store
        self._keeper = keeper
        self._services = services
        self._worker = worker
        self._timing = timing
        self._retry_policy = retry_policy
        self._while_idle = while_idle
        self._memory: dict[str, _Memory] = {}
        self._later: dict[str, Callable[[str], None]] = {}
        self._tasks = 0
        self._thread: threading.Thread | None = None
        self._list_lock = threading.Lock()
        self._lists_known: dict[tuple[str, str], float] = {}
        """By account: until when what was found out of its list holds; for ever where it could be read."""
        self._network = ThreadPool("network", NETWORK_THREADS)
        self._bench = ThreadPool("worker", 1)
        self._files = ThreadPool("files", 1)

    # --- for the queue ---------------------------------------------------------------------------------

    def do(self, task: Callable[[], None]) -> None:
        """Do something with files soon, in order, in a thread; the runner does not end before."""
        with self._store.changed:
            self._tasks += 1
            self.wake()
        self._files.put(partial(self._do_task, task))

    def keep(self, job_id: str) -> bool:
        """Keep a job as it is; whether that worked."""
        return self._keeper.keep(lambda: self._store.get(job_id))

    def begin(self, job_id: str) -> bool:
        """Keep a job, and let its next step be due; whether it could be kept."""
        if not self.keep(job_id):
            return False
        with self._store.changed:
            job = self._store.get(job_id)
            if job is not None and job.running:
                self.scheduler.put(job)
                self.wake()
        return True

    def resume(self, job: Job, state: State, order: Callable[[str], None]) -> None:
        """Go on with a resting job in `state`. `order` is what was asked for, in case it must wait."""
        with self._store.changed:
            if self.scheduler.is_busy(job.id):
                # Cancelled, and its last step not back yet; what that brings decides where the job goes on.
                self._later[job.id] = order
                return
            self._memory.pop(job.id, None)
            self._store.put(job.moved(state))
        self.do(partial(self._begin_or_fail, job.id))

    def _begin_or_fail(self, job_id: str) -> None:
        if not self.begin(job_id):
            self.fail(job_id, NOT_KEPT.info())

    def fail(self, job_id: str, error: ErrorInfo) -> None:
        """End a running job with an error."""
        with self._store.changed:
            job = self._store.get(job_id)
            if job is None or not job.running:
                return
            self.scheduler.rests(job_id)
            self._store.put(job.moved(State.FAILED, error=error))
        self.keep(job_id)

    def keep_dismissed(self, job: Job) -> Job:
        """Keep that a job is off the list."""
        dismissed = replace(job, listed=False)
        self._memory.pop(job.id, None)

        def keep() -> None:
            self._keeper.keep(lambda: dismissed)

        self.do(keep)
        return dismissed

    def wake(self) -> None:
        """Look at the agenda; the caller holds the board's lock."""
        if self._thread is None and not self.stopping:
            self._thread = threading.Thread(target=self._look_after_times, name="image_to_3d queue", daemon=True)
            self._thread.start()
        self._store.changed.notify_all()

    def stop(self, seconds: float, longer_for_submits: float) -> bool:
        """Begin nothing more, and give what is under way some seconds; whether all of it has ended."""
        until = time.monotonic() + seconds
        with self._store.changed:
            self.stopping = True
            self._store.changed.notify_all()
            while self.scheduler.under_way or self._tasks:
                submitting = any(
                    job.state is State.SUBMITTING and self.scheduler.is_busy(job.id) for job in self._store.all()
                )
                if time.monotonic() > until + (longer_for_submits if submitting else 0.0):
                    break
                self._store.changed.wait(0.05)
            return not self.scheduler.under_way

    # --- times -----------------------------------------------------------------------------------------

    def _look_after_times(self) -> None:
        while True:
            with self._store.changed:
                if self.stopping or not (self.scheduler or self._tasks):
                    self._thread = None
                    return
                begun = self.scheduler.take(self._store.jobs_by_id, self._services.config.limit, self._may_begin)
                if not begun:
                    self._store.changed.wait(self.scheduler.seconds_to_next())
            for step in begun:
                lane = self._bench if step.job.state in _IN_WORKER else self._network
                lane.put(partial(self._advance, step))
            self._while_idle()

    def _may_begin(self, job: Job) -> bool:
        """Whether a queued job's service can be used now; if not, its line is held up for a while."""
        try:
            self._services.check(job.service, job.base_url)
        except ImageTo3DError as error:
            self.scheduler.pause(job.account, self._retry_policy.hold, error.message)
            return False
        return True

    def _do_task(self, task: Callable[[], None]) -> None:
        try:
            task()
        finally:
            with self._store.changed:
                self._tasks -= 1
                self.wake()

    # --- a step ----------------------------------------------------------------------------------------

    def _advance(self, step: ScheduledStep) -> None:
        job_id = step.job.id
        job = self._store.get(job_id)
        try:
            if job is not None and job.running and not self.stopping:
                self._step(job)
        except Exception as error:  # a bug of ours must not leave a paid job hanging
            _log.exception("%s: a step broke", job_id)
            self.fail(job_id, internal(error))
        finally:
            with self._store.changed:
                self.scheduler.ended(step)
                order = self._later.pop(job_id, None)
                self.wake()
                last = self.stopping and not self.scheduler.under_way
            if order is not None:
                order(job_id)
            if last:
                self._keeper.close()

    def _step(self, job: Job) -> None:
        if job.state is State.QUEUED:
            claimed = self._claim(job)
            if claimed is None:
                return
            job = claimed
        memory = self._memory.setdefault(job.id, _Memory())
        try:
            outcome = self._work(job, memory)
        except ImageTo3DError as error:
            if not (self.stopping and isinstance(error, CancelledError)):
                self._meet(job, error, memory)
            return
        if _RANK[memory.trouble_at] <= _RANK[job.state]:
            memory.tries = 0
        memory.attempt = memory.attempt + 1 if outcome.job.state is job.state else 0
        self._enter(job, outcome.job, outcome.after)

    def _claim(self, job: Job) -> Job | None:
        """A free place at the service for a queued job, across all Blenders; None: later."""
        claimed = job.moved(State.PREPARING)
        try:
            if self._keeper.claim(claimed, self._services.config.limit):
                published = self._publish(claimed)
                return published if published.running else None  # else cancelled meanwhile
        except StorageError as error:
            self.fail(job.id, error.info())
            return None
        with self._store.changed:
            self.scheduler.requeue_front(job, _CLAIM_AGAIN_SECONDS)
        return None

    def _work(self, job: Job, memory: _Memory) -> StepResult:
        self._bound_waiting(job, memory)
        context = StepContext(
            client=lambda: self._services.client(job.service, job.base_url),
            worker=self._worker,
            journal=self._keeper.journal(),
            timing=self._timing,
            cancelled=lambda: self._given_up(job.id),
            report=lambda done: self._report(job.id, done),
            list_known=lambda: self._list_known(job),
            attempt=memory.attempt,
        )
        return STEPS[job.state](job, context)

    def _bound_waiting(self, job: Job, memory: _Memory) -> None:
        if job.state is not State.WAITING:
            memory.waiting_since = 0.0
            return
        now = time.monotonic()
        memory.waiting_since = memory.waiting_since or now
        if now - memory.waiting_since > self._timing.give_up:
            memory.waiting_since = 0.0
            raise TookTooLongError(f"The service has not finished within {self._timing.give_up / 60:.0f} minutes.")

    def _meet(self, job: Job, error: ImageTo3DError, memory: _Memory) -> None:
        """A step ended with a fault."""
        now = time.monotonic()
        if memory.tries == 0:
            memory.trouble_since = now
        memory.tries += 1
        memory.trouble_at = job.state
        if isinstance(error, WorkerError) and job.state is State.IMPORTING and self._worker.cannot_start:
            _log.warning("%s: %s The model is imported directly; this may hold Blender up.", job.id, error.message)
            self._enter(job, job.moved(State.READY, details={"direct": True}), 0.0)
            return
        decision = decide(job, error, Failures(memory.tries, now - memory.trouble_since), self._retry_policy)
        log = _log.info if isinstance(error, CancelledError) else _log.warning
        log("%s: %s → %s: %s", job.id, job.state, decision.job.state, error)
        if decision.job.state is not job.state:
            memory.attempt = 0
        if decision.job.state is State.RECONCILING and job.state is not State.RECONCILING:
            decision = replace(decision, after=self._timing.looks[0])
        if decision.pause:
            with self._store.changed:
                self.scheduler.pause(job.account, decision.pause, error.message)
        self._enter(job, decision.job, decision.after)

    def _enter(self, before: Job, job: Job, after: float) -> None:
        """The job comes into its next state: kept first, then the step is due."""
        with self._store.changed:
            if job.state is State.SUBMITTING:
                seconds, why = self.scheduler.pause_of(job.account)
                if seconds > 0:
                    job = job.moved(State.QUEUED, note=why)
                else:
                    job = replace(job, sent=time.time())
            job = self._publish(job)
        kept = job.state is before.state or self.keep(job.id)
        if not kept and job.state is State.SUBMITTING:
            # What is not in the journal is not paid for.
            self.fail(job.id, NOT_KEPT.info())
            return
        with self._store.changed:
            current = self._store.get(job.id)
            if current is not None and current.running:
                self.scheduler.put(current, after)

    def _publish(self, job: Job) -> Job:
        """Tell what a step found out. If somebody cancelled meanwhile, keep only what was paid for."""
        with self._store.changed:
            current = self._store.get(job.id)
            if current is None or current.state is State.CANCELLED:
                job = replace(job, state=State.CANCELLED, error=None, note=Message(), progress=0.0)
            if not job.running:
                self.scheduler.rests(job.id)  # whoever sees it rest may order what comes next
            if current is not None:
                self._store.put(job)
                return job
        return self.keep_dismissed(job)

    def _report(self, job_id: str, done: float) -> None:
        with self._store.changed:
            job, memory = self._store.get(job_id), self._memory.get(job_id)
            now = time.monotonic()
            if job is None or memory is None or not job.running or now - memory.reported < _REPORT_EVERY_SECONDS:
                return
            memory.reported = now
            self._store.put(replace(job, progress=min(max(done, 0.0), 1.0)))

    def _given_up(self, job_id: str) -> bool:
        job = self._store.get(job_id)
        return self.stopping or job is None or job.state is State.CANCELLED

    def _list_known(self, job: Job) -> bool:
        """Read the service's list once before the first submit, so that later a lost one can be found in it."""
        with self._list_lock:
            if time.monotonic() < self._lists_known.get(job.account, 0.0):
                return self._lists_known[job.account] == math.inf
            try:
                listed = read_list(self._services.client(job.service, job.base_url))
                self._keeper.journal().see(job.account, [entry.id for entry in listed if entry.id])
            except ImageTo3DError as error:
                _log.info("the list of generated models could not be read: %s", error)
                self._lists_known[job.account] = time.monotonic() + _LIST_AGAIN_SECONDS
                return False
            self._lists_known[job.account] = math.inf
            return True


def internal(error: Exception) -> ErrorInfo:
    """What to say of a mistake of ours; the log has the rest."""
    return InternalError("Internal error in the add-on ({error}).", error=type(error).__name__).info()
