# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever an artist clicks and whatever fails, in any order: no job is lost, stuck, or charged without consent."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from image_to_3d.jobs.commands import Command
from image_to_3d.jobs.job import TRANSITIONS, Changed, Job, State
from image_to_3d.jobs.queue import Queue
from queues import Borrowed, a_queue, a_request, a_worker, until, until_journaled
from scripted_service import ScriptedService, answers, html, resets, takes_and_resets, to_json

FAULTS: dict[str, list[tuple[str, Any]]] = {
    "reset": [(what, resets) for what in ("upload", "fetch", "file", "list")],
    "server error": [(what, answers(html(502))) for what in ("upload", "fetch", "file", "list")],
    "no": [("submit", answers(to_json({"status": "error", "message": "Out of credit"}, 402)))],
    "too many": [("submit", answers(to_json({"status": "error", "message": "wait", "retry_after": 0.1}, 429)))],
    "lost": [("submit", takes_and_resets), ("submit", resets)],
    "failed": [("fetch", answers(to_json({"status": "failed", "message": "no mesh"})))],
    "nonsense": [(what, answers((200, {}, b"\xff\xfe{"))) for what in ("upload", "submit", "fetch", "list")],
    "wrong file": [("file", answers((200, {}, b"glTF nonsense")))],
}
PICK = st.integers(0, 99)
ENDED = [State.READY, State.UNCONFIRMED, State.FAILED, State.CANCELLED, State.PLACED]


WORKER = a_worker()


class Artist(RuleBasedStateMachine):
    """Commands, faults and restarts in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="image-to-3d-"))
        self.service = ScriptedService()
        self.service.list_shows = lambda work: {"id": int(work.id), "track_id": work.body["track_id"]}
        self.queue = self.new_queue()
        self.last: dict[str, State] = {}
        self.allowed_submits: Counter[str] = Counter()
        self.dismissed: set[str] = set()
        self.number = 0

    def new_queue(self) -> Queue:
        return a_queue(self.folder, self.service.base_url, Borrowed(WORKER), limit=3)

    def drain(self) -> None:
        while not self.queue.events.empty():
            event = self.queue.events.get()
            if isinstance(event, Changed):
                before = self.last.get(event.job.id)
                assert before in (None, event.job.state) or event.job.state in TRANSITIONS[before], (
                    f"{before} → {event.job.state}"
                )
                self.last[event.job.id] = event.job.state

    def some_job(self, pick: int, *states: State) -> Job | None:
        # Not drawn from the jobs themselves: which jobs are in these states depends on timing, and draws must not.
        jobs = [job for job in self.queue.jobs() if not states or job.state in states]
        return jobs[pick % len(jobs)] if jobs else None

    @rule()
    def adds_a_job(self) -> None:
        job = self.queue.add(a_request(self.number))
        self.number += 1
        self.allowed_submits[job.id] += 1

    @rule(kind=st.sampled_from(sorted(FAULTS)), data=st.data())
    def something_fails(self, kind: str, data: st.DataObject) -> None:
        what, handler = data.draw(st.sampled_from(FAULTS[kind]))
        self.service.next(what, *[handler] * data.draw(st.integers(1, 3)))

    @rule(pick=PICK)
    def cancels(self, pick: int) -> None:
        if job := self.some_job(pick):
            self.queue.cancel(job.id)

    @rule(pick=PICK)
    def retries(self, pick: int) -> None:
        if job := self.some_job(pick, State.FAILED, State.CANCELLED):
            if job.submitted and not job.service_id:  # the generation failed: a retry is a new request
                self.allowed_submits[job.id] += 1
            self.queue.command(job.id, Command.RETRY)

    @rule(pick=PICK, command=st.sampled_from([command for command in Command if command is not Command.RETRY]))
    def commands_a_job_again(self, pick: int, command: Command) -> None:
        if job := self.some_job(pick, *ENDED):
            if command is Command.SEND_AGAIN:
                self.allowed_submits[job.id] += 1
            self.queue.command(job.id, command)

    @rule(pick=PICK)
    def places(self, pick: int) -> None:
        if job := self.some_job(pick, State.READY):
            self.queue.mark_placed(job.id, [job.name])

    @rule(pick=PICK)
    def removes_from_the_list(self, pick: int) -> None:
        if job := self.some_job(pick, State.FAILED, State.UNCONFIRMED, State.CANCELLED, State.PLACED):
            self.queue.dismiss(job.id)
            self.dismissed.add(job.id)

    @rule()
    def waits_until_a_job_ends(self) -> None:
        until(lambda: any(not job.running for job in self.queue.jobs()) or not self.queue.jobs(), 60)

    @precondition(lambda self: self.number)
    @rule()
    def restarts_blender(self) -> None:
        for job in self.queue.jobs():
            until_journaled(self.queue, job)
        self.queue.stop()
        self.last.clear()
        self.queue = self.new_queue()
        self.queue.adopt()

    @invariant()
    def only_allowed_transitions_happen(self) -> None:
        time.sleep(0.06)  # jobs continue between two clicks
        self.drain()

    @invariant()
    def nothing_is_charged_without_consent(self) -> None:
        paid = Counter(work.body["track_id"] for work in self.service.submits)
        assert all(count <= self.allowed_submits[job_id] for job_id, count in paid.items())

    def teardown(self) -> None:
        try:
            self.service._orders.clear()
            until(lambda: self.queue.running() == 0, 120)
            self.drain()
            for job in self.queue.jobs():
                assert job.state in ENDED
                if job.state in (State.READY, State.PLACED):
                    assert job.model_path
                    assert job.model_path.read_bytes() == self.service.model
                    assert job.blend_path
                    assert os.path.getsize(job.blend_path) > 1000
                if job.state in (State.FAILED, State.UNCONFIRMED):
                    assert job.error is not None
                    assert str(job.error.message)
                    assert job.error.advice
            self.nothing_is_charged_without_consent()
        finally:
            self.queue.stop()
            self.service.close()
            shutil.rmtree(self.folder, ignore_errors=True)


Artist.TestCase.settings = settings(
    max_examples=int(os.environ.get("IMAGE_TO_3D_RUNS", "8")),
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestArtist = Artist.TestCase


def teardown_module() -> None:
    WORKER.stop()
