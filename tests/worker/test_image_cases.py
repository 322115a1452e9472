# SPDX-License-Identifier: GPL-3.0-or-later
"""No image is sent, and paid for, that is not whole, not visible, or not in the colors that the artist sees."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from image_to_3d.errors import ImageError
from image_to_3d.formats.image_info import uploadable_unchanged
from image_to_3d.worker.worker_process import WorkerProcess
from package_stub import ROOT
from PIL import Image, ImageCms

CASES = ROOT / "tests" / "data" / "cases"
LIMIT = 10_000_000
FORMATS = {
    "jpg": {"quality": 90},
    "progressive.jpg": {"progressive": True},
    "png": {},
    "interlaced.png": {},
    "lossy.webp": {},
    "lossless.webp": {"lossless": True},
    "tif": {},
    "lzw.tif": {"compression": "tiff_lzw"},
    "bmp": {},
    "tga": {},
    "rle.tga": {"compression": "tga_rle"},
    "dds": {},
    "gif": {},
}


def prepared(worker: WorkerProcess, source: Path, folder: Path) -> Image.Image:
    folder.mkdir(exist_ok=True)
    reply = worker.run({"do": "image", "source": str(source), "folder": str(folder), "limit": LIMIT})
    with Image.open(folder / reply["file"]) as image:
        image.load()
        return image.copy()


def checked(worker: WorkerProcess, source: Path) -> dict[str, Any]:
    return worker.run({"do": "check_image", "source": str(source)})


def noise(width: int = 120, height: int = 90) -> Image.Image:
    return Image.fromarray((np.random.default_rng(1).random((height, width, 3)) * 255).astype(np.uint8))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.97])
@pytest.mark.parametrize("name", FORMATS)
def test_a_truncated_image_is_refused_in_every_format(
    worker: WorkerProcess, tmp_path: Path, name: str, share: float
) -> None:
    source = tmp_path / f"a.{name}"
    noise().save(source, **FORMATS[name])
    data = source.read_bytes()
    prepared(worker, source, tmp_path / "whole")
    source.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ImageError):
        uploadable_unchanged(source, LIMIT) or prepared(worker, source, tmp_path / "cut")
    assert not list((tmp_path / "cut").glob("*")) if (tmp_path / "cut").exists() else True


@pytest.mark.parametrize("share", [0.4, 0.8, 0.98])
def test_a_truncated_openexr_image_is_refused(worker: WorkerProcess, tmp_path: Path, share: float) -> None:
    image = bpy.data.images.new("a", 120, 90, float_buffer=True)
    image.pixels.foreach_set(np.random.default_rng(1).random(120 * 90 * 4).astype(np.float32))
    image.file_format, image.filepath_raw = "OPEN_EXR", str(tmp_path / "a.exr")
    image.save()
    bpy.data.images.remove(image)
    data = (tmp_path / "a.exr").read_bytes()
    (tmp_path / "a.exr").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ImageError):
        prepared(worker, tmp_path / "a.exr", tmp_path)


def test_a_jpeg_that_ends_in_its_scan_is_refused_although_its_thumbnail_is_whole(tmp_path: Path) -> None:
    thumbnail = io.BytesIO()
    noise(16, 16).save(thumbnail, "JPEG")
    file = io.BytesIO()
    noise().save(file, "JPEG", comment=thumbnail.getvalue())
    (tmp_path / "a.jpg").write_bytes(file.getvalue()[:-200])
    with pytest.raises(ImageError, match="cut off"):
        uploadable_unchanged(tmp_path / "a.jpg", LIMIT)


def test_what_follows_a_complete_image_does_not_matter(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.png"):
        noise().save(tmp_path / name)
        with (tmp_path / name).open("ab") as file:
            file.write(b"what a phone appends" * 50)
    assert uploadable_unchanged(tmp_path / "a.jpg", LIMIT) is not None


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 90}])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_the_first_frame_of_an_animated_webp_is_used(
    worker: WorkerProcess, tmp_path: Path, mode: str, options: dict[str, Any]
) -> None:
    first = Image.new(mode, (96, 64), (230, 30, 20) if mode == "RGB" else (0, 0, 0, 0))
    first.paste((230, 30, 20), (20, 10, 70, 50))
    others = [Image.new(mode, (96, 64), (20, 200, 40)) for _ in range(2)]
    first.save(tmp_path / "a.webp", save_all=True, append_images=others, duration=100, **options)
    result = prepared(worker, tmp_path / "a.webp", tmp_path / "out").convert("RGBA")
    assert result.size == (96, 64)
    assert result.getpixel((45, 30)) == pytest.approx((230, 30, 20, 255), abs=8)
    assert result.getpixel((2, 2))[3] == (255 if mode == "RGB" else 0)


@pytest.mark.parametrize("name", ["animated.webp", "animated.gif"])
def test_the_first_frame_of_our_animations_is_there(worker: WorkerProcess, tmp_path: Path, name: str) -> None:
    result = np.asarray(prepared(worker, CASES / name, tmp_path).convert("RGBA"), np.float32)
    with Image.open(CASES / name) as image:
        expected = np.asarray(image.convert("RGBA"), np.float32)
    shown = expected[..., 3] > 0
    assert np.abs(result - expected)[shown].mean() < 2.0


def test_a_format_that_this_blender_cannot_read_is_named_with_advice(worker: WorkerProcess, tmp_path: Path) -> None:
    if bpy.app.version >= (5, 1):
        assert prepared(worker, CASES / "photo.avif", tmp_path).size == (320, 240)
        return
    with pytest.raises(ImageError, match="AVIF") as raised:
        prepared(worker, CASES / "photo.avif", tmp_path)
    assert "PNG or JPEG" in str(raised.value)


def transparent(alpha: int, box: tuple[int, int, int, int], size: tuple[int, int] = (96, 64)) -> Image.Image:
    image = Image.new("RGBA", size, (200, 40, 30, 0))
    image.paste((200, 40, 30, alpha), box)
    return image


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(transparent(0, (0, 0, 96, 64)), id="fully transparent"),
        pytest.param(transparent(20, (10, 10, 80, 50)), id="very faint"),
        pytest.param(transparent(190, (10, 10, 80, 50)), id="too faint for the service"),
        pytest.param(transparent(255, (10, 10, 12, 50)), id="two pixels wide"),
        pytest.param(transparent(255, (10, 10, 11, 11)), id="one visible pixel"),
        pytest.param(Image.new("RGBA", (1, 1), (9, 9, 9, 255)), id="1 x 1"),
        pytest.param(Image.new("RGB", (400, 3), (9, 9, 9)), id="3 pixels high"),
    ],
)
def test_an_image_in_which_nothing_can_be_seen_is_refused(
    worker: WorkerProcess, tmp_path: Path, image: Image.Image
) -> None:
    image.save(tmp_path / "a.png")
    with pytest.raises(ImageError):
        checked(worker, tmp_path / "a.png")
    with pytest.raises(ImageError):
        prepared(worker, tmp_path / "a.png", tmp_path / "out")


def test_our_faint_image_is_refused(worker: WorkerProcess) -> None:
    with pytest.raises(ImageError, match="opaque"):
        checked(worker, CASES / "faint.png")


def test_a_transparent_image_with_a_subject_is_accepted(worker: WorkerProcess, tmp_path: Path) -> None:
    transparent(255, (10, 10, 40, 40)).save(tmp_path / "a.png")
    assert checked(worker, tmp_path / "a.png") == {}


def profile(name: str) -> bytes:
    """Display P3 as our photo has it, or sRGB as littleCMS writes it."""
    if name == "sRGB":
        return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    with Image.open(CASES / "p3_turned.jpg") as image:
        return bytes(image.info["icc_profile"])


@pytest.mark.parametrize("kind", ["turned.jpg", "a.webp", "a.tif"])
@pytest.mark.parametrize("name", ["P3", "sRGB"])
def test_colors_are_converted_from_the_files_profile_to_srgb(
    worker: WorkerProcess, tmp_path: Path, kind: str, name: str
) -> None:
    colors = [(230, 40, 30), (30, 200, 60), (40, 60, 220), (128, 128, 128)]
    image = Image.new("RGB", (160, 40))
    for index, color in enumerate(colors):
        image.paste(color, (40 * index, 0, 40 * index + 40, 40))
    exif = Image.Exif()
    exif[274] = 3 if kind == "turned.jpg" else 1
    lossless = {"quality": 100} if kind != "a.webp" else {"lossless": True}
    image.save(tmp_path / kind, icc_profile=profile(name), exif=exif, **lossless)
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile(name)))
    expected = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), renderingIntent=1)
    if kind == "turned.jpg":
        expected = expected.rotate(180)
    result = prepared(worker, tmp_path / kind, tmp_path / "out").convert("RGB")
    for x in (20, 60, 100, 140):
        assert result.getpixel((x, 20)) == pytest.approx(expected.getpixel((x, 20)), abs=4)


def test_our_turned_photo_keeps_its_colors(worker: WorkerProcess, tmp_path: Path) -> None:
    result = prepared(worker, CASES / "p3_turned.jpg", tmp_path).convert("RGB")
    with Image.open(CASES / "p3_turned.jpg") as image:
        source = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        expected = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), renderingIntent=1)
    expected = expected.rotate(-90, expand=True)
    assert result.size == expected.size
    assert np.abs(np.asarray(result, np.float32) - np.asarray(expected, np.float32)).mean() < 3.0
