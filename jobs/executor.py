# SPDX-License-Identifier: GPL-3.0-or-later
"""The executor: starts the jobs' steps when they are due, in thread pools, and commits their results to the store.

One thread waits for due times; steps run in pools of a few threads, however many jobs wait. Without work, no thread
is left. Each state is saved before its step starts.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from ..errors import NO_MESSAGE, ErrorInfo, ImageTo3DError, InternalError, Message, StorageError
from . import commands, request
from .admission import Admission
from .adoption import Adoption
from .awake_clock import AwakeClock
from .balance_watch import BalanceWatch
from .batch import Batch
from .batch_runner import BatchRunner
from .cancellation import Cancellation
from .commands import Command
from .config import ServiceClients
from .job import Job, State
from .preview_renderer import PreviewRenderer
from .request import JobRequest
from .retry import Decision, RetryPolicy
from .scheduler import ScheduledStep, Scheduler
from .step_context import Timing
from .step_runner import StepRunner
from .steps import delete_downloads
from .store import JobStore
from .thread_pool import ThreadPool, result_of

if TYPE_CHECKING:
    from ..worker.worker_process import WorkerProcess

_log = logging.getLogger(__name__)

_POOL_SIZES: Final = {"network": 12, "worker": 1, "tools": 1}
_POOLS: Final[Mapping[State, str]] = {State.PREPARING: "worker", State.IMPORTING: "worker", State.PROCESSING: "tools"}
"""The thread pools of the states that need the worker; "network" for all others. A tool takes long."""


class Executor:
    """Runs the jobs of a store."""

    def __init__(
        self, store: JobStore, clients: ServiceClients, worker: WorkerProcess, timing: Timing, policy: RetryPolicy
    ) -> None:
        self._store = store
        self._clients = clients
        self._stopping = threading.Event()
        self._clock = AwakeClock()
        self._steps = StepRunner(store, clients, worker, timing, policy, self._stopping, self._clock)
        self._scheduler = Scheduler()
        """Guarded by the store's lock, like the fields below."""
        self.balances = BalanceWatch(store, clients, self._stopping)
        self._admission = Admission(store, clients, self._scheduler, self.balances, policy)
        self._requests: dict[str, JobRequest] = {}
        """By job id: requests whose image is not in the job's folder yet."""
        self._deferred: dict[str, Command] = {}
        """Commands for cancelled jobs whose last step has not returned yet."""
        self._tasks = 0
        """File tasks that have not ended."""
        self._thread: threading.Thread | None = None
        self._pools = {name: ThreadPool(name, size) for name, size in _POOL_SIZES.items()}
        self._file_pool = ThreadPool("files", 1)
        self.cancellation = Cancellation(store, clients, self._pools["network"])
        self.batches = BatchRunner(store, clients, self.start, self.command, self.run_file_task)
        self.previews = PreviewRenderer(store, worker, self._pools["worker"], self._stopping, self.run_file_task)
        self._adoption = Adoption(store, self.batches, self.previews, self._schedule, timing.adoptions)

    # --- for the queue: these return at once -------------------------------------------------------------------

    def start(self, job: Job, job_request: JobRequest) -> None:
        """Start a new job: store its image, save it, schedule it."""
        with self._store.lock:
            self._store.put(job)
            self._requests[job.id] = job_request
        self.run_file_task(partial(self._store_input, job.id))

    def command(self, job_id: str, command: Command) -> None:
        """Continue a job that is not running as the command says. Does nothing if it does not fit the job's state."""
        with self._store.lock:
            job = self._store.get(job_id)
            changed = commands.apply(command, job) if job is not None else None
            if job is None or changed is None:
                return
            if self._scheduler.is_busy(job_id):
                # Cancelled, but its last step has not returned: its result decides where the job continues.
                self._deferred[job_id] = command
                return
            self._steps.forget(job_id)
            if job_id in self._requests:
                self._store.put(self._clients.with_current_service(job.moved(State.QUEUED)))
                self.run_file_task(partial(self._store_input, job_id))
                return
            self._store.put(self._clients.with_current_service(changed))
        if command in commands.DELETES_DOWNLOADS:
            self.run_file_task(partial(delete_downloads, job))
        results = self._clients.config.results
        if job.error is not None and job.error.code == StorageError.code and job.folder.parent != results:
            self.run_file_task(partial(request.copy_job_folder, job.folder, results))
            self._store.update(job_id, lambda current: replace(current, folder=results / current.folder.name))
        self.run_file_task(partial(self._save_and_schedule, job_id))

    def save(self, job_id: str) -> None:
        """Save a job that was changed in the store."""
        self.run_file_task(partial(self._store.save, job_id))

    def remove(self, job_id: str) -> None:
        """Remove a job that is not running from the list. Its results folder stays."""
        with self._store.lock:
            job = self._store.remove(job_id)
            self._requests.pop(job_id, None)
            self._deferred.pop(job_id, None)
        if job is not None:
            self._save_removed(job)

    def adopt(self) -> None:
        """Take over unfinished jobs of dead Blenders. They appear as events."""
        if not self._stopping.is_set():
            self._adoption.wait_again()
            self.run_file_task(self._adoption.take_over_orphans)

    def take_over_batches(self, wanted: Callable[[Batch], bool]) -> bool:
        """Take over the batches that are wanted, with all other work of the dead Blenders that have them. Blocks.

        Returns whether living Blenders have such batches. Raises StorageError.
        """
        return result_of(self.run_file_task, partial(self._adoption.take_over_batches, wanted))

    def notify_config_changed(self) -> None:
        """Look at once whether paused or waiting jobs can start."""
        with self._store.lock:
            self._scheduler.end_holds()
            self._store.lock.notify_all()

    def try_now(self) -> None:
        """End all pauses and delays."""
        with self._store.lock:
            self._scheduler.try_now()
            self._store.lock.notify_all()

    def active(self) -> int:
        """Returns the number of running jobs and file tasks."""
        with self._store.lock:
            running = sum(job.running for job in self._store.jobs.values())
            return self._tasks + self.previews.pending + running

    def is_idle(self) -> bool:
        """Whether no step and no file task is running."""
        with self._store.lock:
            return not (self._scheduler.steps_running or self._tasks)

    def paused(self) -> tuple[float, Message] | None:
        """Returns for how many seconds no job starts, and why; None if no service is paused."""
        with self._store.lock:
            left, reason = self._scheduler.longest_pause()
            return (left, reason) if left > 0 else None

    def held(self) -> Message:
        """Returns why new jobs wait because of the spending limit; empty if none does."""
        with self._store.lock:
            return self._scheduler.held(self._store.jobs.values())

    def stop(self, timeout: float, submit_timeout: float) -> bool:
        """Start nothing more, and wait for running steps. Blocks. Returns whether all of them ended.

        `timeout`: seconds; a submit gets `submit_timeout` seconds more.
        """
        deadline = time.monotonic() + timeout
        with self._store.lock:
            self._stopping.set()
            self._store.lock.notify_all()
            while self._scheduler.steps_running or self._tasks:
                submitting = any(
                    job.state is State.SUBMITTING and self._scheduler.is_busy(job.id)
                    for job in self._store.jobs.values()
                )
                if time.monotonic() > deadline + (submit_timeout if submitting else 0.0):
                    break
                self._store.lock.wait(0.05)
            return not self._scheduler.steps_running

    # --- the scheduler's thread --------------------------------------------------------------------------------

    def _wake(self) -> None:
        """Start the scheduler's thread, or wake it. The caller holds the lock."""
        if self._thread is None and not self._stopping.is_set():
            self._thread = threading.Thread(target=self._run_scheduler, name="image_to_3d scheduler", daemon=True)
            self._thread.start()
        self._store.lock.notify_all()

    def _run_scheduler(self) -> None:
        while True:
            self._clock.now()
            with self._store.lock:
                to_report = self.batches.write_due_reports()
                working = self._scheduler or self._tasks or self._store.others_own_jobs or to_report is not None
                if self._stopping.is_set() or not working:
                    self._thread = None
                    return
                self._admission.pause_unusable_services()
                paused = {batch.id for batch in self._store.batches.values() if batch.paused}
                steps = self._scheduler.pop_due(self._store.jobs, self._clients.config.slots, paused)
                if not steps:
                    to_adoption = self._adoption.seconds_to_next()
                    waits = (self._scheduler.seconds_to_next(), to_adoption, to_report)
                    self._store.lock.wait(min(wait for wait in waits if wait is not None))
            for step in steps:
                self._pools[_POOLS.get(step.job.state, "network")].submit(partial(self._run_step, step))
            if self._adoption.seconds_to_next() <= 0:
                self.adopt()

    # --- a step, in a pool's thread --------------------------------------------------------------------------------

    def _run_step(self, step: ScheduledStep) -> None:
        job_id = step.job.id
        try:
            job = self._store.get(job_id)
            if job is not None and job.state is State.QUEUED and not self._stopping.is_set():
                job = self._claim_slot(job)
            if job is not None and job.running and not self._stopping.is_set():
                decision = self._steps.run(job)
                if decision is not None:
                    self._commit(job, decision)
                    self.cancellation.send_if_unwanted(decision.job)
        except Exception as error:  # a bug of ours must not leave a paid job running forever
            _log.exception("%s: a step failed", job_id)
            self._fail(job_id, _internal(error))
        finally:
            with self._store.lock:
                self._scheduler.step_ended(step)
                command = self._deferred.pop(job_id, None)
                self._wake()
                last = self._stopping.is_set() and not self._scheduler.steps_running
            if command is not None:
                self.command(job_id, command)
            if last:
                self._store.close()

    def _claim_slot(self, job: Job) -> Job | None:
        """Returns the queued job with a slot at its service, across all Blenders; None: later."""
        claimed = job.moved(State.PREPARING)
        try:
            if not self._admission.claim(claimed):
                return None
        except StorageError as error:
            self._fail(job.id, error.info())
            return None
        published = self._publish(job, claimed)
        if published is not None and not published.running:  # cancelled after it was recorded as running
            self._store.save(job.id)
        return published

    def _commit(self, before: Job, decision: Decision) -> None:
        """Publish and save what a step did, then schedule the next step."""
        job = decision.job
        if decision.pause:
            with self._store.lock:
                self._scheduler.pause(job.account, decision.pause, job.note)
        authorized = False
        if job.state is State.SUBMITTING:
            authorized = self._authorize_submit(before, job)
        else:
            published = self._publish(before, job)
            if published is not None and published.state is not before.state:
                self._store.save(job.id)
                self.previews.add(published)
                if job.state is State.DOWNLOADING or before.state is State.WAITING:
                    self.balances.ask(job.account)  # it was charged by now
        with self._store.lock:
            current = self._store.get(job.id)
            # Also a job that another Blender continued meanwhile, and that this one took over again.
            if current is not None and current.running and (authorized or current.state is not State.SUBMITTING):
                self._scheduler.schedule(current, decision.delay)

    def _authorize_submit(self, before: Job, job: Job) -> bool:
        """Whether the job may be submitted now, and that is recorded on disk. The only rule that lets money be spent.

        A job of a paused service goes back to the queue. A job that can't be saved fails: what the journal does not
        know, a later Blender would pay for again. One that another Blender took over leaves this one's list.
        """
        with self._store.lock:
            seconds, reason = self._scheduler.pause_of(job.account)
            wanted = (
                job.moved(State.QUEUED, note=reason)
                if seconds > 0
                else replace(job, sent=time.time(), lost_reply=NO_MESSAGE)
            )
            published = self._publish(before, wanted)
        if published is None or self._store.save(job.id):
            return published is not None
        if published.state is State.SUBMITTING:
            self._fail(job.id, _cannot_save().info())
        return False

    def _publish(self, before: Job, job: Job) -> Job | None:
        """Put a step's result into the store. If the job was cancelled meanwhile, only keep what was paid for.

        Returns None if the result no longer applies: another Blender continued the job since the step started.
        """
        with self._store.lock:
            current = self._store.get(job.id)
            if current is not None and current.state not in (before.state, State.CANCELLED):
                return None
            if current is None or current.state is State.CANCELLED:
                job = replace(job, state=State.CANCELLED, error=None, progress=0.0)
            if not job.running:
                self._scheduler.mark_idle(job.id)  # from now on, commands for it apply at once
            if current is not None:
                job = replace(job, price=current.price, currency=current.currency)  # learned meanwhile
                self._store.put(job)
                return job
        removed = replace(job, listed=False)
        self._save_removed(removed)
        return removed

    def _fail(self, job_id: str, error: ErrorInfo) -> None:
        """End a running job with an error."""
        with self._store.lock:
            failed = self._store.update(
                job_id, lambda job: job.moved(State.FAILED, error=error) if job.running else None
            )
            if failed is None:
                return
            self._scheduler.mark_idle(job_id)
        self._store.save(job_id)

    # --- file tasks: one after the other, in a thread ----------------------------------------------------------------

    def run_file_task(self, task: Callable[[], object]) -> None:
        """Run a task in the thread for files. Returns at once."""
        with self._store.lock:
            self._tasks += 1
            self._wake()
        self._file_pool.submit(partial(self._finish_file_task, task))

    def _finish_file_task(self, task: Callable[[], object]) -> None:
        try:
            task()
        finally:
            with self._store.lock:
                self._tasks -= 1
                self._wake()

    def _store_input(self, job_id: str) -> None:
        """Copy a new job's image into its folder, then save and schedule the job."""
        job, job_request = self._store.get(job_id), self._requests.get(job_id)
        if job is None or job_request is None:
            return
        try:
            if not job.batch:  # the results folder may have changed since
                job = replace(job, folder=self._clients.config.results / job.folder.name)
            stored = request.store_input(job, job_request)
            self._store.update(job_id, lambda current: stored if current.state is State.QUEUED else None)
            if not self._store.save(job_id):
                raise _cannot_save()
            with self._store.lock:
                self._requests.pop(job_id, None)
            request.discard_spooled(job_request)
            self._schedule(job_id)
        except ImageTo3DError as error:
            self._fail(job_id, error.info())
        except Exception as error:  # a bug of ours must not leave a job running forever
            _log.exception("%s: its image could not be stored", job_id)
            self._fail(job_id, _internal(error))

    def _save_and_schedule(self, job_id: str) -> None:
        if self._store.save(job_id):
            self._schedule(job_id)
        else:
            self._fail(job_id, _cannot_save().info())

    def _schedule(self, job_id: str) -> None:
        with self._store.lock:
            job = self._store.get(job_id)
            if job is not None and job.running:
                self._scheduler.schedule(job)
                self._wake()

    def _save_removed(self, job: Job) -> None:
        self._steps.forget(job.id)
        self.run_file_task(partial(self._store.save_removed, job))


def _cannot_save() -> StorageError:
    return StorageError("The journal can't be written.")


def _internal(error: Exception) -> ErrorInfo:
    return InternalError("Internal error in the add-on ({error}).", error=type(error).__name__).info()
