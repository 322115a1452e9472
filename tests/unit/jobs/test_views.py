# SPDX-License-Identifier: GPL-3.0-or-later
"""Views of other sides of a subject: how they are given, found by their names, stored, and whom they go to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from image_to_3d.errors import ImageError, ImageTo3DError, ParameterError
from image_to_3d.jobs.batch_request import BatchImage, BatchRequest, create_batch, request_of, with_views_by_name
from image_to_3d.jobs.batch_table import from_json as batch_from_json
from image_to_3d.jobs.batch_table import to_json as batch_to_json
from image_to_3d.jobs.config import LOCAL, MODELSLAB, Config, ServiceClients
from image_to_3d.jobs.job import Job, View
from image_to_3d.jobs.request import JobRequest, create_job, store_input
from image_to_3d.jobs.serialization import from_json, read_job_file, to_json
from queues import an_image, no_loopback_service

ADDRESS = "http://127.0.0.1:8081"


def a_job(folder: Path, **views: Path | bytes) -> Job:
    return create_job(JobRequest(an_image(), name="chair", views=views), folder, LOCAL, ADDRESS)


def test_a_job_has_copies_of_its_views_and_job_json_tells_them(tmp_path: Path) -> None:
    back = tmp_path / "My Chair.JPEG"
    back.write_bytes(an_image(2))
    request = JobRequest(an_image(), views={"left": an_image(1), "back": back})
    job = store_input(create_job(request, tmp_path, LOCAL, ADDRESS), request)
    back.unlink()
    assert {side: (view.name, view.file) for side, view in job.views.items()} == {
        "left": ("", "view-left.png"),
        "back": ("My Chair.JPEG", "view-back.jpeg"),
    }
    assert (job.folder / "view-back.jpeg").read_bytes() == an_image(2)
    assert read_job_file(job.folder)[0] == job


def test_a_job_of_a_version_without_views_is_read(tmp_path: Path) -> None:
    stored = to_json(a_job(tmp_path))
    del stored["views"]
    assert from_json(stored).views == {}


def test_a_side_that_this_version_does_not_know_loses_no_job(tmp_path: Path) -> None:
    stored = to_json(a_job(tmp_path, left=an_image()))
    stored["views"]["top"] = stored["views"]["left"]
    assert list(from_json(stored).views) == ["left"]


@pytest.mark.parametrize(
    "view", [{"file": "../view.png"}, {"upload_file": "/etc/passwd"}, {"name": 7}, {"uploaded": "x"}]
)
def test_a_record_with_views_outside_the_jobs_folder_or_of_wrong_types_is_no_job(
    tmp_path: Path, view: dict[str, object]
) -> None:
    stored = to_json(a_job(tmp_path, left=an_image()))
    stored["views"]["left"] |= view
    with pytest.raises(ValueError, match=r"not a job|not inside|wrong type"):
        from_json(stored)


@pytest.mark.parametrize(
    ("views", "kind", "said"),
    [
        ({"top": b"x"}, ParameterError, 'There is no view "top"; there are left, back, right.'),
        ({"front": b"x"}, ParameterError, "The image itself shows the front."),
        ({"left": b""}, ImageError, "Left View: The image is empty."),
        ({"right": Path("nowhere.png")}, ImageError, "Right View: Image not found: nowhere.png."),
    ],
)
def test_what_is_wrong_with_a_view_names_its_side(
    tmp_path: Path, views: dict[str, Path | bytes], kind: type[ImageTo3DError], said: str
) -> None:
    with pytest.raises(kind) as caught:
        a_job(tmp_path, **views)
    assert said in str(caught.value.message)


def test_a_view_is_no_parameter(tmp_path: Path) -> None:
    request = JobRequest(an_image(), {"image_left": "https://example.org/left.png"})
    with pytest.raises(ParameterError, match="image_left can't be given as a parameter"):
        create_job(request, tmp_path, LOCAL, ADDRESS)


def test_a_service_that_takes_one_image_refuses_views(tmp_path: Path) -> None:
    config = Config(MODELSLAB, tmp_path, local_url=ADDRESS)
    config.require_views({})
    config._replace(service=LOCAL).require_views({"left": b""})
    for without in (config, config._replace(service=LOCAL, local_dialect="LEMONADE")):
        with pytest.raises(ParameterError, match="takes one image of the subject"):
            without.require_views({"left": b""})


def test_a_job_with_views_is_not_sent_to_a_service_that_takes_none(tmp_path: Path) -> None:
    clients = ServiceClients(
        Config(MODELSLAB, tmp_path, {MODELSLAB: "key"}, local_url=ADDRESS), no_loopback_service, (1.0, 1.0)
    )
    with_views, without = a_job(tmp_path, left=an_image()), a_job(tmp_path)
    assert clients.with_current_service(with_views) == with_views
    assert clients.with_current_service(without).service == MODELSLAB


def test_what_one_service_stores_is_uploaded_again_for_another_one(tmp_path: Path) -> None:
    other = "http://127.0.0.1:8082"
    clients = ServiceClients(Config(LOCAL, tmp_path, local_url=other), no_loopback_service, (1.0, 1.0))
    job = replace(a_job(tmp_path), upload_url="http://127.0.0.1:1/temp/1.png", uploaded=1e12)
    job = replace(job, views={"left": View("", "view-left.png", upload_url=job.upload_url, uploaded=1e12)})
    there = clients.with_current_service(replace(job, base_url=other))
    assert (there.upload_url, there.views) == (job.upload_url, job.views)
    moved = clients.with_current_service(job)
    assert (moved.base_url, moved.upload_url, moved.views["left"].upload_url) == (other, "", "")


def test_images_named_by_their_sides_are_one_subject_with_the_front_as_its_image() -> None:
    folder, other = Path("shots"), Path("other")
    names = ("chair_front.png", "chair_left.jpg", "Chair-BACK.png", "lamp.png", "mug_back.png", "cup front.png")
    images = [BatchImage(folder / name) for name in names] + [BatchImage(other / "cup_left.png")]
    chair, *others = with_views_by_name(images)
    assert (chair.image, chair.name) == (folder / "chair_front.png", "chair")
    assert chair.views == {"left": folder / "chair_left.jpg", "back": folder / "Chair-BACK.png"}
    assert others == images[3:]  # without a front, without another side, in another folder: images of their own


def test_an_image_that_is_given_twice_or_has_views_already_keeps_what_it_has() -> None:
    front, left = Path("chair_front.png"), Path("chair_left.png")
    own = BatchImage(Path("chair_right.png"), views={"back": Path("x.png")})
    twice = [BatchImage(front, "One", {"seed": 1}), BatchImage(front, parameters={"seed": 2}), BatchImage(left), own]
    one, two, last = with_views_by_name(twice)
    assert (one.name, one.parameters, one.views) == ("One", {"seed": 1}, {"left": left})
    assert (two.name, two.parameters, two.views) == ("chair", {"seed": 2}, {"left": left})
    assert last == own


def test_a_batch_remembers_the_views_of_each_image(tmp_path: Path) -> None:
    images = [BatchImage(tmp_path / "a.png", views={"back": tmp_path / "b.png"}), BatchImage(tmp_path / "c.png")]
    batch = create_batch(BatchRequest(images), tmp_path, LOCAL, ADDRESS)
    stored = batch_to_json(batch)
    read = batch_from_json(stored)
    assert [dict(request_of(read, item).views) for item in read.items] == [{"back": tmp_path / "b.png"}, {}]
    for item in stored["items"]:
        del item["views"]
    assert [item.views for item in batch_from_json(stored).items] == [{}, {}]
    with pytest.raises(ParameterError, match='no view "top"'):
        create_batch(BatchRequest([images[0]._replace(views={"top": tmp_path})]), tmp_path, LOCAL, ADDRESS)
