# SPDX-License-Identifier: GPL-3.0-or-later
"""The job queue: all jobs of this Blender session, the commands on them, and the events they emit.

The methods are for the host's main thread: none waits for a disk or a network, except `stop`. Each command changes
the job in the store at once, and the executor does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..control import NO_CONTROL, Control
from ..errors import ErrorInfo, Message
from .batch import Batch
from .batch_request import BatchRequest, create_batch
from .commands import Command
from .config import Config, Loopback, ServiceClients
from .executor import Executor
from .job import Job, State
from .move_results import Moved, move_result, results_in
from .recovery import LEFT_UNSAVED, UNDONE
from .request import JobRequest, create_job
from .retry import RetryPolicy
from .step_context import Timing
from .store import JobStore
from .thread_pool import result_of

if TYPE_CHECKING:
    from ..worker.worker_process import WorkerProcess


class Queue:
    """All jobs of this Blender. `folder`: the data folder with the journal, shared by all Blenders.

    `earlier`: where earlier versions had the journal; its jobs are taken over from there. `adopts`: unfinished jobs of
    dead Blenders are taken over without `adopt`.

    `loopback` starts the process of a free service if needed, and returns its base URL and key.
    """

    def __init__(
        self,
        folder: Path,
        config: Config,
        worker: WorkerProcess,
        loopback: Loopback,
        *,
        earlier: Path | None = None,
        adopts: bool = True,
        timing: Timing | None = None,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        timing = timing or Timing()
        if not adopts:
            timing = replace(timing, adoptions=())
        self._clients = ServiceClients(config, loopback, (timing.connect, timing.read))
        self._worker = worker
        self._store = JobStore(folder, lambda: list(self._clients.config.results_folders), earlier)
        self._executor = Executor(self._store, self._clients, worker, timing, retry_policy or RetryPolicy())
        self.events = self._store.events

    # --- queries -----------------------------------------------------------------------------------------------

    def jobs(self) -> tuple[Job, ...]:
        """Returns all jobs on the list, oldest first."""
        return self._store.all()

    def job(self, job_id: str) -> Job | None:
        """Returns a job as it is now; None if it is not on the list."""
        return self._store.get(job_id)

    def running(self) -> int:
        """Returns the number of jobs and file tasks that the queue is working on."""
        return self._executor.active()

    def reads_balance(self) -> bool:
        """Whether an account's balance is being read. That is no work of a job, and nothing waits for it."""
        return self._executor.balances.busy

    def is_idle(self) -> bool:
        """Whether no step and no file task is running at this moment. Jobs may be waiting."""
        return self._executor.is_idle()

    def paused(self) -> tuple[float, Message] | None:
        """Returns for how many seconds no new job starts, and why; None if the queue is not paused."""
        return self._executor.paused()

    def held(self) -> Message:
        """Returns why new jobs wait because of the spending limit; empty if none does."""
        return self._executor.held()

    @property
    def worker(self) -> WorkerProcess:
        """The background Blender."""
        return self._worker

    @property
    def others_own_jobs(self) -> bool:
        """Whether other Blenders were running and had jobs when `adopt` last looked."""
        return self._store.others_own_jobs

    # --- commands ----------------------------------------------------------------------------------------------

    def configure(self, config: Config) -> None:
        """Use these preferences from now on."""
        if config != self._clients.config:
            self._clients.config = config
            self._executor.notify_config_changed()

    def add(self, request: JobRequest) -> Job:
        """Start a job.

        Raises ParameterError, ImageError, OnlineAccessError, KeyMissingError; nothing is started then.
        """
        config = self._clients.config
        base_url = config.require_ready()
        config.require_takes(request.image if isinstance(request.image, str) else "", request.views)
        job = create_job(request, config.results, config.service, base_url)
        self._executor.start(job, request)
        return job

    def cancel(self, job_id: str) -> None:
        """Cancel a job in any state. A paid service has no cancel call: it finishes what it has started."""
        self._change(job_id, lambda job: job.running or job.state is State.READY, State.CANCELLED)
        job = self._store.get(job_id)  # only now: a step may have just learned the service's id
        if job is not None:
            self._executor.cancellation.send_if_unwanted(job)

    def command(self, job_id: str, command: Command) -> None:
        """Continue a job that is not running. Does nothing if the command does not fit the job's state."""
        self._executor.command(job_id, command)

    def dismiss(self, job_id: str) -> None:
        """Remove a job that is not running from the list. Its results folder stays.

        A job of a batch leaves the list with its batch.
        """
        job = self._store.get(job_id)
        if job is not None and job.batch not in self._store.batches:
            self._executor.remove(job_id)

    def add_batch(self, wanted: BatchRequest) -> Batch:
        """Start a batch. Its jobs appear as events.

        Raises ParameterError, OnlineAccessError, KeyMissingError; nothing is started then.
        """
        config = self._clients.config
        base_url = config.require_ready()
        for each in wanted.images:
            config.require_takes(each.image if isinstance(each.image, str) else "", each.views)
        batch = create_batch(wanted, config.results, config.service, base_url)
        self._executor.batches.add(batch)
        return batch

    def batches(self) -> tuple[Batch, ...]:
        """Returns all batches on the list, oldest first."""
        with self._store.lock:
            return tuple(self._store.batches.values())

    def batch_jobs(self, batch_id: str) -> list[Job]:
        """Returns the jobs of a batch that exist so far, oldest first."""
        return self._store.batch_jobs(batch_id)

    def pause_batch(self, batch_id: str, paused: bool) -> None:
        """Start no further job of a batch, or start them again. Running jobs continue."""
        self._executor.batches.pause(batch_id, paused)

    def cancel_batch(self, batch_id: str) -> None:
        """Cancel all jobs of a batch that are not done."""
        self._executor.batches.cancel(batch_id, self.cancel)

    def retry_batch(self, batch_id: str) -> int:
        """Continue all failed and cancelled jobs of a batch; nothing is paid for twice. Returns their number."""
        return self._executor.batches.retry(batch_id)

    def remove_batch(self, batch_id: str) -> bool:
        """Remove a finished batch from the list, with its jobs. Its folder stays. Returns whether it was removed."""
        return self._executor.batches.remove(batch_id, self._executor.remove)

    def adopt(self) -> None:
        """Take over unfinished jobs of dead Blenders. Returns at once; the jobs appear as events."""
        self._executor.adopt()

    def take_over_batches(self, wanted: Callable[[Batch], bool]) -> bool:
        """Take over the batches that are wanted from dead Blenders. Returns whether living ones have such batches.

        Blocks: for the command line only. Raises StorageError.
        """
        return self._executor.take_over_batches(wanted)

    def find_batches(self, wanted: Callable[[Batch], bool]) -> list[tuple[Batch, dict[str, Job]]]:
        """Returns the batches that are wanted with their jobs by id, as the journal has them, oldest first.

        Blocks: for the command line only. Raises StorageError.
        """
        return result_of(self._executor.run_file_task, partial(self._store.find_batches, wanted))

    def write_report(self, batch_id: str, control: Control = NO_CONTROL) -> None:
        """Write a batch's report once its previews are rendered, or `control` is cancelled.

        Blocks: for the command line, and scripts without a window.
        """
        self._executor.previews.finish(self.batch_jobs(batch_id), control)
        self._executor.batches.write_report(batch_id)

    def try_now(self) -> None:
        """Do not wait for the end of a pause, or of a delay before a retry."""
        self._executor.try_now()

    def move_results(self, sources: Sequence[Path], target: Path) -> Moved:
        """Move the results of jobs that are not running to another results folder. Blocks: for a thread of its own."""
        moved = Moved()
        for folder in results_in(sources, target):  # one by one, so that jobs are saved in between
            moved += result_of(self._executor.run_file_task, partial(move_result, self._store, folder, target))
        return moved

    # --- reports of the host -------------------------------------------------------------------------------------

    def mark_placed(self, job_id: str, objects: Sequence[str]) -> None:
        """The model was placed in a scene as these objects."""
        self._change(job_id, _is_ready, State.PLACED, objects=tuple(objects), saved=False)

    def mark_failed_to_place(self, job_id: str, error: ErrorInfo) -> None:
        """The model could not be placed in the scene."""
        self._change(job_id, _is_ready, State.FAILED, error=error)

    def mark_saved(self, job_ids: Sequence[str]) -> None:
        """The scene in which these models were placed was saved."""
        for job_id in job_ids:
            if self._store.update(job_id, _saved) is not None:
                self._executor.save(job_id)

    def mark_left_unsaved(self, job_ids: Sequence[str]) -> None:
        """The file in which these models were placed was left without saving: they can be placed again."""
        for job_id in job_ids:
            self._change(job_id, _is_placed_unsaved, State.READY, **LEFT_UNSAVED)

    def mark_undone(self, job_id: str) -> None:
        """The artist undid the placing of this model: it can be placed again."""
        self._change(job_id, _is_placed, State.READY, **UNDONE)

    def stop(self, timeout: float = 2.0, *, keep_placed: bool = True) -> None:
        """Stop. Running steps get `timeout` seconds, a submit some more; jobs continue in the next Blender. Blocks.

        `keep_placed`: models that were placed and never saved are not offered again.
        """
        all_ended = self._executor.stop(timeout, submit_timeout=3.0)
        self._clients.close()
        self._worker.stop()
        for job in self._store.all() if keep_placed else ():
            if self._store.update(job.id, _saved) is not None:
                self._store.save(job.id)
        if all_ended:
            self._store.close()
        # Otherwise the last step closes it: until then no other Blender may take the jobs over.

    def _change(self, job_id: str, applies: Callable[[Job], bool], state: State, **changes: Any) -> None:
        if self._store.update(job_id, lambda job: job.moved(state, **changes) if applies(job) else None) is not None:
            self._executor.save(job_id)


def _is_ready(job: Job) -> bool:
    return job.state is State.READY


def _is_placed(job: Job) -> bool:
    return job.state is State.PLACED


def _is_placed_unsaved(job: Job) -> bool:
    return _is_placed(job) and not job.saved


def _saved(job: Job) -> Job | None:
    return replace(job, saved=True) if _is_placed_unsaved(job) else None
