# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent is what the artist sees: what Blender dumped, and unusual files, compared by pixel.

Orientation, CMYK and 16-bit files are in test_images.py, color profiles in test_color_profiles.py.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_files import exr
from image_to_3d.errors import ImageError
from image_to_3d.formats.pixel_dump import BYTES, EXR, FLOATS, DumpHeader, header_bytes
from image_to_3d.worker.worker_process import WorkerProcess
from PIL import Image

LIMIT = 3_700_000
HEIGHT, WIDTH = 48, 64
CORNERS = ((220, 40, 40), (40, 200, 60), (50, 70, 220), (230, 220, 60))
"""Of the upright image: upper left, upper right, lower left, lower right."""


def quarters(height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Returns an RGB image, top row first, of four colors."""
    pixels = np.empty((height, width, 3), np.uint8)
    for index, color in enumerate(CORNERS):
        rows = slice(0, height // 2) if index < 2 else slice(height // 2, None)
        pixels[rows, slice(0, width // 2) if index % 2 == 0 else slice(width // 2, None)] = color
    return pixels


def sent(worker: WorkerProcess, source: Path) -> np.ndarray:
    """Returns the image that would be uploaded, top row first."""
    folder = source.parent
    reply = worker.run({"do": "image", "source": str(source), "folder": str(folder), "limit": LIMIT})
    return np.asarray(Image.open(folder / reply["file"]).convert("RGBA"))


def assert_corners(image: np.ndarray, tolerance: int = 6) -> None:
    height, width = image.shape[:2]
    for index, color in enumerate(CORNERS):
        row, column = (
            (height // 4 if index < 2 else height * 3 // 4),
            (width // 4 if index % 2 == 0 else width * 3 // 4),
        )
        np.testing.assert_allclose(image[row, column, :3].astype(int), color, atol=tolerance, err_msg=str(index))


def dump(path: Path, pixels: np.ndarray, **header: Any) -> Path:
    """Write pixels (top row first) as the artist's Blender does."""
    height, width, channels = pixels.shape
    content = np.ascontiguousarray(pixels[::-1]).tobytes()
    kind = BYTES if pixels.dtype == np.uint8 else FLOATS
    described = DumpHeader(kind, len(content), width, height, channels, **header)
    path.write_bytes(header_bytes(described) + content)
    return path


def to_linear(srgb: np.ndarray) -> np.ndarray:
    values = srgb / 255.0
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)


