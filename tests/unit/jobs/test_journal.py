# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal survives crashes, and each job has exactly one owner."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from image_to_3d.errors import Action, ErrorInfo, Message, StorageError
from image_to_3d.jobs.job import InputImage, Job, State, TargetScene, new_id
from image_to_3d.jobs.journal import FILE_NAME, Journal
from image_to_3d.jobs.process_lock import ProcessLock
from image_to_3d.jobs.serialization import from_json, to_json, write_job_file
from journal_rows import states_of
from package_stub import ROOT
from refused_files import refuse_open


def a_job(folder: Path, state: State = State.QUEUED, **changes: object) -> Job:
    job_id = new_id()
    known: dict[str, object] = {
        "id": job_id,
        "name": "chair",
        "image": InputImage("chair", "image.png", "ab" * 32),
        "parameters": {"seed": 7, "mesh_simplify": 0.95},
        "folder": folder / job_id,
        "service": "MODELSLAB",
        "state": state,
    }
    return Job(**(known | changes))  # type: ignore[arg-type]


def test_a_job_is_the_same_after_serialization(tmp_path: Path) -> None:
    job = a_job(
        tmp_path,
        State.FAILED,
        links=(("https://a/1.glb", "https://b/1.glb"),),
        companions=(("part-1.mtl", "chair.mtl"),),
        target_scene=TargetScene("s", 12, "st", "Scene", "/a.blend", (1.0, 2.0, 3.0)),
        error=ErrorInfo(
            "no_credit", Message("No credit left: {reason}", {"reason": "402"}), Message("Top up."), Action.RETRY
        ),
        seed="3480183101",
        details={"triangles": 12},
    )
    assert from_json(to_json(job)) == job


def test_unknown_fields_of_a_newer_version_are_ignored(tmp_path: Path) -> None:
    job = a_job(tmp_path)
    assert from_json(to_json(job) | {"invented_later": 1}) == job


@pytest.mark.parametrize("wrong", [{}, {"id": "x"}, {"id": "x", "image": 3}, {"state": "no such state"}])
def test_json_that_is_not_a_job_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a job"):
        from_json(wrong)


def test_a_dead_owners_jobs_are_taken_over_once(tmp_path: Path) -> None:
    first = Journal(tmp_path, [], "first")
    job = a_job(tmp_path, State.WAITING, service_id="9")
    first.write(job)
    second, third = Journal(tmp_path, [], "second"), Journal(tmp_path, [], "third")
    assert second.owners() == ["first"]
    assert second.take_over("first") == ([job], [])
    assert third.take_over("first") == ([], [])
    assert third.owners() == ["second"]


def test_settled_jobs_leave_the_list_but_not_one_whose_scene_was_never_saved(tmp_path: Path) -> None:
    first = Journal(tmp_path, [], "first")
    saved = a_job(tmp_path, State.PLACED, saved=True)
    unsaved = a_job(tmp_path, State.PLACED)
    cancelled = a_job(tmp_path, State.CANCELLED)
    perhaps_paid = a_job(tmp_path, State.CANCELLED, sent=1.0)
    for job in (saved, unsaved, cancelled, perhaps_paid):
        first.write(job)
    taken, over = Journal(tmp_path, [], "second").take_over("first")
    assert taken == [unsaved, perhaps_paid]
    assert [job.id for job in over] == [saved.id, cancelled.id]
    assert not any(job.listed for job in over)


def test_the_job_limit_holds_across_blenders(tmp_path: Path) -> None:
    first, second = Journal(tmp_path, [], "first"), Journal(tmp_path, [], "second")
    one, two, three = (a_job(tmp_path, State.PREPARING) for _ in range(3))
    assert first.claim(one, 2)
    assert second.claim(two, 2)
    assert not first.claim(three, 2)
    first.write(one.moved(State.FAILED))
    assert first.claim(three, 2)


