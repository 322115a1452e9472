# SPDX-License-Identifier: GPL-3.0-or-later
"""An image in which nothing is visible is refused before it is paid for; a faint subject is made opaque."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from image_files import CASES
from image_to_3d.errors import ImageError
from image_to_3d.formats.image_info import uploadable_unchanged
from image_to_3d.worker.worker_process import WorkerProcess
from PIL import Image

LIMIT = 3_700_000


def subject(alpha: int, *, background: int = 0, size: int = 60) -> Image.Image:
    """A square of this alpha in the middle of an image of 160 × 120 pixels."""
    image = Image.new("RGBA", (160, 120), (90, 160, 60, background))
    image.paste((200, 60, 40, alpha), (80 - size // 2, 60 - size // 2, 80 + (size + 1) // 2, 60 + (size + 1) // 2))
    return image


def prepared(worker: WorkerProcess, source: Path) -> Path:
    """The file that would be uploaded, by the same way as in a job. Raises ImageError."""
    info = uploadable_unchanged(source, LIMIT)
    if info is not None and not info.alpha:
        return source
    request = {"do": "image", "source": str(source), "folder": str(source.parent), "limit": LIMIT}
    return source.parent / str(worker.run(request | {"unchanged": info is not None})["file"])


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF", "TGA"])
@pytest.mark.parametrize(
    ("alpha", "words"), [(0, "transparent"), (2, "almost transparent"), (20, "almost transparent")]
)
def test_an_image_in_which_nothing_is_visible_is_refused(
    worker: WorkerProcess, tmp_path: Path, format: str, alpha: int, words: str
) -> None:
    source = tmp_path / f"a.{format.lower()}"
    subject(alpha).save(source, format, **({"lossless": True} if format == "WEBP" else {}))
    with pytest.raises(ImageError, match=words):
        prepared(worker, source)


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 3), (7, 7)])
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp", "a.webp"])
def test_an_image_a_few_pixels_wide_is_refused(
    worker: WorkerProcess, tmp_path: Path, name: str, size: tuple[int, int]
) -> None:
    Image.new("RGB", size, (200, 40, 30)).save(tmp_path / name)
    with pytest.raises(ImageError, match="too small"):
        prepared(worker, tmp_path / name)


def test_what_is_visible_must_not_be_a_few_pixels_wide(worker: WorkerProcess, tmp_path: Path) -> None:
    subject(255, size=5).save(tmp_path / "a.png")
    with pytest.raises(ImageError, match="5 × 5 pixels"):
        prepared(worker, tmp_path / "a.png")


def test_a_palette_with_a_transparent_color_is_checked_too(worker: WorkerProcess, tmp_path: Path) -> None:
    image = Image.new("P", (64, 64), 0)
    image.putpalette([200, 40, 30, 20, 90, 200])
    image.save(tmp_path / "a.png", transparency=0)
    with pytest.raises(ImageError, match="transparent"):
        prepared(worker, tmp_path / "a.png")


@pytest.mark.parametrize("alpha", [80, 128, 200])
@pytest.mark.parametrize("name", ["a.png", "a.webp"])
def test_a_faint_subject_becomes_opaque(worker: WorkerProcess, tmp_path: Path, name: str, alpha: int) -> None:
    image = subject(alpha)
    image.paste((200, 60, 40, alpha // 2), (40, 30, 50, 90))  # a soft outline stays soft
    image.save(tmp_path / name, **({"lossless": True, "exact": True} if name == "a.webp" else {}))
    upload = prepared(worker, tmp_path / name)
    assert upload.name == "upload.png"
    with Image.open(upload) as result:
        pixels = np.asarray(result)
    assert pixels[60, 80] == pytest.approx((200, 60, 40, 255), abs=1)
    assert pixels[5, 5, 3] == 0
    if alpha // 2 > 0.25 * 255:
        assert pixels[60, 45, 3] == pytest.approx(128, abs=2)


def test_the_case_of_a_faint_subject_can_be_cropped_as_trellis_does(worker: WorkerProcess, tmp_path: Path) -> None:
    (tmp_path / "faint.png").write_bytes((CASES / "faint.png").read_bytes())
    with Image.open(prepared(worker, tmp_path / "faint.png")) as result, Image.open(CASES / "faint.png") as before:
        alpha, before_alpha = np.asarray(result)[..., 3], np.asarray(before)[..., 3]
    solid = np.argwhere(alpha > 0.8 * 255)
    visible = np.argwhere(before_alpha > 64)
    assert (solid.min(axis=0) == visible.min(axis=0)).all()
    assert (solid.max(axis=0) == visible.max(axis=0)).all()


def test_stray_opaque_pixels_do_not_hide_that_the_subject_is_faint(worker: WorkerProcess, tmp_path: Path) -> None:
    image = subject(150)
    image.putpixel((0, 0), (0, 0, 0, 255))
    image.save(tmp_path / "a.png")
    with Image.open(prepared(worker, tmp_path / "a.png")) as result:
        assert result.getpixel((80, 60)) == pytest.approx((200, 60, 40, 255), abs=1)


@pytest.mark.parametrize(
    "image",
    [
        subject(255),
        subject(255, background=255),
        subject(90, background=255),  # glass in front of something
        subject(255, background=60),  # a shadow
        Image.new("RGBA", (8, 8), (200, 60, 40, 255)),
        Image.new("RGBA", (64, 64), (0, 0, 0, 255)),
    ],
    ids=["cut out", "opaque", "glass", "shadow", "8 pixels", "black"],
)
def test_a_visible_subject_is_uploaded_unchanged(worker: WorkerProcess, tmp_path: Path, image: Image.Image) -> None:
    image.save(tmp_path / "a.png")
    before = (tmp_path / "a.png").read_bytes()
    assert prepared(worker, tmp_path / "a.png") == tmp_path / "a.png"
    assert (tmp_path / "a.png").read_bytes() == before


def test_an_opaque_photo_needs_no_background_blender(tmp_path: Path) -> None:
    Image.new("RGB", (640, 480), (200, 60, 40)).save(tmp_path / "a.jpg")
    info = uploadable_unchanged(tmp_path / "a.jpg", LIMIT)
    assert info is not None
    assert not info.alpha
