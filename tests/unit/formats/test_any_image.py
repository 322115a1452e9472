# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever an image file holds, looking at its structure ends with a result or with an error for the artist."""

from __future__ import annotations

from pathlib import Path
from random import Random

import image_files
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from image_files import CASES, FILES
from image_to_3d.errors import ImageError
from image_to_3d.formats.animation import first_gif_frame, first_webp_frame
from image_to_3d.formats.embedded_profile import embedded_profile
from image_to_3d.formats.image_complete import is_complete
from image_to_3d.formats.image_info import read_image_info, upload_type, uploadable_unchanged
from image_to_3d.formats.sniff import FormatError, sniff
from image_to_3d.imaging.color_profile import convert_to_srgb

CONTENTS = {name: make() for name, make in FILES.items()} | {
    f"case {path.name}": path.read_bytes() for path in sorted(CASES.iterdir())
}
PIXEL = np.full((1, 1, 4), 0.5, np.float32)


def look_at(path: Path, data: bytes) -> None:
    """Everything that is read of an image before and beside decoding it."""
    path.write_bytes(data)
    for look in (read_image_info, is_complete, lambda path: uploadable_unchanged(path, 1 << 20)):
        try:
            look(path)
        except ImageError:
            continue
    assert convert_to_srgb(PIXEL, embedded_profile(path)).shape == PIXEL.shape
    for frame_of, format in ((first_gif_frame, "gif"), (first_webp_frame, "webp")):
        if sniff(data[:512]) == format and len(data) >= 30:
            try:
                frame_of(data)
            except FormatError:
                continue


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**64))
def test_mangled_images_end_with_a_result_or_an_image_error(seed: int, tmp_path: Path) -> None:
    chance = Random(seed)
    for _ in range(10):
        data = bytearray(chance.choice(list(CONTENTS.values())))
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(chance.choice((64, 600, len(data))))
            size = chance.choice((1, 1, 2, 4))
            data[place : place + size] = chance.choice((b"\0", b"\xff", b"\x7f", chance.randbytes(1))) * size
        end = chance.choice((len(data), len(data), chance.randrange(len(data))))
        look_at(tmp_path / "image", bytes(data[:end]))


@pytest.mark.parametrize("name", CONTENTS)
def test_every_truncation_of_the_header_is_survived(name: str, tmp_path: Path) -> None:
    for length in range(0, min(len(CONTENTS[name]), 400), 7):
        look_at(tmp_path / "image", CONTENTS[name][:length])


@pytest.mark.parametrize("name", [*FILES, "case photo.avif"])
def test_the_size_is_known_without_decoding(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(CONTENTS[name])
    info = read_image_info(tmp_path / name)
    assert info is not None
    expected = (320, 240) if name == "case photo.avif" else (image_files.WIDTH, image_files.HEIGHT)
    assert (info.width, info.height) == expected


def test_the_type_of_an_upload_is_told_by_its_content() -> None:
    assert upload_type(CONTENTS["rgb.png"]) == "image/png"
    assert upload_type(CONTENTS["baseline.jpg"]) == "image/jpeg"
    for other in (CONTENTS["lossy.webp"], b"", b"<html>"):
        with pytest.raises(ImageError):
            upload_type(other)