@pytest.mark.parametrize("mode", ["P", "1", "L", "LA", "I;16"])
def test_indexed_and_gray_images_keep_their_values(worker: WorkerProcess, tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(quarters())
    if mode == "I;16":
        gray = np.asarray(image.convert("L"))
        Image.fromarray(gray.astype(np.uint16) * 257).save(tmp_path / "image.png")
        expected = np.repeat(gray[..., None], 3, -1)
    else:
        stored = image.quantize(8) if mode == "P" else image.convert(mode)
        stored.save(tmp_path / "image.png")
        expected = np.asarray(stored.convert("RGB"))
    shown = sent(worker, tmp_path / "image.png")[..., :3].astype(int)
    inside = (slice(2, 20), slice(2, 28))
    difference = np.abs(shown[inside] - expected[inside].astype(int))
    assert difference.mean() < (12 if mode == "1" else 4)


@pytest.mark.heavy
def test_a_panorama_is_scaled_down_in_bounded_time_and_memory(worker: WorkerProcess, tmp_path: Path) -> None:
    Image.fromarray(quarters(6000, 12000)).save(tmp_path / "panorama.jpg", quality=90)
    started = time.monotonic()
    shown = sent(worker, tmp_path / "panorama.jpg")
    assert time.monotonic() - started < 60
    assert max(shown.shape) == 2048
    assert_corners(shown)


@pytest.mark.heavy
def test_a_dumped_panorama_is_scaled_down_without_a_copy_of_its_full_size(
    worker: WorkerProcess, tmp_path: Path
) -> None:
    path = dump(tmp_path / "panorama.i3dpx", quarters(6000, 12000))
    shown = sent(worker, path)
    assert max(shown.shape) == 2048
    assert_corners(shown)


def test_dumped_bytes_are_sent_as_they_are(worker: WorkerProcess, tmp_path: Path) -> None:
    assert_corners(sent(worker, dump(tmp_path / "a.i3dpx", quarters())), 4)


def test_dumped_gray_is_sent_as_gray(worker: WorkerProcess, tmp_path: Path) -> None:
    shown = sent(worker, dump(tmp_path / "a.i3dpx", quarters()[..., :1].copy()))
    np.testing.assert_allclose(shown[4, 4, :3].astype(int), CORNERS[0][0], atol=4)


def test_dumped_floats_are_shown_in_the_standard_view(worker: WorkerProcess, tmp_path: Path) -> None:
    linear = np.dstack([to_linear(quarters()), np.ones((HEIGHT, WIDTH), np.float32)])
    assert_corners(sent(worker, dump(tmp_path / "a.i3dpx", linear)), 4)


def test_premultiplied_floats_get_straight_colors(worker: WorkerProcess, tmp_path: Path) -> None:
    alpha = np.full((HEIGHT, WIDTH, 1), 0.5, np.float32)
    alpha[HEIGHT // 2 :] = 1.0
    linear = np.concatenate([to_linear(quarters()) * alpha, alpha], -1)
    shown = sent(worker, dump(tmp_path / "a.i3dpx", linear, premultiplied=True))
    assert_corners(shown, 4)
    assert abs(int(shown[4, 4, 3]) - 128) <= 1


def test_floats_that_are_no_numbers_or_too_bright_do_no_harm(worker: WorkerProcess, tmp_path: Path) -> None:
    linear = np.dstack([to_linear(quarters()), np.ones((HEIGHT, WIDTH), np.float32)])
    linear[0, 0], linear[0, 1], linear[0, 2] = np.nan, np.inf, -np.inf
    assert_corners(sent(worker, dump(tmp_path / "a.i3dpx", linear)), 4)


def test_a_curve_and_an_exposure_of_the_scene_are_applied(worker: WorkerProcess, tmp_path: Path) -> None:
    linear = np.dstack([np.full((HEIGHT, WIDTH, 3), 0.1, np.float32), np.ones((HEIGHT, WIDTH), np.float32)])
    linear[:8] = 0.0
    linear[:8, :, 3] = 1.0
    straight = [[0.0, 0.0, "AUTO"], [1.0, 1.0, "AUTO"]]
    half = [[0.0, 0.0, "VECTOR"], [1.0, 0.5, "VECTOR"]]
    view = {"display_device": "sRGB", "view_transform": "Standard", "exposure": 1.0, "black_level": [0.0, 0.0, 0.0],
            "white_level": [1.0, 1.0, 1.0], "curves": [half, straight, straight, straight]}  # fmt: skip
    shown = sent(worker, dump(tmp_path / "a.i3dpx", linear, view=view))[-4, -4, :3].astype(float)
    expected = [(1.055 * value ** (1 / 2.4) - 0.055) * 255 for value in (0.1, 0.2, 0.2)]
    np.testing.assert_allclose(shown, expected, atol=6)


def test_view_settings_of_another_configuration_are_replaced_by_the_standard_view(
    worker: WorkerProcess, tmp_path: Path
) -> None:
    linear = np.dstack([to_linear(quarters()), np.ones((HEIGHT, WIDTH), np.float32)])
    view = {"display_device": "Cinema 2049", "view_transform": "Studio LUT", "look": "Moody", "exposure": 0.0}
    assert_corners(sent(worker, dump(tmp_path / "a.i3dpx", linear, view=view)), 5)


def test_an_exr_in_a_dump_is_a_render_in_linear_light(worker: WorkerProcess, tmp_path: Path) -> None:
    content = exr(compressed=False)
    path = tmp_path / "render.i3dpx"
    path.write_bytes(header_bytes(DumpHeader(EXR, len(content))) + content)
    (tmp_path / "render.exr").write_bytes(content)
    from_dump = sent(worker, path).astype(int)
    from_file = sent(worker, tmp_path / "render.exr").astype(int)
    np.testing.assert_allclose(from_dump, from_file, atol=3)


@pytest.mark.parametrize("keep", [8, 60, 300, -1])
def test_a_dump_that_is_not_complete_is_refused(worker: WorkerProcess, tmp_path: Path, keep: int) -> None:
    path = dump(tmp_path / "a.i3dpx", quarters())
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ImageError, match="not complete"):
        sent(worker, path)
