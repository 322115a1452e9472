# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that are written in a thread are complete before they are read, and leave nothing behind."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from image_to_3d.errors import ImageError
from image_to_3d.formats.pixel_dump import SUFFIX
from image_to_3d.jobs import spool
from image_to_3d.jobs.job import TargetScene
from image_to_3d.jobs.request import JobRequest, create_job, store_input
from systems import needs_posix


def slow(parts: list[bytes], gate: threading.Event) -> Iterator[bytes]:
    gate.wait(10)
    yield from parts


def test_a_job_gets_the_complete_image_though_it_was_still_being_written(tmp_path: Path) -> None:
    gate = threading.Event()
    path = spool.add(tmp_path / "spool", "Chair", ".png", b"head", lambda: slow([b"-body", b"-end"], gate), 100)
    request = JobRequest(path, target_scene=TargetScene())
    job = create_job(request, tmp_path / "results", "CUSTOM", "")
    threading.Timer(0.2, gate.set).start()
    stored = store_input(job, request)
    assert (stored.folder / stored.image.file).read_bytes() == b"head-body-end"
    assert stored.name == "Chair"
    spool.discard(path)
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_failed_write_is_reported_where_the_image_is_read(tmp_path: Path) -> None:
    def fails() -> Iterator[bytes]:
        yield b"x"
        raise OSError(28, "No space left on device")

    path = spool.add(tmp_path / "spool", "Chair", SUFFIX, b"head", fails, 100)
    with pytest.raises(ImageError, match=r"can't be stored: .*No space left"):
        spool.wait(path)


def test_no_more_than_the_limit_waits_in_memory(tmp_path: Path) -> None:
    gate = threading.Event()
    half = spool.MAX_PENDING // 2
    for _ in range(2):
        spool.add(tmp_path / "spool", "Chair", SUFFIX, b"head", lambda: slow([b"x"], gate), half)
    threading.Timer(0.3, gate.set).start()
    started = time.monotonic()
    spool.add(tmp_path / "spool", "Chair", SUFFIX, b"head", lambda: slow([b"x"], gate), half)
    assert time.monotonic() - started > 0.2


def test_only_spooled_files_are_discarded(tmp_path: Path) -> None:
    own = tmp_path / "photos" / "holiday" / f"mine{SUFFIX}"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"x")
    spool.discard(own)
    assert own.exists()


def test_what_nobody_fetched_is_deleted_after_a_while(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    for name, age in (("old", 31), ("new", 29)):
        (folder / name).mkdir(parents=True)
        (folder / name / "image.png").write_bytes(b"x")
        os.utime(folder / name, (time.time() - age * 86400,) * 2)
    spool.clean_up(folder)
    assert [path.name for path in folder.iterdir()] == ["new"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\\b:c*?", "", "   ", "ä" * 500, "con\n", "NUL", "…"])
def test_a_file_is_named_after_the_image_and_stays_in_its_folder(tmp_path: Path, name: str) -> None:
    path = spool.add(tmp_path / "spool", name, ".png", b"head", lambda: iter(()), 0)
    spool.wait(path)
    assert path.is_file()
    assert path.parent.parent == tmp_path / "spool"


@needs_posix
def test_nobody_else_can_look_into_the_folder(tmp_path: Path) -> None:
    path = spool.add(tmp_path / "spool", "Chair", ".png", b"head", lambda: iter(()), 0)
    for folder in (path.parent, path.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
