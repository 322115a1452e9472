# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue: every job's next step at its time, in few threads, kept in the journal before it is done.

One thread looks after the times; steps run in lanes of a few threads, however many jobs wait. Events come out
at `events`, for the host's main thread. With nothing to do, no thread is left.

The public methods may be called from the main thread: none of them waits for a disk or a network.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..api.errors import (
    CancelledError,
    ErrorInfo,
    ImageTo3DError,
    StorageError,
    TookTooLongError,
    WorkshopError,
)
from . import journal as journals
from . import records
from .faults import Patience, Trouble, judge
from .intake import Order, begin, take_in
from .job import OCCUPYING, Changed, Event, Job, Notice, Removed, State, resume_state
from .lanes import Lane
from .ownership import Ownership
from .services import Services, Setup
from .steps import STEPS, Bench, Next, Pace, read_list

if TYPE_CHECKING:
    from ..workshop.process import Workshop

_log = logging.getLogger(__name__)

NETWORK_THREADS: Final = 12
_HOUSEKEEPING_SECONDS: Final = 5.0
_ADOPT_EVERY_SECONDS: Final = 30.0
_CLAIM_EVERY_SECONDS: Final = 1.0
_REPORT_EVERY_SECONDS: Final = 0.25

_IN_WORKSHOP: Final = frozenset({State.PREPARING, State.CONVERTING})
_RANK: Final = {state: rank for rank, state in enumerate(State)}


@dataclass(slots=True)
class _Memory:
    """What is known of a job in this process only."""

    tries: int = 0
    trouble_since: float = 0.0
    trouble_at: State = State.QUEUED
    attempt: int = 0
    waiting_since: float = 0.0
    """Monotonic, so that neither a changed clock nor a night's sleep ends the waiting."""
    reported: float = 0.0


@dataclass(slots=True)
class _Pause:
    until: float = 0.0
    reason: str = ""


