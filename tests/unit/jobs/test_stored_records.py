# SPDX-License-Identifier: GPL-3.0-or-later
"""A job.json comes from anywhere: it leads to no file outside its folder, and a broken one costs no other job."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from image_to_3d.errors import KeyMissingError
from image_to_3d.jobs.config import CUSTOM, MODELSLAB, MODELSLAB_URL, Config, ServiceClients
from image_to_3d.jobs.job import InputImage, Job, State, new_id
from image_to_3d.jobs.journal import FILE_NAME, Journal
from image_to_3d.jobs.serialization import JOB_FILE, read_job_files, to_json, write_job_file
from systems import needs_symlinks


def a_result(results: Path, **changes: Any) -> Job:
    job_id = new_id()
    image = InputImage("chair.png", "image.png", "ab")
    job = Job(job_id, "chair", image, {"seed": 7}, results / job_id, MODELSLAB, state=State.READY)
    job.folder.mkdir(parents=True)
    write_job_file(job)
    if changes:
        (job.folder / JOB_FILE).write_text(json.dumps(to_json(job) | changes))
    return job


ELSEWHERE = [
    "../other.glb",
    "/etc/passwd",
    "..",
    ".",
    "a/b",
    "C:\\x",
    "d:x",
    "\\\\server\\share\\x",
    "a\0b",
    ".bashrc",
    "x.",
]
WRONG: dict[str, list[Any]] = {
    "model_file": [*ELSEWHERE, 5, None, [], {}],
    "blend_file": ELSEWHERE,
    "upload_file": ELSEWHERE,
    "thumbnail_file": ELSEWHERE,
    "video_file": ELSEWHERE,
    "companions": [[[name, "x.mtl"]] for name in ELSEWHERE] + [5, [["one"]], "ab"],
    "image": [{"name": "x", "file": name, "sha256": ""} for name in ELSEWHERE] + [5, [], {"name": 1, "file": "x"}],
    "id": ["", "../x", 5, "\ud800"],
    "name": [5, None, "\ud800"],
    "service": [5, None],
    "links": [5, [5]],
    "created": ["now", math.nan, math.inf, True, None],
    "saved": ["yes", 1],
    "delivery": [1.5, "2", True],
    "details": [[], 5, {"triangles": "many"}, {"triangles": 1, "dimensions": ["a"]}],
    "parameters": [[], 5],
    "placement": [5, "x"],
    "target_scene": [5, {"location": "abc"}, {"location": [math.nan, 0, 0]}, {"scene_uid": "x"}],
    "error": [5, {"code": "x"}],
    "note": [{"arguments": 5}],
    "objects": [5],
}


@pytest.mark.parametrize("field", WRONG)
def test_a_record_with_a_wrong_value_costs_no_other_job_when_a_journal_is_rebuilt(tmp_path: Path, field: str) -> None:
    results = tmp_path / "results"
    good = a_result(results)
    for value in WRONG[field]:
        a_result(results, **{field: value})
    (tmp_path / FILE_NAME).write_bytes(b"scrambled" * 500)
    journal = Journal(tmp_path, [results], "me")
    assert journal.recovered == 1
    jobs, _ = journal.take_over("nobody")
    assert [job.id for job in jobs] == [good.id]


def test_a_record_that_is_no_json_costs_no_other_job(tmp_path: Path) -> None:
    good = a_result(tmp_path)
    for number, content in enumerate((b"\xff\xfe", b"[" * 100_000, b"null", b'"x"', b"{" + b" " * 5_000_000, b"")):
        (tmp_path / f"x{number}").mkdir()
        (tmp_path / f"x{number}" / JOB_FILE).write_bytes(content)
    assert [job.id for job, _ in read_job_files([tmp_path])] == [good.id]


def test_two_copies_of_a_job_are_one_job(tmp_path: Path) -> None:
    results = tmp_path / "results"
    job = a_result(results)
    (results / "copy").mkdir()
    (results / "copy" / JOB_FILE).write_text(json.dumps(to_json(job) | {"owner": "other"}))
    (tmp_path / FILE_NAME).write_bytes(b"scrambled" * 500)
    assert Journal(tmp_path, [results], "me").recovered == 1


def test_a_job_is_in_the_folder_where_it_was_found(tmp_path: Path) -> None:
    job = a_result(tmp_path, folder="/etc")
    [(found, _)] = read_job_files([tmp_path])
    assert found.folder == job.folder


@needs_symlinks
def test_a_file_that_is_a_link_to_another_place_is_not_followed(tmp_path: Path) -> None:
    job = a_result(tmp_path, model_file="model.glb")
    try:
        (job.folder / "model.glb").symlink_to("/etc/passwd")
    except OSError:
        pytest.skip("no symbolic links here")
    assert list(read_job_files([tmp_path])) == []


def test_the_key_goes_to_its_own_service_whatever_address_a_record_names(tmp_path: Path) -> None:
    keys = {MODELSLAB: "secret", CUSTOM: "secret"}
    config = Config(MODELSLAB, tmp_path, keys, base_url="https://mine.example/api")
    clients = ServiceClients(config, lambda: "", (1.0, 1.0))
    assert clients.client(MODELSLAB, "https://elsewhere.example/api").origin == "https://modelslab.com:443"
    assert MODELSLAB_URL.startswith("https://modelslab.com/")
    with pytest.raises(KeyMissingError):
        clients.client(CUSTOM, "https://elsewhere.example/api")
    with pytest.raises(KeyMissingError):
        clients.client("UNKNOWN", "https://elsewhere.example/api")
