# SPDX-License-Identifier: GPL-3.0-or-later
"""A clean-up deletes old finished results, and never a paid result that was not placed and saved."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import pytest
from image_to_3d.jobs import cleanup
from image_to_3d.jobs.job import InputImage, Job, State, new_id
from image_to_3d.jobs.serialization import write_job_file
from refused_files import refuse_open


def a_result(place: Path, state: State, days_old: float, size: int = 1000, **changes: object) -> Path:
    job_id = new_id()
    job = Job(job_id, "chair", InputImage("chair", "image.png", ""), {}, place / job_id, "MODELSLAB", state=state)
    job = dataclasses.replace(job, created=time.time() - days_old * cleanup.DAY, **changes)  # type: ignore[arg-type]
    job.folder.mkdir(parents=True)
    (job.folder / "model.glb").write_bytes(bytes(size))
    write_job_file(job)
    return job.folder


def test_nothing_is_deleted_unless_a_limit_is_set(tmp_path: Path) -> None:
    folder = a_result(tmp_path, State.PLACED, 999, saved=True)
    assert cleanup.remove([tmp_path], older_than_days=None, over_gigabytes=None) == cleanup.Removed()
    assert folder.exists()


def test_old_results_that_are_placed_and_saved_are_deleted(tmp_path: Path) -> None:
    old, new = a_result(tmp_path, State.PLACED, 31, saved=True), a_result(tmp_path, State.PLACED, 29, saved=True)
    removed = cleanup.remove([tmp_path], older_than_days=30, over_gigabytes=None)
    assert removed.count == 1
    assert removed.size > 1000
    assert not old.exists()
    assert new.exists()


@pytest.mark.parametrize(
    ("state", "changes"),
    [
        (State.READY, {}),
        (State.PLACED, {"saved": False}),
        (State.WAITING, {}),
        (State.UNCONFIRMED, {}),
        (State.FAILED, {}),
        (State.CANCELLED, {"sent": 1.0}),
    ],
)
def test_a_paid_result_that_is_in_no_saved_scene_is_never_deleted(
    tmp_path: Path, state: State, changes: dict[str, object]
) -> None:
    folder = a_result(tmp_path, state, 9999, **changes)
    cleanup.remove([tmp_path], older_than_days=0, over_gigabytes=0)
    assert folder.exists()


def test_above_the_size_limit_the_oldest_results_are_deleted_first(tmp_path: Path) -> None:
    folders = [a_result(tmp_path, State.PLACED, days, 300_000, saved=True) for days in (3, 2, 1)]
    cleanup.remove([tmp_path], older_than_days=None, over_gigabytes=0.0007)
    assert [folder.exists() for folder in folders] == [False, True, True]


def test_a_folder_without_a_job_is_never_touched(tmp_path: Path) -> None:
    mine = tmp_path / "my own renders"
    mine.mkdir()
    (mine / "job.json").write_text("{}")
    cleanup.remove([tmp_path], older_than_days=0, over_gigabytes=0)
    assert mine.exists()


def test_the_folder_of_a_removed_job_may_be_deleted(tmp_path: Path) -> None:
    folder = a_result(tmp_path, State.READY, 40, listed=False)
    cleanup.remove([tmp_path], older_than_days=30, over_gigabytes=None)
    assert not folder.exists()


def test_a_clean_up_continues_past_a_result_that_is_open_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [a_result(tmp_path, State.PLACED, 40 - number, saved=True) for number in range(3)]
    with monkeypatch.context() as patch:
        refuse_open(patch, folders[0] / "model.glb")
        removed = cleanup.remove([tmp_path], older_than_days=30, over_gigabytes=None)
    assert (removed.count, removed.in_use) == (2, 1)
    assert [folder.exists() for folder in folders] == [True, False, False]
    assert (folders[0] / "model.glb").exists(), "it was half-deleted"
    assert cleanup.remove([tmp_path], older_than_days=30, over_gigabytes=None).count == 1
    assert list(tmp_path.iterdir()) == []


def test_what_is_left_of_a_result_is_found_by_the_next_clean_up(tmp_path: Path) -> None:
    folder = a_result(tmp_path, State.READY, 1)
    folder.rename(tmp_path / f"~removed-{folder.name}")  # Blender was killed here
    assert cleanup.remove([tmp_path], older_than_days=0, over_gigabytes=None).count == 1
    assert list(tmp_path.iterdir()) == []
