# SPDX-License-Identifier: GPL-3.0-or-later
"""What an artist learns about an image before it is paid for, and what is sent if it is cut out or cropped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_to_3d.errors import ImageError, Message
from image_to_3d.worker.worker_process import WorkerProcess
from numpy.typing import NDArray
from package_stub import ROOT
from PIL import Image, ImageDraw

SIDE = 400


def disk(center: tuple[float, float] = (0.5, 0.5), radius: float = 0.25, color: str = "firebrick") -> Image.Image:
    """A disk on white; its center and radius in sides of the image."""
    image = Image.new("RGB", (SIDE, SIDE), "white")
    x, y, r = center[0] * SIDE, center[1] * SIDE, radius * SIDE
    ImageDraw.Draw(image).ellipse((x - r, y - r, x + r, y + r), fill=color)
    return image


def saved(image: Image.Image, folder: Path, name: str = "image.png") -> Path:
    image.save(folder / name)
    return folder / name


def check(worker: WorkerProcess, source: Path, **options: Any) -> list[str]:
    request = {"do": "check", "source": str(source), "target": "", "longest": 256, "cut_out": False, "crop": False}
    return [str(Message.from_json(warning)) for warning in worker.run(request | options)["warnings"]]


def prepared(worker: WorkerProcess, source: Path, **options: bool) -> tuple[NDArray[Any], list[Any]]:
    request = {"do": "image", "source": str(source), "folder": str(source.parent), "limit": 5_000_000}
    reply = worker.run(request | options)
    with Image.open(source.parent / reply["file"]) as image:
        assert image.size == (reply["width"], reply["height"])
        return np.asarray(image.convert("RGBA")), reply["warnings"]


@pytest.mark.parametrize(
    ("image", "warning"),
    [
        (disk((0.0, 0.5)), "left edge"),
        (disk((0.5, 1.0)), "bottom edge"),
        (disk(radius=0.05), "covers only"),
        (disk(color="#f4f4f4"), "hardly differs|No subject"),
        (Image.new("RGB", (SIDE, SIDE), "teal"), "nearly one color"),
    ],
    ids=["cut off left", "cut off below", "tiny", "faint", "uniform"],
)
def test_an_image_that_makes_a_bad_model_has_a_warning_with_the_reason(
    worker: WorkerProcess, tmp_path: Path, image: Image.Image, warning: str
) -> None:
    found = check(worker, saved(image, tmp_path))
    assert any(any(part in text for part in warning.split("|")) for text in found), found


@pytest.mark.parametrize("name", ["chair.png", "mug.png", "toadstool.png", "vase.png"])
def test_a_good_image_has_no_warning(worker: WorkerProcess, name: str) -> None:
    assert check(worker, ROOT / "samples" / name) == []


def test_the_preview_shows_what_will_be_sent(worker: WorkerProcess, tmp_path: Path) -> None:
    source = saved(disk((0.3, 0.3)), tmp_path)
    check(worker, source, target=str(tmp_path / "preview.png"), cut_out=True, crop=True)
    with Image.open(tmp_path / "preview.png") as preview:
        shown = np.asarray(preview.convert("RGBA"))
    sent, _ = prepared(worker, source, cut_out=True, crop=True)
    assert max(shown.shape) <= 256
    assert abs(float((shown[..., 3] > 128).mean()) - float((sent[..., 3] > 128).mean())) < 0.02


def test_a_cut_out_subject_has_a_transparent_background(worker: WorkerProcess, tmp_path: Path) -> None:
    sent, warnings = prepared(worker, saved(disk(), tmp_path), cut_out=True)
    assert warnings == []
    assert sent.shape == (SIDE, SIDE, 4)
    assert sent[5, 5, 3] == 0
    assert tuple(sent[SIDE // 2, SIDE // 2]) == (178, 34, 34, 255)


def test_a_cropped_subject_is_in_the_middle_of_a_square(worker: WorkerProcess, tmp_path: Path) -> None:
    sent, _ = prepared(worker, saved(disk((0.25, 0.6), 0.15), tmp_path), crop=True)
    assert sent.shape[0] == sent.shape[1] < SIDE
    rows, columns = np.nonzero(sent[..., 1] < 120)
    for places in (rows, columns):
        assert abs((places.min() + places.max()) / 2 - sent.shape[0] / 2) < 3
        assert np.ptp(places) > 0.85 * sent.shape[0]


def test_an_image_without_a_subject_is_sent_as_it_is_with_a_warning(worker: WorkerProcess, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (SIDE, SIDE, 3), np.uint8)
    source = saved(Image.fromarray(noise), tmp_path)
    sent, warnings = prepared(worker, source, cut_out=True)
    assert sent.shape == (SIDE, SIDE, 4)
    assert len(warnings) == 1
    assert sent[..., 3].min() == 255


def test_several_views_are_beside_each_other_with_transparent_gaps(worker: WorkerProcess, tmp_path: Path) -> None:
    colors = ("firebrick", "seagreen", "navy")
    sources = [saved(disk(color=color), tmp_path, f"{color}.png") for color in colors]
    target = tmp_path / "views.png"
    reply = worker.run({"do": "views", "sources": [str(source) for source in sources], "target": str(target)})
    assert reply["warnings"] == []
    with Image.open(target) as image:
        pixels = np.asarray(image.convert("RGBA"))
    solid = (pixels[..., 3] > 128).any(axis=0)
    starts = np.flatnonzero(np.diff(np.pad(solid, 1).astype(int)) == 1)
    ends = np.flatnonzero(np.diff(np.pad(solid, 1).astype(int)) == -1)
    assert len(starts) == 3
    centers = [pixels[pixels.shape[0] // 2, (start + end) // 2] for start, end in zip(starts, ends, strict=True)]
    assert [int(np.argmax(center[:3])) for center in centers] == [0, 1, 2]


def test_seven_views_are_too_many(worker: WorkerProcess, tmp_path: Path) -> None:
    source = str(saved(disk(), tmp_path))
    with pytest.raises(ImageError, match="one to 6"):
        worker.run({"do": "views", "sources": [source] * 7, "target": str(tmp_path / "views.png")})
