# SPDX-License-Identifier: GPL-3.0-or-later
"""Journals and job files of other versions open without loss. tests/data/version_0_1_0 was written by version 0.1.0."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from pathlib import Path

import pytest
from image_to_3d.errors import Action
from image_to_3d.jobs import journal as journal_module
from image_to_3d.jobs.job import InputImage, Job, State, new_id
from image_to_3d.jobs.journal import FILE_NAME, Journal
from image_to_3d.jobs.journal_schema import MIGRATIONS
from image_to_3d.jobs.recovery import after_crash
from image_to_3d.jobs.serialization import JOB_FILE, from_json, read_job_file, to_json
from journal_rows import states_of
from package_stub import ROOT

OLD = ROOT / "tests" / "data" / "version_0_1_0"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(OLD / "journal.sqlite", tmp_path / FILE_NAME)
    return tmp_path


def a_job(folder: Path, **changes: object) -> Job:
    job = Job(new_id(), "chair", InputImage("chair.png", "image.png", "ab"), {}, folder / "job", "MODELSLAB")
    return from_json(to_json(job) | changes)


def schema_version(folder: Path) -> int:
    with sqlite3.connect(folder / FILE_NAME) as database:
        version: int = database.execute("PRAGMA user_version").fetchone()[0]
        return version


def test_a_journal_of_0_1_0_opens_with_every_job_that_was_on_its_list(folder: Path) -> None:
    open_jobs, settled = Journal(folder, [], "new").take_over("4711-0123456789ab")
    assert [job.state for job in open_jobs] == [
        State.WAITING,
        State.RECONCILING,
        State.UNCONFIRMED,
        State.IMPORTING,
        State.READY,
        State.PLACED,
        State.FAILED,
        State.CANCELLED,
    ]
    assert [(job.state, job.saved) for job in settled] == [(State.PLACED, True)]
    waiting, reconciling, unconfirmed, importing, *_, failed, _ = open_jobs
    assert waiting.service_id == "109655541"
    assert str(waiting.note) == "The service has a problem"
    assert (waiting.image.name, waiting.image_path) == ("chair.png", waiting.folder / "picture.png")
    assert (waiting.placement.size, waiting.placement.asset_tags) == (2.0, ("wood", "old"))
    assert (waiting.target_scene.scene_token, waiting.target_scene.location) == ("t" * 32, (1.0, 2.0, 0.0))
    assert reconciling.list_known
    assert unconfirmed.error is not None
    assert (unconfirmed.error.action, unconfirmed.error.code) == (Action.CHECK_AGAIN, "outcome_unknown")
    assert importing.links == (("https://example.org/a.glb", "https://example.net/a.glb"),)
    assert failed.error is not None
    assert str(failed.error.message) == 'The account has no credit left: "wallet" (HTTP 402).'


def test_jobs_of_0_1_0_continue_without_being_paid_for_again(folder: Path) -> None:
    open_jobs, _ = Journal(folder, [], "new").take_over("4711-0123456789ab")
    resumed = [after_crash(job).state for job in open_jobs[:6]]
    assert resumed == [
        State.WAITING,
        State.RECONCILING,
        State.UNCONFIRMED,
        State.IMPORTING,
        State.IMPORTING,  # its .blend is not there any more
        State.READY,
    ]


def test_renamed_states_still_count_as_lost_submits(folder: Path) -> None:
    journal = Journal(folder, [], "new")
    assert journal.has_other_lost_submits(a_job(folder))
    with sqlite3.connect(folder / FILE_NAME) as database:
        states = {state for (state,) in database.execute("SELECT state FROM jobs")}
    assert states <= set(State)


def test_what_0_1_0_saw_in_the_services_list_is_still_known(folder: Path) -> None:
    account = ("MODELSLAB", "https://modelslab.com/api/v6")
    assert Journal(folder, [], "new").unseen(account, ["1", "2", "3", "109655541"]) == ["3"]


def test_migrations_are_applied_once(folder: Path) -> None:
    for owner in ("first", "second"):
        Journal(folder, [], owner).close()
        assert schema_version(folder) == len(MIGRATIONS)


def test_a_new_journal_has_the_current_schema_version(tmp_path: Path) -> None:
    Journal(tmp_path, [], "me").close()
    assert schema_version(tmp_path) == len(MIGRATIONS)


def test_a_journal_of_a_newer_version_is_used_as_it_is(folder: Path) -> None:
    Journal(folder, [], "new").close()
    with sqlite3.connect(folder / FILE_NAME) as database:
        database.execute("ALTER TABLE jobs ADD COLUMN invented TEXT")
        database.execute("PRAGMA user_version = 99")
    assert len(Journal(folder, [], "newer").take_over("4711-0123456789ab")[0]) == 8
    assert schema_version(folder) == 99


def test_a_job_file_of_0_1_0_is_read(tmp_path: Path) -> None:
    shutil.copy(OLD / "job.json", tmp_path / JOB_FILE)
    job, owner = read_job_file(tmp_path)
    assert (job.state, job.image.file, owner) == (State.RECONCILING, "picture.png", "4711-0123456789ab")


def test_an_unknown_state_keeps_the_job_and_offers_a_retry(tmp_path: Path) -> None:
    job = a_job(tmp_path, state="levitating", sent=5.0, service_id="7")
    assert job.state is State.FAILED
    assert job.error is not None
    assert "levitating" in str(job.error)
    assert job.error.action is Action.RETRY


def test_an_unknown_state_in_the_journal_does_not_drop_the_job(tmp_path: Path) -> None:
    journal = Journal(tmp_path, [], "dead")
    job = a_job(tmp_path)
    journal.write(job)
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        record = json.dumps(to_json(job) | {"state": "levitating"})
        database.execute("UPDATE jobs SET record = ?, state = 'levitating'", (record,))
    open_jobs, settled = Journal(tmp_path, [], "alive").take_over("dead")
    assert ([found.id for found in open_jobs], settled) == ([job.id], [])


def test_an_unknown_action_keeps_the_error_without_its_button(tmp_path: Path) -> None:
    error = {"code": "new", "message": "Something new.", "action": "MAKE_COFFEE"}
    job = a_job(tmp_path, state="failed", error=error)
    assert job.error is not None
    assert (job.error.action, str(job.error)) == (Action.NONE, "Something new.")


def test_a_job_that_cannot_be_read_stays_for_a_version_that_can(tmp_path: Path) -> None:
    journal = Journal(tmp_path, [], "dead")
    job = a_job(tmp_path)
    journal.write(job)
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        database.execute("UPDATE jobs SET record = '{}'")
    assert Journal(tmp_path, [], "alive").take_over("dead") == ([], [])
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        assert database.execute("SELECT owner, listed FROM jobs").fetchall() == [("dead", 1)]


def test_jobs_that_left_the_list_long_ago_are_pruned_and_their_ids_stay_known(tmp_path: Path) -> None:
    journal = Journal(tmp_path, [], "me")
    old = a_job(tmp_path, service_id="11", listed=False)
    listed = a_job(tmp_path, service_id="12")
    recent = a_job(tmp_path, service_id="13", listed=False)
    for job in (old, listed, recent):
        journal.write(job)
    journal.close()
    long_ago = time.time() - journal_module.PRUNE_AFTER - 1
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        database.execute("UPDATE jobs SET changed = ? WHERE id != ?", (long_ago, recent.id))
    journal = Journal(tmp_path, [], "me")
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        kept = {job_id for (job_id,) in database.execute("SELECT id FROM jobs")}
    assert kept == {listed.id, recent.id}
    assert states_of(tmp_path, old.id) == []
    assert states_of(tmp_path, recent.id) != []
    assert journal.unseen(("MODELSLAB", "anywhere"), ["11", "12", "13", "14"]) == ["14"]
