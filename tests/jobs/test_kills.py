# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender is killed at any moment: nothing that was paid for is lost, and nothing is paid for twice."""

from __future__ import annotations

import random
import sqlite3
import time
from collections import Counter
from pathlib import Path

import pytest
from image_to_3d.errors import Action
from image_to_3d.jobs.job import State
from image_to_3d.jobs.journal import FILE_NAME
from scripted_service import ScriptedService
from victim import Victim, kept_jobs

MOMENTS = [
    State.PREPARING,
    State.UPLOADING,
    State.SUBMITTING,
    State.WAITING,
    State.DOWNLOADING,
    State.IMPORTING,
    State.READY,
    State.PLACED,
    State.RECONCILING,
    State.QUEUED,
]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("number", "kills"), [(10, 20), pytest.param(20, 40, marks=pytest.mark.long)])
def test_jobs_survive_kills_and_are_paid_once_each(
    tmp_path: Path, service: ScriptedService, number: int, kills: int
) -> None:
    service.latency = 0.05
    service.polls_until_done = 2
    dice = random.Random(7)
    victim = Victim(tmp_path, service, 0, number)
    assert victim.added.wait(60)
    killed_at: Counter[str] = Counter()
    for kill in range(kills):
        wanted = MOMENTS[kill % len(MOMENTS)]
        at = str(wanted) if victim.comes_to(wanted, 2.0) else "elsewhere"
        time.sleep(dice.uniform(0, 0.06))
        victim.kill()
        killed_at[at] += 1
        victim = Victim(tmp_path, service, 0, 0)
        assert victim.added.wait(60)
    assert victim.process.wait(300) == 0
    jobs = kept_jobs(tmp_path)
    states = Counter(job.state for job in jobs)
    assert len(jobs) == number
    # A job during whose conversion Blender was killed twice waits for the artist.
    assert states[State.PLACED] + states[State.UNCONFIRMED] + states[State.FAILED] == number, states
    for job in jobs:
        if job.state is State.FAILED:
            assert job.error is not None
            assert (job.error.action, job.conversions) == (Action.IMPORT_AGAIN, 2)
    paid = Counter(work.body["track_id"] for work in service.submits)
    assert max(paid.values()) == 1, "a job was paid for twice"
    assert len(service.submits) + states[State.UNCONFIRMED] >= number
    assert len(service.submits) <= number
    for job in jobs:
        if job.state in {State.PLACED, State.FAILED}:
            assert job.model_path
            assert job.model_path.read_bytes() == service.model
        if job.state is State.PLACED:
            assert job.blend_path
            assert job.blend_path.is_file()
    assert sum(killed_at.values()) == kills
    assert len(killed_at) >= 5, f"the kills were not spread: {killed_at}"


def many_processes(folder: Path, service: ScriptedService, jobs_each: int, kills: int) -> None:
    dice = random.Random(3)
    living = [Victim(folder, service, number * jobs_each, jobs_each, limit=15) for number in range(6)]
    for victim in living:
        assert victim.added.wait(120)
    for _ in range(kills):
        time.sleep(dice.uniform(0.3, 1.5))
        index = dice.randrange(len(living))
        living[index].kill()
        living[index] = Victim(folder, service, 0, 0, limit=15)
        assert living[index].added.wait(60)
    for victim in living:
        assert victim.process.wait(1200) == 0
    last = Victim(folder, service, 0, 0)  # adopts the jobs of the last one that was killed
    assert last.process.wait(600) == 0
    jobs = kept_jobs(folder)
    states = Counter(job.state for job in jobs)
    assert len(jobs) == 6 * jobs_each
    assert states[State.PLACED] + states[State.UNCONFIRMED] + states[State.FAILED] == 6 * jobs_each, states
    assert all(job.conversions == 2 for job in jobs if job.state is State.FAILED)
    paid = Counter(work.body["track_id"] for work in service.submits)
    assert max(paid.values()) == 1, "a job was done twice"
    placed: Counter[str] = Counter()
    with sqlite3.connect(folder / "user" / FILE_NAME) as database:
        for (job_id,) in database.execute("SELECT job FROM changes WHERE state = 'placed'"):
            placed[job_id] += 1
    once = sum(count == 1 for count in placed.values())
    assert (
        once >= len(jobs) - states[State.UNCONFIRMED] - states[State.FAILED] - 3 * kills
    )  # only what a kill interrupted is placed again


@pytest.mark.timeout(600)
def test_six_processes_with_kills_run_each_job_once(tmp_path: Path, service: ScriptedService) -> None:
    many_processes(tmp_path, service, jobs_each=12, kills=6)


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_six_processes_with_many_kills_run_six_hundred_jobs_once_each(tmp_path: Path, service: ScriptedService) -> None:
    many_processes(tmp_path, service, jobs_each=100, kills=60)
