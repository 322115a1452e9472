# SPDX-License-Identifier: GPL-3.0-or-later
"""Earlier results are found again in the results folders, newest first, a page at a time."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pytest
from image_to_3d.jobs import history
from image_to_3d.jobs.history import History
from image_to_3d.jobs.job import InputImage, Job, State, new_id
from image_to_3d.jobs.serialization import JOB_FILE, write_job_file


def a_job(place: Path, name: str, created: float, **changes: Any) -> Job:
    job_id = new_id()
    job = Job(job_id, name, InputImage(f"{name}.png", "image.png", ""), {}, place / f"{job_id}_x", "MODELSLAB")
    job = dataclasses.replace(job, created=created, state=State.PLACED, **{"model_file": "model.glb", **changes})
    job.folder.mkdir(parents=True)
    write_job_file(job)
    return job


def names(found: History, number: int = 0, size: int = 24, search: str = "") -> list[str]:
    return [result.name for result in found.page(number, size, search).results]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A results folder with three results, one of them in a batch."""
    for number, name in enumerate(("chair", "Стул"), 1):
        a_job(tmp_path, name, float(number))
    a_job(tmp_path / "20260101-000000-000000-00000000_batch", "armchair", 1.5)
    return tmp_path


def test_the_newest_come_first_those_of_batches_among_them(results: Path) -> None:
    found = History()
    found.refresh([results])
    assert names(found) == ["Стул", "armchair", "chair"]


def test_a_search_finds_words_in_any_script_and_case(results: Path) -> None:
    found = History()
    found.refresh([results])
    assert names(found, search="CHAIR") == ["armchair", "chair"]
    assert names(found, search="стул png") == ["Стул"]
    assert found.page(0, 24, "table").total == 0


def test_pages_have_a_fixed_size_and_the_last_one_stands_for_those_beyond(results: Path) -> None:
    found = History()
    found.refresh([results])
    page = found.page(9, 2)
    assert (page.number, page.pages, page.total) == (1, 2, 3)
    assert [result.name for result in page.results] == ["chair"]


def test_jobs_without_a_model_and_folders_that_are_no_results_are_left_out(results: Path) -> None:
    a_job(results, "failed", 9.0, model_file="")
    broken = a_job(results, "broken", 9.0)
    (broken.folder / JOB_FILE).write_text("[]")
    (results / "notes").mkdir()
    going = a_job(results, "deleted", 9.0)
    going.folder.rename(going.folder.with_name(f"~removed-{going.folder.name}"))
    found = History()
    found.refresh([results, results / "missing"])
    assert len(found.results) == 3


def test_a_result_that_is_in_two_results_folders_is_shown_once(results: Path, tmp_path_factory: Any) -> None:
    import shutil

    copy = tmp_path_factory.mktemp("copy") / "results"
    shutil.copytree(results, copy)
    found = History()
    found.refresh([copy, results])
    assert len(found.results) == 3
    assert all(result.folder.is_relative_to(copy) for result in found.results)


def test_only_what_changed_is_read_again(results: Path) -> None:
    found = History()
    found.refresh([results])
    kept = found.results[0]
    changed, gone = (result.folder for result in found.results[1:])
    values = json.loads((changed / JOB_FILE).read_text("utf-8"))
    (changed / JOB_FILE).write_text(json.dumps(values | {"name": "sofa"}))
    os.utime(changed / JOB_FILE, (1e9, 1e9))
    (gone / JOB_FILE).unlink()
    found.refresh([results])
    assert names(found) == ["Стул", "sofa"]
    assert found.results[0] is kept
    assert found.find(kept.job_id) is kept


def test_the_oldest_beyond_the_limit_are_left_out(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MAX_RESULTS", 2)
    found = History()
    found.refresh([results])
    assert len(found.results) == 2


def test_a_file_outside_its_folder_is_not_shown(results: Path) -> None:
    a_job(results, "evil", 9.0, details={"preview": "../../secret.png", "triangles": 1})
    found = History()
    found.refresh([results])
    assert names(found)[0] == "evil"
    assert found.results[0].thumbnail is None