@dataclass(order=True, slots=True)
class _Due:
    at: float
    number: int
    job_id: str = field(compare=False)


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
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._folder = folder
        self._pace = pace or Pace()
        self._services = Services(setup, offline, (self._pace.connect, self._pace.read))
        self._workshop = workshop
        self._patience = patience or Patience()

        self._changed = threading.Condition()
        """Guards everything below; held for moments only, never while a disk or a network is waited for."""
        self._jobs: dict[str, Job] = {}
        self._memory: dict[str, _Memory] = {}
        self._due: list[_Due] = []
        self._queued: deque[str] = deque()
        self._busy: dict[str, int] = {}
        """Jobs with a step under way, and that step's number."""
        self._pause = _Pause()
        self._next_claim = 0.0
        self._numbers = itertools.count()
        self._scheduler: threading.Thread | None = None
        self._stopping = False
        self._closed = False
        self._later: dict[str, Callable[[str], None]] = {}
        self._under_way = 0
        """Steps under way, those whose job already rests among them."""
        self._taking_in: set[str] = set()
        self._tasks = 0
        """Things the scheduler must not end before: intakes and adoptions under way."""

        self._journal_lock = threading.Lock()
        self._journal: journals.Journal | None = None
        self._ownership: Ownership | None = None
        self._persisting = threading.Lock()
        self._adopted = 0.0
        self._list_lock = threading.Lock()
        self._lists_known: dict[str, bool] = {}

        self._network = Lane("network", NETWORK_THREADS)
        self._bench = Lane("workshop", 1)
        self._files = Lane("files", 1)

    # --- what the host asks -------------------------------------------------------------------------

    def configure(self, setup: Setup) -> None:
        """From now on, go by what the preferences say now."""
        with self._changed:
            if setup != self._services.setup or dict(setup.keys) != dict(self._services.setup.keys):
                self._services.setup = setup
                self._changed.notify_all()

    def jobs(self) -> tuple[Job, ...]:
        """All jobs on the list, oldest first."""
        with self._changed:
            return tuple(self._jobs.values())

    def job(self, job_id: str) -> Job | None:
        with self._changed:
            return self._jobs.get(job_id)

    def running(self) -> int:
        """How many jobs the queue still has something to do for."""
        with self._changed:
            return sum(job.running for job in self._jobs.values())

    def paused(self) -> tuple[float, str] | None:
        """Seconds for which no new job is begun, and why; None where nothing holds the queue up."""
        with self._changed:
            left = self._pause.until - time.monotonic()
            return (left, self._pause.reason) if left > 0 else None

    def wait(self, job_id: str, timeout: float | None = None) -> Job:
        """Block until the queue has nothing more to do for this job, or `timeout` seconds have passed."""
        until = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while (job := self._jobs[job_id]).running:
                left = None if until is None else until - time.monotonic()
                if left is not None and left <= 0:
                    break
                self._changed.wait(min(left, 1.0) if left is not None else 1.0)
            return job

    # --- what the host orders ------------------------------------------------------------------------

    def add(self, order: Order) -> Job:
        """Begin a job.

        Raises ParameterError, PictureError, OnlineAccessError, KeyMissingError; nothing is begun then.
        """
        setup = self._services.setup
        base_url = self._services.chosen_url()
        self._services.check(setup.service, base_url)
        job = begin(order, setup.results, setup.service, base_url)
        with self._changed:
            self._set(job)
            self._taking_in.add(job.id)
            self._tasks += 1
            self._ensure_scheduler()
        self._files.put(partial(self._take_in, job, order))
        return job

    def wait_until_kept(self, job_id: str) -> None:
        """Block until a job just added is in the journal, for scripts: from here on nothing can lose it."""
        with self._changed:
            while job_id in self._taking_in:
                self._changed.wait(1.0)

    def cancel(self, job_id: str) -> None:
        """Stop waiting for a job, in any state. There is no cancel call: the service goes on with what it began."""
        with self._changed:
            job = self._jobs.get(job_id)
            if job is None or not (job.running or job.state is State.READY):
                return
            self._set(job.moved(State.CANCELLED))
        self._files.put(partial(self._persist, job_id))

    def retry(self, job_id: str) -> None:
        """Go on where the job got to, without paying for anything twice."""
        job = self.job(job_id)
        if job is not None and job.state in {State.FAILED, State.CANCELLED, State.UNKNOWN}:
            self._resume(job, resume_state(job), self.retry)

    def look_again(self, job_id: str) -> None:
        """Look for a job at the service: by its id where there is one, else in its list."""
        job = self.job(job_id)
        if job is not None and job.state in {State.UNKNOWN, State.FAILED}:
            self._resume(job, State.WAITING if job.service_id or job.fetch_url else State.LOOKING, self.look_again)

    def submit_again(self, job_id: str) -> None:
        """Send the request again: it may be paid a second time, which is why only an artist orders this."""
        job = self.job(job_id)
        if job is not None and job.state in {State.UNKNOWN, State.FAILED, State.CANCELLED}:
            fresh = replace(job, sent=0.0, service_id="", fetch_url="", links=(), model_file="", blend_file="")
            self._resume(fresh, State.QUEUED, self.submit_again)

    def download_again(self, job_id: str) -> None:
        """Bring the result's files again, by fresh links."""
        job = self.job(job_id)
        if job is not None and job.state in {State.FAILED, State.CANCELLED}:
            bare = replace(job, model_file="", blend_file="")
            self._resume(bare, resume_state(bare), self.download_again)

    def convert_again(self, job_id: str) -> None:
        """Make the .blend of the kept model file again."""
        job = self.job(job_id)
        if job is not None and job.model_file and job.state in {State.FAILED, State.CANCELLED, State.READY}:
            self._resume(replace(job, blend_file=""), State.CONVERTING, self.convert_again)

    def dismiss(self, job_id: str) -> None:
        """Take a resting job off the list. Its results folder stays."""
        with self._changed:
            job = self._jobs.get(job_id)
            if job is None or job.running:
                return
            del self._jobs[job_id]
            self._memory.pop(job_id, None)
            self.events.put(Removed(job_id))
        self._files.put(partial(self._write, replace(job, listed=False)))

    def mark_placed(self, job_id: str, objects: Sequence[str]) -> None:
        """The model stands in a scene as these objects."""
        with self._changed:
            job = self._jobs.get(job_id)
            if job is None or job.state is not State.READY:
                return
            self._set(job.moved(State.PLACED, objects=tuple(objects), kept=False))
        self._files.put(partial(self._persist, job_id))

    def mark_failed_to_place(self, job_id: str, error: ErrorInfo) -> None:
        """The ready model could not be put into the scene; it waits with the reason."""
        with self._changed:
            job = self._jobs.get(job_id)
            if job is None or job.state is not State.READY:
                return
            self._set(job.moved(State.FAILED, error=error))
        self._files.put(partial(self._persist, job_id))

    def mark_kept(self, job_ids: Sequence[str]) -> None:
        """The scene these were placed in was saved: they are safe."""
        with self._changed:
            for job_id in job_ids:
                job = self._jobs.get(job_id)
                if job is not None and job.state is State.PLACED and not job.kept:
                    self._set(replace(job, kept=True))
                    self._files.put(partial(self._persist, job_id))

    def adopt(self) -> None:
        """Take over what dead Blenders left unfinished. Returns at once; what is found comes as events."""
        with self._changed:
            if self._stopping:
                return
            self._adopted = time.monotonic()
            self._tasks += 1
            self._ensure_scheduler()
        self._files.put(self._adopt)

    def stop(self, seconds: float = 2.0) -> None:
        """End: steps under way get `seconds`, jobs go on in the next Blender. A submit on its way gets longer."""
        until = time.monotonic() + seconds
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            while (self._under_way or self._tasks) and time.monotonic() < until + (3.0 if self._submitting() else 0.0):
                self._changed.wait(0.05)
            leftover = bool(self._under_way)
            placed = [job for job in self._jobs.values() if job.state is State.PLACED and not job.kept]
        self._services.close()
        self._workshop.stop()
        if self._journal is not None:
            for job in placed:
                self._write(replace(job, kept=True))
        if not leftover:
            self._close()
        # Else the last step closes: until then nobody may take the jobs over, for its answer may still come.

    # --- times -----------------------------------------------------------------------------------------

    def _ensure_scheduler(self) -> None:
        if self._scheduler is None and not self._stopping:
            self._scheduler = threading.Thread(target=self._schedule, name="image_to_3d queue", daemon=True)
            self._scheduler.start()
        self._changed.notify_all()

    def _schedule(self) -> None:
        while True:
            with self._changed:
                if self._stopping or not (self._due or self._queued or self._under_way or self._tasks):
                    self._scheduler = None
                    return
                now = time.monotonic()
                begin_now = self._take_due(now)
                adopt_now = now - self._adopted > _ADOPT_EVERY_SECONDS
                if not begin_now and not adopt_now:
                    self._changed.wait(self._until_next(now))
            for job_id, number in begin_now:
                job = self.job(job_id)
                lane = self._bench if job is not None and job.state in _IN_WORKSHOP else self._network
                lane.put(partial(self._advance, job_id, number))
            if adopt_now:
                self.adopt()

    def _take_due(self, now: float) -> list[tuple[str, int]]:
        found = []
        while self._due and self._due[0].at <= now:
            job_id = heapq.heappop(self._due).job_id
            job = self._jobs.get(job_id)
            if job is None or not job.running or job_id in self._busy:
                continue
            if job.state is State.QUEUED:
                self._queued.append(job_id)
            else:
                found.append(job_id)
        if self._queued and now >= self._pause.until and now >= self._next_claim:
            occupied = Counter(job.state in OCCUPYING or job.id in self._busy for job in self._jobs.values())[True]
            while self._queued and occupied < self._services.setup.limit:
                job_id = self._queued.popleft()
                job = self._jobs.get(job_id)
                if job is not None and job.state is State.QUEUED and job_id not in self._busy:
                    found.append(job_id)
                    occupied += 1
        begun = [(job_id, next(self._numbers)) for job_id in found]
        self._busy.update(begun)
        self._under_way += len(begun)
        return begun

    def _until_next(self, now: float) -> float:
        times = [_HOUSEKEEPING_SECONDS]
        if self._due:
            times.append(self._due[0].at - now)
        if self._queued:
            hold = max(self._pause.until, self._next_claim) - now
            if hold > 0:
                times.append(hold)
        return max(min(times), 0.0)

    # --- a step ----------------------------------------------------------------------------------------

    def _advance(self, job_id: str, number: int) -> None:
        job = self.job(job_id)
        try:
            if job is not None and job.running and not self._stopping:
                self._step(job)
        except Exception as error:  # a bug of ours must not leave a paid job hanging
            _log.exception("%s: a step broke", job_id)
            self._fail(job_id, ErrorInfo("internal", f"The add-on made a mistake: {type(error).__name__}.", "Retry."))
        finally:
            with self._changed:
                if self._busy.get(job_id) == number:
                    del self._busy[job_id]
                order = self._later.pop(job_id, None)
                self._under_way -= 1
                self._ensure_scheduler()
                last = self._stopping and not self._under_way
            if order is not None:
                order(job_id)
            if last:
                self._close()

    def _step(self, job: Job) -> None:
        if job.state is State.QUEUED:
            claimed = self._claim(job)
            if claimed is None:
                return
            job = claimed
        memory = self._memory.setdefault(job.id, _Memory())
        try:
            outcome = self._do(job, memory)
        except ImageTo3DError as error:
            if not (self._stopping and isinstance(error, CancelledError)):
                self._meet(job, error, memory)
            return
        if _RANK[memory.trouble_at] <= _RANK[job.state]:
            memory.tries = 0
        memory.attempt = memory.attempt + 1 if outcome.job.state is job.state else 0
        self._enter(job, outcome.job, outcome.after)

    def _do(self, job: Job, memory: _Memory) -> Next:
        if job.state is State.WAITING:
            now = time.monotonic()
            memory.waiting_since = memory.waiting_since or now
            if now - memory.waiting_since > self._pace.give_up:
                memory.waiting_since = 0.0
                raise TookTooLongError("The service has not finished within an hour.")
        else:
            memory.waiting_since = 0.0
        journal = self._open_journal()
        bench = Bench(
            client=lambda: self._services.client(job.service, job.base_url),
            workshop=self._workshop,
            journal=journal,
            pace=self._pace,
            cancelled=lambda: self._given_up(job.id),
            report=lambda done: self._report(job.id, done),
            list_known=lambda: self._list_known(job, journal),
            attempt=memory.attempt,
        )
        return STEPS[job.state](job, bench)

    def _claim(self, job: Job) -> Job | None:
        """A free place at the service for a queued job, across all Blenders; None: later."""
        claimed = job.moved(State.PREPARING)
        try:
            if self._open_journal().claim(claimed, self._services.setup.limit):
                self._leave_record(claimed)
                with self._changed:
                    return self._merge(claimed)
        except StorageError as error:
            self._fail(job.id, error.info())
            return None
        with self._changed:
            self._queued.appendleft(job.id)
            self._next_claim = time.monotonic() + _CLAIM_EVERY_SECONDS
        return None

    def _meet(self, job: Job, error: ImageTo3DError, memory: _Memory) -> None:
        """A step ended with a fault."""
        now = time.monotonic()
        if memory.tries == 0:
            memory.trouble_since = now
        memory.tries += 1
        memory.trouble_at = job.state
        if isinstance(error, WorkshopError) and job.state is State.CONVERTING and self._workshop.cannot_start:
            _log.warning("%s: %s The model is imported directly; this may hold Blender up.", job.id, error.what)
            self._enter(job, job.moved(State.READY, details={"direct": True}), 0.0)
            return
        verdict = judge(job, error, Trouble(memory.tries, now - memory.trouble_since), self._patience)
        log = _log.info if isinstance(error, CancelledError) else _log.warning
        log("%s: %s → %s: %s", job.id, job.state, verdict.job.state, error)
        if verdict.job.state is not job.state:
            memory.attempt = 0
        if verdict.job.state is State.LOOKING and job.state is not State.LOOKING:
            verdict = replace(verdict, after=self._pace.looks[0])
        if verdict.pause:
            with self._changed:
                self._pause = _Pause(max(self._pause.until, now + verdict.pause), error.what)
        self._enter(job, verdict.job, verdict.after)

    def _enter(self, before: Job, job: Job, after: float) -> None:
        """The job comes into its next state: kept first, then the step is due."""
        with self._changed:
            if job.state is State.SUBMITTING:
                if time.monotonic() < self._pause.until:
                    job = job.moved(State.QUEUED, note=self._pause.reason)
                else:
                    job = replace(job, sent=time.time())
            job = self._merge(job)
        kept = job.state is before.state or self._persist(job.id)
        if not kept and job.state is State.SUBMITTING:
            # What is not in the journal is not paid for.
            self._fail(job.id, StorageError("The journal of jobs can't be written.").info())
            return
        with self._changed:
            current = self._jobs.get(job.id)
            if current is None or not current.running:
                return
            self._make_due(current, after)

    def _merge(self, job: Job) -> Job:
        """Publish what a step found out, unless somebody cancelled meanwhile: then keep only what was paid for."""
        current = self._jobs.get(job.id)
        if current is not None and current.state is State.CANCELLED:
            job = replace(job, state=State.CANCELLED, error=None, note="", progress=0.0)
        if not job.running:
            self._busy.pop(job.id, None)  # whoever sees it rest may order what comes next
        if current is None:  # dismissed
            self._files.put(partial(self._write, replace(job, state=State.CANCELLED, listed=False)))
        else:
            self._set(job)
        return job

    def _set(self, job: Job) -> None:
        self._jobs[job.id] = job
        self.events.put(Changed(job))
        self._changed.notify_all()

    def _report(self, job_id: str, done: float) -> None:
        with self._changed:
            job, memory = self._jobs.get(job_id), self._memory.get(job_id)
            now = time.monotonic()
            if job is None or memory is None or not job.running or now - memory.reported < _REPORT_EVERY_SECONDS:
                return
            memory.reported = now
            self._set(replace(job, progress=min(max(done, 0.0), 1.0)))

    def _given_up(self, job_id: str) -> bool:
        job = self._jobs.get(job_id)
        return self._stopping or job is None or job.state is State.CANCELLED

    def _fail(self, job_id: str, error: ErrorInfo) -> None:
        with self._changed:
            job = self._jobs.get(job_id)
            if job is None or not job.running:
                return
            self._busy.pop(job_id, None)
            self._set(job.moved(State.FAILED, error=error))
        self._persist(job_id)

    def _resume(self, job: Job, state: State, order: Callable[[str], None]) -> None:
        with self._changed:
            if job.id in self._busy:
                # Cancelled, and its last step not back yet; what that brings decides where the job goes on.
                self._later[job.id] = order
                return
            self._memory.pop(job.id, None)
            self._set(job.moved(state))
            self._tasks += 1
            self._ensure_scheduler()
        self._files.put(partial(self._persist_and_begin, job.id))

    def _persist_and_begin(self, job_id: str) -> None:
        try:
            self._persist(job_id)
            with self._changed:
                job = self._jobs.get(job_id)
                if job is not None and job.running:
                    self._make_due(job)
        finally:
            self._task_done()

    def _make_due(self, job: Job, after: float = 0.0) -> None:
        if job.state is State.QUEUED and not after:
            self._queued.append(job.id)
        else:
            heapq.heappush(self._due, _Due(time.monotonic() + after, next(self._numbers), job.id))

    def _submitting(self) -> bool:
        return any(job_id in self._busy and job.state is State.SUBMITTING for job_id, job in self._jobs.items())

    def _task_done(self) -> None:
        with self._changed:
            self._tasks -= 1
            self._ensure_scheduler()  # also wakes whoever waits for the end

    # --- beginning and taking over -----------------------------------------------------------------------

    def _take_in(self, job: Job, order: Order) -> None:
        try:
            taken = take_in(job, order)
            self._open_journal().write(taken)
            with self._changed:
                self._queued.append(self._merge(taken).id)
        except ImageTo3DError as error:
            self._fail(job.id, error.info())
        finally:
            self._taking_in.discard(job.id)
            self._task_done()

    def _adopt(self) -> None:
        try:
            journal = self._open_journal()
            assert self._ownership is not None
            for owner in journal.owners():
                with self._ownership.holding_dead(owner) as dead:
                    taken = journal.take_over(owner) if dead else []
                for job in taken:
                    self._go_on(job)
        except ImageTo3DError as error:
            self.events.put(Notice(str(error), warning=True))
        finally:
            self._task_done()

    def _go_on(self, job: Job) -> None:
        """A job whose Blender died, as it goes on here."""
        job = recovered(job)
        with self._changed:
            if job.id in self._jobs:
                return
            self._set(job)
        self._persist(job.id)
        with self._changed:
            if job.running:
                self._make_due(job)
                self._ensure_scheduler()

    def _list_known(self, job: Job, journal: journals.Journal) -> bool:
        """Read the service's list once before the first submit, so that later a lost one can be found in it."""
        with self._list_lock:
            known = self._lists_known.get(job.service)
            if known is None:
                try:
                    listed = read_list(self._services.client(job.service, job.base_url))
                    journal.see(job.service, [entry.id for entry in listed if entry.id])
                    known = True
                except ImageTo3DError as error:
                    _log.info("the list of generated models could not be read: %s", error)
                    known = False
                self._lists_known[job.service] = known
            return known

    # --- what is kept ------------------------------------------------------------------------------------

    def _open_journal(self) -> journals.Journal:
        """The journal, opened on first use. Raises StorageError."""
        with self._journal_lock:
            if self._closed:
                raise StorageError("The queue has ended.")
            if self._journal is None:
                try:
                    self._ownership = self._ownership or Ownership(self._folder / "owners")
                except OSError as error:
                    raise StorageError(f"The add-on's folder can't be written: {error.strerror}.") from error
                setup = self._services.setup
                self._journal = journals.Journal(
                    self._folder, [setup.results, *setup.earlier_results], self._ownership.token
                )
                if self._journal.rebuilt_from is not None:
                    self.events.put(
                        Notice(
                            "The journal of jobs was damaged and has been set aside; "
                            f"{self._journal.rebuilt_from} jobs were found again in their folders.",
                            warning=True,
                        )
                    )
            return self._journal

    def _persist(self, job_id: str) -> bool:
        """Keep a job as it is now; whether that worked."""
        with self._persisting:
            job = self.job(job_id)
            return job is None or self._write_locked(job)

    def _write(self, job: Job) -> bool:
        with self._persisting:
            return self._write_locked(job)

    def _write_locked(self, job: Job) -> bool:
        try:
            self._open_journal().write(job)
        except StorageError as error:
            _log.error("%s: %s", job.id, error)
            self.events.put(Notice(str(error), warning=True))
            return False
        self._leave_record(job)
        return True

    def _leave_record(self, job: Job) -> None:
        """The copy in the job's folder, from which a damaged journal is rebuilt."""
        try:
            records.write_record(job)
        except OSError as error:
            # The journal has it; the folder may have been deleted by the artist, which is their right.
            _log.info("%s: no record could be left in its folder: %s", job.id, error)

    def _close(self) -> None:
        with self._journal_lock:
            self._closed = True
            if self._journal is not None:
                self._journal.close()
                self._journal = None
            if self._ownership is not None:
                self._ownership.release()
                self._ownership = None


def recovered(job: Job) -> Job:
    """A job as it goes on after its Blender died in the middle of whatever it did."""
    changes: dict[str, Any] = {"progress": 0.0, "note": ""}
    if job.state is State.PLACED:
        note = "Was placed in a scene that was never saved"
        return replace(job, state=State.READY, place_by_itself=False, objects=(), **(changes | {"note": note}))
    if job.state is State.READY:
        state = State.READY if job.blend_path and job.blend_path.is_file() else State.CONVERTING
        return replace(job, state=state, **changes)
    if job.state is State.SUBMITTING:
        return replace(job, state=State.LOOKING, **(changes | {"note": "Blender ended while it was submitted"}))
    if job.state in {State.PREPARING, State.UPLOADING}:
        return replace(job, state=State.QUEUED, **changes)
    return job
