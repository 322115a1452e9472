# SPDX-License-Identifier: GPL-3.0-or-later
"""What no model can be made from is not uploaded; what is uploaded is declared as what it is."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from image_files import CASES, FILES, picture, saved, with_alpha
from image_to_3d.jobs.job import Job, State
from image_to_3d.jobs.queue import Queue
from PIL import Image
from queues import a_request, rest
from scripted_service import ScriptedService


def run(queue: Queue, **request: Any) -> Job:
    """Add a job and wait until it ends."""
    queue.add(a_request(**request))
    [job] = rest(queue)
    return job


def assert_refused(queue: Queue, service: ScriptedService, image: bytes, words: str) -> None:
    job = run(queue, image=image)
    assert (job.state, job.error and job.error.code) == (State.FAILED, "image")
    assert words in str(job.error)
    assert service.count("upload") == service.count("submit") == 0


def uploaded(service: ScriptedService) -> Image.Image:
    [content] = [content for name, content in service.files.items() if "upload" in name]
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize("name", ["rgb.png", "alpha.png", "baseline.jpg", "lossy.webp", "raw.tif", "raw.dds"])
def test_an_incomplete_image_is_reported_and_nothing_is_sent(queue: Queue, service: ScriptedService, name: str) -> None:
    content = FILES[name]()
    assert_refused(queue, service, content[: len(content) * 9 // 10], "The image is damaged")


@pytest.mark.parametrize("repeated", [1, 10])
def test_a_jpeg_that_lacks_data_is_reported_and_nothing_is_sent(
    queue: Queue, service: ScriptedService, repeated: int
) -> None:
    content = saved(np.tile(picture(), (repeated, repeated, 1)), "JPEG")
    assert_refused(queue, service, content[: len(content) // 2] + b"\xff\xd9", "a part of it is missing")


@pytest.mark.parametrize("name", ["animated.webp", "animated.gif"])
def test_of_an_animated_image_the_first_frame_is_uploaded(queue: Queue, service: ScriptedService, name: str) -> None:
    assert run(queue, image=CASES / name).state is State.READY
    with uploaded(service) as image, Image.open(CASES / name) as first_frame:
        difference = np.abs(np.asarray(image.convert("RGB"), float) - np.asarray(first_frame.convert("RGB"), float))
        assert difference[np.asarray(first_frame.convert("RGBA"))[..., 3] > 0].mean() < 2


@pytest.mark.parametrize("alpha", [0, 10])
def test_an_image_in_which_nothing_is_visible_is_reported_and_nothing_is_sent(
    queue: Queue, service: ScriptedService, alpha: int
) -> None:
    pixels = with_alpha()
    pixels[..., 3] = alpha
    assert_refused(queue, service, saved(pixels, "PNG"), "nothing to make a model from")


@pytest.mark.parametrize("size", [(1, 1), (200, 3)])
def test_an_image_of_a_few_pixels_is_reported_and_nothing_is_sent(
    queue: Queue, service: ScriptedService, size: tuple[int, int]
) -> None:
    assert_refused(queue, service, saved(np.zeros((*size, 3), np.uint8), "PNG"), "too small")


def test_a_faint_subject_is_made_opaque_before_it_is_uploaded(queue: Queue, service: ScriptedService) -> None:
    assert run(queue, image=CASES / "faint.png").state is State.READY
    with uploaded(service) as image:
        assert image.getextrema()[3] == (0, 255)


def test_an_image_with_transparency_is_uploaded_unchanged(queue: Queue, service: ScriptedService) -> None:
    content = saved(with_alpha(), "PNG")
    assert run(queue, image=content).state is State.READY
    assert content in service.files.values()


def test_an_image_is_declared_as_what_it_is_whatever_its_extension(queue: Queue, service: ScriptedService) -> None:
    content = FILES["baseline.jpg"]()
    assert run(queue, image=content).state is State.READY  # the job's copy is called image.png
    [name] = [name for name, file in service.files.items() if file == content]
    assert name.endswith(".jpg")


def test_an_image_of_a_format_that_blender_cannot_read_is_named(queue: Queue, service: ScriptedService) -> None:
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0\0\0\x20mdat" + bytes(24)
    assert_refused(queue, service, heic, "can't read HEIC images")


def test_a_rotated_photo_is_uploaded_with_its_colors_in_srgb(queue: Queue, service: ScriptedService) -> None:
    assert run(queue, image=CASES / "p3_turned.jpg").state is State.READY
    with uploaded(service) as image, Image.open(CASES / "p3_turned.jpg") as stored:
        assert image.size == stored.size[::-1]
        before = np.asarray(stored.transpose(Image.Transpose.ROTATE_270), float)
        assert np.abs(np.asarray(image, float) - before).max() > 20  # exactly: worker/test_color_profiles.py
