# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a file holds, checking it accepts it or calls it damaged, in little memory and time."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path
from random import Random
from typing import Final

import model_files
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from image_to_3d.errors import ResultDamagedError
from image_to_3d.formats.check import check_file, wrong_start
from image_to_3d.formats.sniff import sniff
from mangled_files import mangled
from model_files import WHOLE

FORMATS: Final = ("glb", "stl", "obj", "ply", "mtl", "png", "jpg", "webp", "video")
MEGABYTE: Final = 1024 * 1024

thorough = settings(
    deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def is_whole(path: Path, data: bytes, format: str) -> bool:
    path.write_bytes(data)
    try:
        check_file(path, format)
    except ResultDamagedError:
        return False
    return True


def assert_all_checked(folder: Path, seed: int, count: int) -> None:
    chance = Random(seed)
    for _ in range(count):
        name = chance.choice(list(WHOLE))
        is_whole(folder / "file", mangled(chance, WHOLE[name]), name.split()[0])


@settings(thorough, max_examples=100)
@given(seed=st.integers(0, 2**64))
def test_thousands_of_mangled_files_are_accepted_or_called_damaged(seed: int, tmp_path: Path) -> None:
    assert_all_checked(tmp_path, seed, 40)


@pytest.mark.long
@settings(thorough, max_examples=2_000)
@given(seed=st.integers(0, 2**64))
def test_very_many_mangled_files_are_accepted_or_called_damaged(seed: int, tmp_path: Path) -> None:
    assert_all_checked(tmp_path, seed, 40)


@settings(thorough, max_examples=300)
@given(data=st.binary(max_size=200), start=st.sampled_from([*(w[:40] for w in WHOLE.values()), b""]))
def test_any_bytes_are_accepted_or_called_damaged_as_any_format(data: bytes, start: bytes, tmp_path: Path) -> None:
    sniff(start + data)
    for format in FORMATS:
        wrong_start(start + data, format)
        is_whole(tmp_path / "file", start + data, format)


@pytest.mark.parametrize("name", ["glb", "stl", "ply", "ply with quads", "ply as text", "obj"])
def test_whole_files_of_any_size_are_accepted(name: str, tmp_path: Path) -> None:
    made = {
        "glb": model_files.glb,
        "stl": model_files.stl,
        "obj": model_files.obj,
        "ply": model_files.ply,
        "ply with quads": lambda n: model_files.ply(n, corners=4),
        "ply as text": model_files.ply_text,
    }[name]
    for size in (1, 2, 10, 999, 70_000):
        assert is_whole(tmp_path / "file", made(max(size, 3)), name.split()[0])


LIARS = {
    "glb with a huge description": (
        "glb",
        struct.pack("<4sIII4s", b"glTF", 2, 30 * MEGABYTE, 30 * MEGABYTE - 20, b"JSON"),
    ),
    "glb of brackets": (
        "glb",
        struct.pack("<4sIII4s", b"glTF", 2, 30 * MEGABYTE, 30 * MEGABYTE - 20, b"JSON") + b"[" * 999,
    ),
    "ply of endless header": ("ply", b"ply\nformat ascii 1.0\n" + b"comment x\n" * 10),
    "ply of one line": ("ply", model_files.ply_text().replace(b"0.0 ", b"0.0" * 9)),
    "ply of lists": ("ply", model_files.ply(4, corners=4).replace(b"face 4", b"face 4900000")),
    "obj of one line": ("obj", b"v 0 0 0"),
    "stl of text": ("stl", b"solid x\nfacet normal 0 0 1\n"),
    "mtl": ("mtl", b"newmtl x\n"),
    "png of chunks": ("png", b"\x89PNG\r\n\x1a\n"),
    "mp4 of boxes": ("video", struct.pack(">I4s", 8, b"ftyp") + struct.pack(">I4s", 8, b"free") * 20_000),
}


@pytest.mark.parametrize("name", LIARS)
def test_a_large_file_that_is_none_takes_little_memory(name: str, tmp_path: Path) -> None:
    format, start = LIARS[name]
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.write(start)
        filling = b"\0" if format in ("glb", "png", "video") else b" "
        if name == "ply of lists":
            filling = b"\x03" + b"\0" * 16
        for _ in range(30):
            file.write(filling * (MEGABYTE // len(filling)))
        file.truncate(30 * MEGABYTE)
    tracemalloc.start()
    try:
        with pytest.raises(ResultDamagedError):
            check_file(path, format)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 16 * MEGABYTE