def test_each_change_of_state_is_in_the_history(tmp_path: Path) -> None:
    journal = Journal(tmp_path, [], "me")
    job = a_job(tmp_path)
    for state in (State.PREPARING, State.UPLOADING, State.SUBMITTING, State.WAITING):
        journal.write(job)
        journal.write(job)
        job = job.moved(state)
    journal.write(job)
    assert states_of(tmp_path, job.id) == [
        "queued",
        "preparing",
        "uploading",
        "submitting",
        "waiting",
    ]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"this was a journal once",
        lambda content: content[:100] + bytes(3000) + content[3100:],
        lambda content: content[: len(content) // 2],
        lambda content: b"\0" * len(content),
    ],
    ids=["overwritten", "a hole in it", "cut in half", "all zeros"],
)
def test_a_damaged_journal_is_set_aside_and_rebuilt_from_the_folders(tmp_path: Path, damage: object) -> None:
    results = tmp_path / "results"
    journal = Journal(tmp_path, [results], "first")
    jobs = [a_job(results, State.WAITING, service_id=str(n)) for n in range(20)]
    for job in jobs:
        job.folder.mkdir(parents=True)
        journal.write(job)
        write_job_file(job, "first")
    journal.close()
    path = tmp_path / FILE_NAME
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    rebuilt = Journal(tmp_path, [results], "second")
    assert rebuilt.recovered == 20
    assert rebuilt.owners() == ["first"], "a rebuilt journal must not give living Blenders' jobs away"
    taken, _ = rebuilt.take_over("first")
    assert [job.service_id for job in taken] == [str(n) for n in range(20)]
    assert (tmp_path / "journal-2.sqlite").is_file(), "the damaged one is kept"
    assert Journal(tmp_path, [results], "third").recovered is None


def test_an_unwritable_folder_is_reported(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(StorageError, match="journal"):
        Journal(blocked / "inside", [], "me")


def test_a_killed_process_counts_as_dead(tmp_path: Path) -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'tests' / 'support')!r})\n"
        "import package_stub, pathlib, time\n"
        "from image_to_3d.jobs.process_lock import ProcessLock\n"
        f"print(ProcessLock(pathlib.Path({str(tmp_path)!r})).token, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        token = other.stdout.readline().strip()
        me = ProcessLock(tmp_path)
        with me.claim_dead(token) as dead:
            assert not dead
        with me.claim_dead(me.token) as dead:
            assert not dead
        other.kill()
        other.wait(10)
        with me.claim_dead(token) as dead:
            assert dead
            with ProcessLock(tmp_path).claim_dead(token) as dead_too:
                assert not dead_too, "two took over from one"


def test_a_crashed_process_is_dead_at_once_even_if_its_process_id_is_in_use_again(tmp_path: Path) -> None:
    me = ProcessLock(tmp_path)
    crashed = tmp_path / me.token.replace(me.token.split("-")[1], "0123456789ab")
    crashed.with_name(f"{crashed.name}.lock").touch()
    with me.claim_dead(crashed.name) as dead:
        assert dead


def test_all_processes_of_a_computer_agree_which_one_it_is() -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'tests' / 'support')!r})\n"
        "import package_stub\n"
        "from image_to_3d.jobs.process_lock import this_computer\n"
        "print(this_computer())\n"
    )
    runs = [subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True) for _ in "12"]
    assert runs[0].stdout == runs[1].stdout


def test_two_processes_that_start_together_share_one_journal(tmp_path: Path) -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'tests' / 'support')!r})\n"
        "import package_stub, pathlib\n"
        "from image_to_3d.jobs.journal import Journal\n"
        f"journal = Journal(pathlib.Path({str(tmp_path)!r}), [], sys.argv[1])\n"
        "journal.add_seen(('MODELSLAB', ''), [f'{sys.argv[1]}-{n}' for n in range(50)])\n"
    )
    starts = [subprocess.Popen([sys.executable, "-c", script, str(n)]) for n in range(6)]
    assert [start.wait(60) for start in starts] == [0] * 6
    ids = [f"{n}-{m}" for n in range(6) for m in range(50)]
    assert Journal(tmp_path, [], "me").unseen(("MODELSLAB", ""), [*ids, "new"]) == ["new"]


def test_a_process_continues_in_a_journal_that_another_one_rebuilt(tmp_path: Path) -> None:
    results = tmp_path / "results"
    first = Journal(tmp_path, [results], "first")
    job = a_job(results, State.WAITING, service_id="1")
    job.folder.mkdir(parents=True)
    first.write(job)
    write_job_file(job, "first")
    for path in tmp_path.glob(f"{FILE_NAME}*"):
        path.unlink()
    (tmp_path / FILE_NAME).write_bytes(b"scrambled" * 500)
    assert Journal(tmp_path, [results], "second").recovered == 1
    first.write(job.moved(State.DOWNLOADING))
    assert states_of(tmp_path, job.id)[-1] == "downloading"


def test_a_journal_that_can_not_be_looked_at_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path, [], "me")

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Access is denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", denied)
        with pytest.raises(StorageError, match="denied"):
            journal.owners()
    assert journal.owners() == []


def test_a_dead_process_leaves_no_lock_where_open_files_can_not_be_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = ProcessLock(tmp_path)
    dead = tmp_path / f"1-0123456789ab-{me.token.split('-')[2]}.lock"
    dead.touch()
    with monkeypatch.context() as patch:
        refuse_open(patch)
        with me.claim_dead(dead.stem) as is_dead:
            assert is_dead
        me.release()
    assert list(tmp_path.iterdir()) == []
