# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs with images of several sides of the subject, over a server that takes them and over one that does not."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from dialect_servers import Hunyuan, Lemonade, running
from image_to_3d.errors import Message, ParameterError
from image_to_3d.jobs.batch_request import BatchImage, BatchRequest, with_views_by_name
from image_to_3d.jobs.job import State
from image_to_3d.jobs.provenance import record_of
from image_to_3d.jobs.queue import Queue
from image_to_3d.worker.worker_process import WorkerProcess
from model_files import glb_of, scene_of
from PIL import Image
from queues import Borrowed, a_queue, a_request, an_image, rest, until, until_journaled

pytestmark = pytest.mark.heavy

RED, GREEN, BLUE = (200, 40, 30), (40, 180, 30), (30, 40, 220)


def a_file(kind: str, color: tuple[int, int, int]) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (64, 32), color).save(content, kind)
    return content.getvalue()


def seen(text: str) -> tuple[str, tuple[int, ...]]:
    """The kind of an image that was sent, and which of the colors it has."""
    image = Image.open(io.BytesIO(base64.b64decode(text)))
    pixel = image.convert("RGB").getpixel((10, 10))
    assert isinstance(pixel, tuple)
    nearest = min((RED, GREEN, BLUE), key=lambda color: sum(abs(a - b) for a, b in zip(color, pixel, strict=True)))
    return image.format or "", nearest


def test_a_server_that_takes_views_gets_each_as_its_side_in_a_format_that_it_reads(
    tmp_path: Path, make_local_queue: Callable[..., Queue]
) -> None:
    back = tmp_path / "My Chair.tiff"
    back.write_bytes(a_file("TIFF", GREEN))
    server = Hunyuan(glb_of(*scene_of()))
    with running(server) as address:
        queue = make_local_queue(address)
        queue.add(a_request(views={"left": a_file("JPEG", RED), "back": back, "right": a_file("PNG", BLUE)}))
        (job,) = rest(queue)
    assert (job.state, job.error) == (State.READY, None)
    (received,) = server.received
    sent = {side: seen(received.json[f"image_{side}"]) for side in ("left", "back", "right")}
    assert sent == {"left": ("JPEG", RED), "back": ("JPEG", GREEN), "right": ("PNG", BLUE)}
    assert base64.b64decode(received.json["image"]) == an_image()
    assert record_of(job)["views"] == {"left": "", "back": "My Chair.tiff", "right": ""}
    assert "service_notes" not in job.details


def test_a_job_that_the_next_blender_continues_still_has_its_views(make_local_queue: Callable[..., Queue]) -> None:
    server = Hunyuan(glb_of(*scene_of()), seconds=1.0)
    with running(server) as address:
        first = make_local_queue(address)
        first.add(a_request())
        until_journaled(first, first.add(a_request(1, views={"left": a_file("PNG", RED)})))
        until(lambda: len(server.received) == 1)
        first.stop()  # the second one still waits for its turn
        second = make_local_queue(address)
        second.adopt()
        jobs = rest(second)
    assert [job.state for job in jobs] == [State.READY, State.READY]
    sent = [received.json["image_left"] for received in server.received if "image_left" in received.json]
    assert [seen(view) for view in sent] == [("PNG", RED)]


def test_a_view_that_is_damaged_fails_its_job_by_its_side_and_nothing_is_sent(
    make_local_queue: Callable[..., Queue],
) -> None:
    content = a_file("JPEG", RED)
    server = Hunyuan(glb_of(*scene_of()))
    with running(server) as address:
        queue = make_local_queue(address)
        queue.add(a_request(views={"left": a_file("PNG", RED), "right": content[: len(content) // 2]}))
        (job,) = rest(queue)
    assert job.error is not None
    assert str(job.error.message).startswith("Right View: The image is damaged")
    assert not server.received


def test_images_named_by_their_sides_are_one_job_and_a_server_without_views_says_what_it_left_out(
    tmp_path: Path, make_local_queue: Callable[..., Queue]
) -> None:
    for name in ("chair_front", "chair_back", "lamp"):
        (tmp_path / f"{name}.png").write_bytes(an_image())
    images = [BatchImage(path) for path in sorted(tmp_path.glob("*.png"))]
    server = Lemonade(glb_of(*scene_of()))
    with running(server) as address:
        queue = make_local_queue(address)
        queue.add_batch(BatchRequest(with_views_by_name(images)))
        chair, lamp = rest(queue)
    assert (chair.name, lamp.name) == ("chair", "lamp")
    assert [job.state for job in (chair, lamp)] == [State.READY, State.READY]
    (note,) = chair.details["service_notes"]
    assert "takes no views of other sides" in str(Message.from_json(note))
    assert "service_notes" not in lamp.details


def test_a_service_that_takes_one_image_refuses_views_before_anything_starts(
    tmp_path: Path, worker: WorkerProcess
) -> None:
    queue = a_queue(tmp_path, "http://127.0.0.1:9", Borrowed(worker))
    for start in (
        lambda: queue.add(a_request(views={"left": an_image()})),
        lambda: queue.add_batch(BatchRequest([BatchImage(tmp_path, views={"left": tmp_path})])),
    ):
        with pytest.raises(ParameterError, match="takes one image of the subject"):
            start()
    assert not queue.jobs()
    queue.stop()
