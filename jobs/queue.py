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

from ..api.errors import ErrorInfo, ImageTo3DError, StorageError
from .board import Board
from .faults import Patience
from .intake import Order, begin, bring_along, take_in
from .job import Job, Notice, State, resume_state
from .keeper import Keeper
from .runner import NOT_KEPT, Runner, internal
from .services import Services, Setup
from .steps import Pace, forget_files

if TYPE_CHECKING:
    from ..workshop.process import Workshop

_log = logging.getLogger(__name__)

_ADOPT_EVERY_SECONDS: Final = 30.0
_GONE: Final[dict[str, Any]] = {
    "place_by_itself": False,
    "objects": (),
    "note": "Was placed in a scene that was never saved",
}


class Queue:
    """All jobs of this Blender. `folder`: the user folder, where the journal is; shared by all Blenders."""

    def __init__(
        self,
        folder: Path,
        setup: Setup,
        workshop: Workshop,
        offline: Callable[[], str],
        *,
        pace: Pace | None = None,
        patience: Patience | None = None,
    ) -> None:
        """`offline` starts the offline preview if need be, and tells its address."""
        pace = pace or Pace()
        self._board = Board()
        self.events = self._board.events
        self._services = Services(setup, offline, (pace.connect, pace.read))
        self._workshop = workshop
        self._keeper = Keeper(folder, lambda: self._services.setup, self.events.put)
        self._runner = Runner(
            self._board, self._keeper, self._services, workshop, pace, patience or Patience(), self._adopt_now_and_then
        )
        self._orders: dict[str, Order] = {}
        """By job id: what is not in the job's folder yet."""
        self._adopted = 0.0

    # --- what the host asks -------------------------------------------------------------------------

    def configure(self, setup: Setup) -> None:
        """From now on, go by what the preferences say now."""
        with self._board.changed:
            if setup != self._services.setup:
                self._services.setup = setup
                self._board.changed.notify_all()

    def jobs(self) -> tuple[Job, ...]:
        """All jobs on the list, oldest first."""
        return self._board.all()

    def job(self, job_id: str) -> Job | None:
        """A job as it is now."""
        return self._board.get(job_id)

    def running(self) -> int:
        """How many jobs the queue still has something to do for."""
        return sum(job.running for job in self._board.all())

    def paused(self) -> tuple[float, str] | None:
        """Seconds for which no new job is begun, and why; None where nothing holds the queue up."""
        with self._board.changed:
            left, why = self._runner.agenda.longest_pause()
            return (left, why) if left > 0 else None

    # --- what the host orders ------------------------------------------------------------------------

    def add(self, order: Order) -> Job:
        """Begin a job.

        Raises ParameterError, PictureError, OnlineAccessError, KeyMissingError; nothing is begun then.
        """
        setup = self._services.setup
        base_url = self._services.chosen_url()
        self._services.check(setup.service, base_url)
        job = begin(order, setup.results, setup.service, base_url)
        with self._board.changed:
            self._board.put(job)
            self._orders[job.id] = order
        self._runner.do(partial(self._take_in, job.id))
        return job

    def wait_until_kept(self, job_id: str) -> None:
        """Block until a job just added is in the journal, for scripts: from here on nothing can lose it."""
        with self._board.changed:
            while job_id in self._orders and (job := self.job(job_id)) is not None and job.running:
                self._board.changed.wait(1.0)

    def cancel(self, job_id: str) -> None:
        """Stop waiting for a job, in any state. There is no cancel call: the service goes on with what it began."""
        self._change(job_id, lambda job: job.running or job.state is State.READY, State.CANCELLED)

    def retry(self, job_id: str) -> None:
        """Go on where the job got to, without paying for anything twice."""
        job = self.job(job_id)
        if job is not None and job.state in {State.FAILED, State.CANCELLED, State.UNKNOWN}:
            self._go_on(job, resume_state(job), self.retry)

    def look_again(self, job_id: str) -> None:
        """Look for a job at the service: by its id where there is one, else in its list."""
        job = self.job(job_id)
        if job is not None and job.state in {State.UNKNOWN, State.FAILED}:
            by_id = job.service_id or job.fetch_url
            self._go_on(job, State.WAITING if by_id else State.LOOKING, self.look_again)

    def submit_again(self, job_id: str) -> None:
        """Send the request again: it may be paid a second time, which is why only an artist orders this."""
        job = self.job(job_id)
        if job is not None and job.state in {State.UNKNOWN, State.FAILED, State.CANCELLED}:
            fresh = replace(job, sent=0.0, service_id="", fetch_url="", links=(), model_file="", blend_file="")
            self._runner.do(partial(forget_files, job))
            self._go_on(fresh, State.QUEUED, self.submit_again)

    def download_again(self, job_id: str) -> None:
        """Bring the result's files again, by fresh links."""
        job = self.job(job_id)
        if job is not None and job.state in {State.FAILED, State.CANCELLED}:
            bare = replace(job, model_file="", blend_file="")
            self._runner.do(partial(forget_files, job))
            self._go_on(bare, resume_state(bare), self.download_again)

    def convert_again(self, job_id: str) -> None:
        """Make the .blend of the kept model file again."""
        job = self.job(job_id)
        if job is not None and job.model_file and job.state in {State.FAILED, State.CANCELLED, State.READY}:
            self._go_on(replace(job, blend_file=""), State.CONVERTING, self.convert_again)

    def dismiss(self, job_id: str) -> None:
        """Take a resting job off the list. Its results folder stays."""
        with self._board.changed:
            job = self.job(job_id)
            if job is None or job.running:
                return
            self._board.remove(job_id)
            self._orders.pop(job_id, None)
        self._runner.keep_dismissed(job)

    def mark_placed(self, job_id: str, objects: Sequence[str]) -> None:
        """The model stands in a scene as these objects."""
        self._change(job_id, _is_ready, State.PLACED, objects=tuple(objects), kept=False)

    def mark_failed_to_place(self, job_id: str, error: ErrorInfo) -> None:
        """The ready model could not be put into the scene; it waits with the reason."""
        self._change(job_id, _is_ready, State.FAILED, error=error)

    def mark_kept(self, job_ids: Sequence[str]) -> None:
        """The scene these were placed in was saved: they are safe."""
        with self._board.changed:
            for job_id in job_ids:
                job = self.job(job_id)
                if job is not None and job.state is State.PLACED and not job.kept:
                    self._board.put(replace(job, kept=True))
                    self._runner.do(partial(self._keep, job_id))

    def mark_gone(self, job_ids: Sequence[str]) -> None:
        """The file these were placed in was left without saving: they are ready to be placed again."""
        for job_id in job_ids:
            self._change(job_id, lambda job: job.state is State.PLACED and not job.kept, State.READY, **_GONE)

    def adopt(self) -> None:
        """Take over what dead Blenders left unfinished. Returns at once; what is found comes as events."""
        if not self._runner.stopping:
            self._adopted = time.monotonic()
            self._runner.do(self._take_over)

    def stop(self, seconds: float = 2.0, *, keep_placed: bool = True) -> None:
        """End. Steps under way get `seconds`, a submit some more; jobs go on in the next Blender. Blocks.

        `keep_placed`: what was placed and never saved is not to be offered again, as in a script that knows what
        it does.
        """
        all_ended = self._runner.stop(seconds, longer_for_submits=3.0)
        self._services.close()
        self._workshop.stop()
        for job in self._board.all():
            if keep_placed and job.state is State.PLACED and not job.kept:
                self._board.put(replace(job, kept=True))
                self._keep(job.id)
        if all_ended:
            self._keeper.close()
        # Else the last step closes: until then nobody may take the jobs over, for its answer may still come.

    # --- in the runner's threads ---------------------------------------------------------------------------

    def _change(self, job_id: str, suits: Callable[[Job], bool], state: State, **changes: Any) -> None:
        with self._board.changed:
            job = self.job(job_id)
            if job is None or not suits(job):
                return
            self._board.put(job.moved(state, **changes))
        self._runner.do(partial(self._keep, job_id))

    def _keep(self, job_id: str) -> None:
        self._runner.keep(job_id)

    def _go_on(self, job: Job, state: State, order: Callable[[str], None]) -> None:
        """Go on with a resting job, with the service and the results folder that are chosen now where that is free."""
        if state is State.QUEUED:
            try:
                job = replace(job, service=self._services.setup.service, base_url=self._services.chosen_url())
            except ImageTo3DError as error:
                _log.info("%s keeps its service: %s", job.id, error)
        if job.id in self._orders:
            with self._board.changed:
                self._board.put(job.moved(State.QUEUED))
            self._runner.do(partial(self._take_in, job.id))
            return
        place = self._services.setup.results
        if job.error is not None and job.error.code == StorageError.code and job.folder.parent != place:
            self._runner.do(partial(bring_along, job.folder, place))
            job = replace(job, folder=place / job.folder.name)
        self._runner.resume(job, state, order)

    def _take_in(self, job_id: str) -> None:
        job, order = self.job(job_id), self._orders.get(job_id)
        if job is None or order is None:
            return
        try:
            job = replace(job, folder=self._services.setup.results / job.folder.name)
            taken = take_in(job, order)
            with self._board.changed:
                current = self.job(job_id)
                if current is not None and current.state is State.QUEUED:  # else cancelled meanwhile
                    self._board.put(taken)
            if not self._runner.begin(job_id):
                raise NOT_KEPT
            with self._board.changed:
                self._orders.pop(job_id, None)  # dismissed meanwhile, it is gone already
                self._board.changed.notify_all()
        except ImageTo3DError as error:
            self._runner.fail(job_id, error.info())
        except Exception as error:  # a bug of ours must not leave a job hanging
            _log.exception("%s could not be taken in", job_id)
            self._runner.fail(job_id, internal(error))

    def _adopt_now_and_then(self) -> None:
        if time.monotonic() - self._adopted > _ADOPT_EVERY_SECONDS:
            self.adopt()

    def _take_over(self) -> None:
        try:
            for job in self._keeper.orphans():
                with self._board.changed:
                    if self.job(job.id) is not None:
                        continue
                    self._board.put(recovered(job))
                self._runner.begin(job.id)
        except ImageTo3DError as error:
            self.events.put(Notice(str(error), warning=True))


def _is_ready(job: Job) -> bool:
    return job.state is State.READY


def recovered(job: Job) -> Job:
    """A job as it goes on after its Blender died in the middle of whatever it did."""
    job = replace(job, progress=0.0, note="")
    match job.state:
        case State.PLACED:
            return replace(job, state=State.READY, **_GONE)
        case State.READY:
            whole = job.blend_path is not None and job.blend_path.is_file()
            return job if whole else replace(job, state=State.CONVERTING)
        case State.SUBMITTING:
            return replace(job, state=State.LOOKING, note="Blender ended while it was submitted")
        case State.PREPARING | State.UPLOADING:
            return replace(job, state=State.QUEUED)
    return job
