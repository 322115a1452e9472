# SPDX-License-Identifier: GPL-3.0-or-later
"""An image that can't be decoded completely is refused: it would be paid for. A complete one is really there."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import bpy
import numpy as np
import pytest
from image_files import CASES, FILES, HEIGHT, WIDTH, animated, picture, png, saved, with_alpha
from image_to_3d.errors import ImageError
from image_to_3d.formats.image_info import uploadable_unchanged
from image_to_3d.worker.worker_process import WorkerProcess
from PIL import Image

LIMIT = 3_700_000
READS_AVIF = bpy.app.version >= (5, 1)


def prepared(worker: WorkerProcess, tmp_path: Path, name: str, content: bytes) -> Image.Image:
    """What would be uploaded of an image, by the same way as in a job. Raises ImageError."""
    source = tmp_path / name
    source.write_bytes(content)
    info = uploadable_unchanged(source, LIMIT)
    if info is not None and not info.alpha:
        uploaded = source
    else:
        request = {"do": "image", "source": str(source), "folder": str(tmp_path), "limit": LIMIT}
        uploaded = tmp_path / worker.run(request | {"unchanged": info is not None})["file"]
    with Image.open(uploaded) as image:
        return image.convert("RGBA")


def assert_shows(image: Image.Image, expected: Image.Image, tolerance: float) -> None:
    """The visible pixels have these colors, and alpha is the same."""
    assert image.size == expected.size
    found, wanted = np.asarray(image, np.float32), np.asarray(expected.convert("RGBA"), np.float32)
    assert np.abs(found[..., 3] - wanted[..., 3]).max() <= 2
    assert np.abs(found - wanted)[wanted[..., 3] > 0].mean() < tolerance


@pytest.mark.parametrize("name", FILES)
def test_a_complete_image_is_really_there(worker: WorkerProcess, tmp_path: Path, name: str) -> None:
    image = prepared(worker, tmp_path, name, FILES[name]())
    if name == "a.hdr" or name.endswith(".exr"):
        assert image.size == (WIDTH, HEIGHT)  # linear; their colors are tested elsewhere
        shades = np.asarray(image)[..., 0].mean(axis=0)
        assert shades[0] < 20
        assert shades[-1] > 235
    elif name == "animated_lossy.webp":
        assert_shows(image, Image.fromarray(with_alpha()), 8)  # the first frame covers only a part of the canvas
    else:
        with Image.open(tmp_path / name) as expected:
            assert_shows(image, expected, 8)


@pytest.mark.parametrize("share", [0.9995, 0.99, 0.9, 0.6, 0.2])
@pytest.mark.parametrize("name", FILES)
def test_a_truncated_image_is_refused(worker: WorkerProcess, tmp_path: Path, name: str, share: float) -> None:
    content = FILES[name]()
    length = min(int(len(content) * share), len(content) - 20)  # of a PNG, the last 12 bytes are not needed
    with pytest.raises(ImageError):
        prepared(worker, tmp_path, name, content[:length])
    assert not list(tmp_path.glob("upload.*"))


@pytest.mark.parametrize("name", ["lossy.webp", "lossless.webp", "lossy_alpha.webp"])
def test_a_truncated_webp_whose_lengths_agree_is_refused(worker: WorkerProcess, tmp_path: Path, name: str) -> None:
    content = bytearray(FILES[name]()[:-600])
    content += b"\0" * (len(content) % 2)
    content[4:8] = struct.pack("<I", len(content) - 8)
    last = max(content.rfind(kind) for kind in (b"VP8 ", b"VP8L"))
    content[last + 4 : last + 8] = struct.pack("<I", len(content) - last - 8)
    with pytest.raises(ImageError):
        prepared(worker, tmp_path, name, bytes(content))


@pytest.mark.parametrize("name", ["baseline.jpg", "restarts.jpg", "progressive.jpg"])
def test_a_jpeg_without_its_end_marker_is_read_if_nothing_is_missing(
    worker: WorkerProcess, tmp_path: Path, name: str
) -> None:
    content = FILES[name]()
    image = prepared(worker, tmp_path, name, content.removesuffix(b"\xff\xd9"))
    (tmp_path / name).write_bytes(content)
    with Image.open(tmp_path / name) as expected:
        assert_shows(image, expected, 2)


@pytest.mark.parametrize("name", ["baseline.jpg", "restarts.jpg", "progressive.jpg", "rgb.png"])
@pytest.mark.parametrize("garbage", [b"\0" * 100_000, b"SEFH\xff\xd8\xff\xe1\xff\xff" * 9])
def test_data_behind_the_image_is_not_part_of_it(tmp_path: Path, name: str, garbage: bytes) -> None:
    (tmp_path / name).write_bytes(FILES[name]() + garbage)
    assert uploadable_unchanged(tmp_path / name, LIMIT) is not None


@pytest.mark.parametrize("name", ["baseline.jpg", "progressive.jpg"])
def test_a_jpeg_filled_up_to_its_size_is_refused(worker: WorkerProcess, tmp_path: Path, name: str) -> None:
    """As a download that reserves the space first and then breaks."""
    content = FILES[name]()
    half = len(content) // 2
    with pytest.raises(ImageError):
        prepared(worker, tmp_path, name, content[:half] + bytes(len(content) - half))


def test_a_progressive_jpeg_without_its_last_scans_is_refused(worker: WorkerProcess, tmp_path: Path) -> None:
    content = FILES["progressive.jpg"]()
    last_scan = content.rfind(b"\xff\xda")
    for end in (b"", b"\xff\xd9"):
        with pytest.raises(ImageError, match="ends too early"):
            prepared(worker, tmp_path, "a.jpg", content[:last_scan] + end)


def test_a_large_jpeg_that_lacks_data_is_found_when_its_thumbnail_is_made(
    worker: WorkerProcess, tmp_path: Path
) -> None:
    """Its end marker is there, so only decoding tells."""
    content = saved(np.tile(picture(), (10, 10, 1)), "JPEG")
    (tmp_path / "a.jpg").write_bytes(content[: len(content) // 2] + b"\xff\xd9")
    request = {"do": "thumbnail", "source": str(tmp_path / "a.jpg"), "target": str(tmp_path / "t.png"), "longest": 512}
    with pytest.raises(ImageError, match="a part of it is missing"):
        worker.run(request)


@pytest.mark.parametrize("interlaced", [False, True])
def test_a_png_with_too_little_data_is_refused(tmp_path: Path, interlaced: bool) -> None:
    lines = zlib.compress(bytes(HEIGHT * (3 * WIDTH + 1) - 50))
    (tmp_path / "a.png").write_bytes(png(picture(), interlaced=interlaced, data=lines))
    with pytest.raises(ImageError, match="ends too early"):
        uploadable_unchanged(tmp_path / "a.png", LIMIT)


def test_a_png_with_changed_data_is_refused(tmp_path: Path) -> None:
    content = bytearray(FILES["rgb.png"]())
    content[len(content) // 2] ^= 1
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageError, match="checksum"):
        uploadable_unchanged(tmp_path / "a.png", LIMIT)


def test_a_png_without_its_end_is_converted_or_refused(worker: WorkerProcess, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(picture(), end=False))
    assert uploadable_unchanged(tmp_path / "a.png", LIMIT) is None


# --- animated images, and formats that not every Blender reads ---------------------------------------------------


@pytest.mark.parametrize("name", ["animated.webp", "animated.gif"])
def test_an_animated_image_gives_its_first_frame(worker: WorkerProcess, tmp_path: Path, name: str) -> None:
    image = prepared(worker, tmp_path, name, (CASES / name).read_bytes())
    with Image.open(CASES / name) as expected:
        assert_shows(image, expected, 2)


@pytest.mark.parametrize("kind", ["WEBP", "GIF"])
def test_an_animated_image_with_transparency_gives_its_first_frame(
    worker: WorkerProcess, tmp_path: Path, kind: str
) -> None:
    image = prepared(worker, tmp_path, f"a.{kind.lower()}", animated(kind))
    with Image.open(tmp_path / f"a.{kind.lower()}") as expected:
        assert_shows(image, expected, 4)


@pytest.mark.parametrize(
    ("size", "reason"), [((20_000, 20_000), "too large"), ((1000, 1000), "ends too early"), ((0, 0), "no size")]
)
def test_a_gif_that_claims_too_much_is_refused(
    worker: WorkerProcess, tmp_path: Path, size: tuple[int, int], reason: str
) -> None:
    content = bytearray(FILES["plain.gif"]())
    content[6:10] = struct.pack("<HH", *size)
    frame = content.index(b",\0\0\0\0" + struct.pack("<HH", WIDTH, HEIGHT))
    content[frame + 5 : frame + 9] = struct.pack("<HH", *size)
    with pytest.raises(ImageError, match=reason):
        prepared(worker, tmp_path, "a.gif", bytes(content))


def test_avif_is_read_where_blender_can_and_named_where_not(worker: WorkerProcess, tmp_path: Path) -> None:
    content = (CASES / "photo.avif").read_bytes()
    if not READS_AVIF:
        with pytest.raises(ImageError, match=r"can't read AVIF images.*PNG or JPEG"):
            prepared(worker, tmp_path, "a.avif", content)
        return
    with Image.open(CASES / "photo.avif") as expected:
        assert_shows(prepared(worker, tmp_path, "a.avif", content), expected, 3)
    with pytest.raises(ImageError):
        prepared(worker, tmp_path, "a.avif", content[: len(content) * 9 // 10])


def test_heic_is_named(worker: WorkerProcess, tmp_path: Path) -> None:
    heic = struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"heic", 0, b"mif1", b"heic") + struct.pack(">I4s", 99, b"mdat")
    with pytest.raises(ImageError, match=r"can't read HEIC images.*PNG or JPEG"):
        prepared(worker, tmp_path, "photo.heic", heic + bytes(91))


def test_the_case_of_a_truncated_jpeg_is_refused(worker: WorkerProcess, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="damaged"):
        prepared(worker, tmp_path, "cut.jpg", (CASES / "cut.jpg").read_bytes())
