# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue: all jobs of this Blender, what may be ordered of them, and the events that come out.

The public methods may be called from the main thread: none of them waits for a disk or a network, but those
that say "block". Events come out at `events`, for the host's main thread.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import (
    ErrorInfo,
    ImageTo3DError,
    Message,
    StorageError,
)
from .config import Config, ServiceClients
from .executor import NOT_KEPT, Executor, internal
from .job import Job, Notice, State, resume_state
from .persistence import Keeper
from .request import JobRequest, begin, copy_job_folder, store_input
from .retry import RetryPolicy
from .steps import Timing, delete_downloads
from .store import JobStore

if TYPE_CHECKING:
    from ..worker.worker_process import WorkerProcess

_log = logging.getLogger(__name__)

_ADOPT_EVERY_SECONDS: Final = 30.0
_GONE: Final[dict[str, Any]] = {
    "place_by_itself": False,
    "objects": (),
    "note": Message("Was placed in a scene that was never saved"),
}


class Queue:
    """All jobs of this Blender. `folder`: the user folder, where the journal is; shared by all Blenders."""

    def __init__(
        self,
        folder: Path,
        config: Config,
        worker: WorkerProcess,
        offline: Callable[[], str],
        *,
        timing: Timing | None = None,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        """`offline` starts the offline preview if need be, and tells its address."""
        timing = timing or Timing()
        self._store = JobStore()
        self.events = self._store.events
        self._services = ServiceClients(config, offline, (timing.connect, timing.read))
        self._worker = worker
        self._keeper = Keeper(folder, lambda: self._services.config, self.events.put)
        self._executor = Executor(
            self._store,
            self._keeper,
            self._services,
            worker,
            timing,
            retry_policy or RetryPolicy(),
            self._adopt_now_and_then,
        )
        self._orders: dict[str, JobRequest] = {}
        """By job id: what is not in the job's folder yet."""
        self._adopted = 0.0

    # --- what the host asks -------------------------------------------------------------------------

    def configure(self, config: Config) -> None:
        """From now on, go by what the preferences say now."""
        with self._store.changed:
            if config != self._services.config:
                self._services.config = config
                self._store.changed.notify_all()

    def jobs(self) -> tuple[Job, ...]:
        """All jobs on the list, oldest first."""
        return self._store.all()

    def job(self, job_id: str) -> Job | None:
        """A job as it is now."""
        return self._store.get(job_id)

    def running(self) -> int:
        """How many jobs the queue still has something to do for."""
        return sum(job.running for job in self._store.all())

    def paused(self) -> tuple[float, Message] | None:
        """Seconds for which no new job is begun, and why; None where nothing holds the queue up."""
        with self._store.changed:
            left, why = self._executor.scheduler.longest_pause()
            return (left, why) if left > 0 else None

    # --- what the host orders ------------------------------------------------------------------------

    def add(self, order: JobRequest) -> Job:
        """Begin a job.

        Raises ParameterError, ImageError, OnlineAccessError, KeyMissingError; nothing is begun then.
        """
        config = self._services.config
        base_url = self._services.chosen_url()
        self._services.check(config.service, base_url)
        job = begin(order, config.results, config.service, base_url)
        with self._store.changed:
            self._store.put(job)
            self._orders[job.id] = order
        self._executor.do(partial(self._store_input, job.id))
        return job

    def wait_until_kept(self, job_id: str) -> None:
        """Block until a job just added is in the journal, for scripts: from here on nothing can lose it."""
        with self._store.changed:
            while job_id in self._orders and (job := self.job(job_id)) is not None and job.running:
                self._store.changed.wait(1.0)

    def cancel(self, job_id: str) -> None:
        """Stop waiting for a job, in any state. There is no cancel call: the service goes on with what it began."""
        self._change(job_id, lambda job: job.running or job.state is State.READY, State.CANCELLED)

    def retry(self, job_id: str) -> None:
        """Go on where the job got to, without paying for anything twice."""
        job = self.job(job_id)
        if job is not None and job.state in {State.FAILED, State.CANCELLED, State.UNCONFIRMED}:
            self._go_on(job, resume_state(job), self.retry)

    def check_again(self, job_id: str) -> None:
        """Look for a job at the service: by its id where there is one, else in its list."""
        job = self.job(job_id)
        if job is not None and job.state in {State.UNCONFIRMED, State.FAILED}:
            by_id = job.service_id or job.fetch_url
            self._go_on(job, State.WAITING if by_id else State.RECONCILING, self.check_again)

    def send_again(self, job_id: str) -> None:
        """Send the request again: it may be paid a second time, which is why only an artist orders this."""
        job = self.job(job_id)
        if job is not None and job.state in {State.UNCONFIRMED, State.FAILED, State.CANCELLED}:
            fresh = replace(job, sent=0.0, service_id="", fetch_url="", links=(), model_file="", blend_file="")
            self._executor.do(partial(delete_downloads, job))
            self._go_on(fresh, State.QUEUED, self.send_again)

    def download_again(self, job_id: str) -> None:
        """Bring the result's files again, by fresh links."""
        job = self.job(job_id)
        if job is not None and job.state in {State.FAILED, State.CANCELLED}:
            bare = replace(job, model_file="", blend_file="")
            self._executor.do(partial(delete_downloads, job))
            self._go_on(bare, resume_state(bare), self.download_again)

    def import_again(self, job_id: str) -> None:
        """Make the .blend of the kept model file again."""
        job = self.job(job_id)
        if job is not None and job.model_file and job.state in {State.FAILED, State.CANCELLED, State.READY}:
            self._go_on(replace(job, blend_file=""), State.IMPORTING, self.import_again)

    def dismiss(self, job_id: str) -> None:
        """Take a resting job off the list. Its results folder stays."""
        with self._store.changed:
            job = self.job(job_id)
            if job is None or job.running:
                return
            self._store.remove(job_id)
            self._orders.pop(job_id, None)
        self._executor.keep_dismissed(job)

    def mark_placed(self, job_id: str, objects: Sequence[str]) -> None:
        """The model stands in a scene as these objects."""
        self._change(job_id, _is_ready, State.PLACED, objects=tuple(objects), kept=False)

    def mark_failed_to_place(self, job_id: str, error: ErrorInfo) -> None:
        """The ready model could not be put into the scene; it waits with the reason."""
        self._change(job_id, _is_ready, State.FAILED, error=error)

    def mark_kept(self, job_ids: Sequence[str]) -> None:
        """The scene these were placed in was saved: they are safe."""
        with self._store.changed:
            for job_id in job_ids:
                job = self.job(job_id)
                if job is not None and job.state is State.PLACED and not job.kept:
                    self._store.put(replace(job, kept=True))
                    self._executor.do(partial(self._keep, job_id))

    def mark_gone(self, job_ids: Sequence[str]) -> None:
        """The file these were placed in was left without saving: they are ready to be placed again."""
        for job_id in job_ids:
            self._change(job_id, lambda job: job.state is State.PLACED and not job.kept, State.READY, **_GONE)

    def adopt(self) -> None:
        """Take over what dead Blenders left unfinished. Returns at once; what is found comes as events."""
        if not self._executor.stopping:
            self._adopted = time.monotonic()
            self._executor.do(self._take_over)

    def stop(self, seconds: float = 2.0, *, keep_placed: bool = True) -> None:
        """End. Steps under way get `seconds`, a submit some more; jobs go on in the next Blender. Blocks.

        `keep_placed`: what was placed and never saved is not to be offered again, as in a script that knows what
        it does.
        """
        all_ended = self._executor.stop(seconds, longer_for_submits=3.0)
        self._services.close()
        self._worker.stop()
        for job in self._store.all():
            if keep_placed and job.state is State.PLACED and not job.kept:
                self._store.put(replace(job, kept=True))
                self._keep(job.id)
        if all_ended:
            self._keeper.close()
        # Else the last step closes: until then nobody may take the jobs over, for its answer may still come.

    # --- in the runner's threads ---------------------------------------------------------------------------

    def _change(self, job_id: str, suits: Callable[[Job], bool], state: State, **changes: Any) -> None:
        with self._store.changed:
            job = self.job(job_id)
            if job is None or not suits(job):
                return
            self._store.put(job.moved(state, **changes))
        self._executor.do(partial(self._keep, job_id))

    def _keep(self, job_id: str) -> None:
        self._executor.keep(job_id)

    def _go_on(self, job: Job, state: State, order: Callable[[str], None]) -> None:
        """Go on with a resting job, with the service and the results folder that are chosen now where that is free."""
        if state is State.QUEUED:
            try:
                job = replace(job, service=self._services.config.service, base_url=self._services.chosen_url())
            except ImageTo3DError as error:
                _log.info("%s keeps its service: %s", job.id, error)
        if job.id in self._orders:
            with self._store.changed:
                self._store.put(job.moved(State.QUEUED))
            self._executor.do(partial(self._store_input, job.id))
            return
        place = self._services.config.results
        if job.error is not None and job.error.code == StorageError.code and job.folder.parent != place:
            self._executor.do(partial(copy_job_folder, job.folder, place))
            job = replace(job, folder=place / job.folder.name)
        self._executor.resume(job, state, order)

    def _store_input(self, job_id: str) -> None:
        job, order = self.job(job_id), self._orders.get(job_id)
        if job is None or order is None:
            return
        try:
            job = replace(job, folder=self._services.config.results / job.folder.name)
            taken = store_input(job, order)
            with self._store.changed:
                current = self.job(job_id)
                if current is not None and current.state is State.QUEUED:  # else cancelled meanwhile
                    self._store.put(taken)
            if not self._executor.begin(job_id):
                raise NOT_KEPT
            with self._store.changed:
                self._orders.pop(job_id, None)  # dismissed meanwhile, it is gone already
                self._store.changed.notify_all()
        except ImageTo3DError as error:
            self._executor.fail(job_id, error.info())
        except Exception as error:  # a bug of ours must not leave a job hanging
            _log.exception("%s could not be taken in", job_id)
            self._executor.fail(job_id, internal(error))

    def _adopt_now_and_then(self) -> None:
        if time.monotonic() - self._adopted > _ADOPT_EVERY_SECONDS:
            self.adopt()

    def _take_over(self) -> None:
        try:
            for job in self._keeper.orphans():
                with self._store.changed:
                    if self.job(job.id) is not None:
                        continue
                    self._store.put(recovered(job))
                self._executor.begin(job.id)
        except ImageTo3DError as error:
            self.events.put(Notice(error.info(), warning=True))


def _is_ready(job: Job) -> bool:
    return job.state is State.READY


def recovered(job: Job) -> Job:
    """A job as it goes on after its Blender died in the middle of whatever it did."""
    job = replace(job, progress=0.0, note=Message())
    match job.state:
        case State.PLACED:
            return replace(job, state=State.READY, **_GONE)
        case State.READY:
            whole = job.blend_path is not None and job.blend_path.is_file()
            return job if whole else replace(job, state=State.IMPORTING)
        case State.SUBMITTING:
            return replace(job, state=State.RECONCILING, note=Message("Blender ended while it was submitted"))
        case State.PREPARING | State.UPLOADING:
            return replace(job, state=State.QUEUED)
    return job
