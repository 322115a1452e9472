# SPDX-License-Identifier: GPL-3.0-or-later
"""An error of the operating system names its likely cause on that system."""

from __future__ import annotations

import errno
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from image_to_3d.atomic_file import atomic_write, make_as_private, make_private
from image_to_3d.errors import Action, StorageError
from image_to_3d.system_errors import reason_of
from refused_files import refuse_once, refuse_open, refused


def error(number: int, winerror: int | None = None) -> OSError:
    made = OSError(number, os.strerror(number))
    if winerror is not None:
        made.winerror = winerror  # type: ignore[attr-defined]
    return made


@pytest.mark.parametrize(
    ("system", "refusal", "writing", "cause"),
    [
        ("win32", error(errno.EACCES, 32), True, "another program has it open"),
        ("win32", error(errno.EACCES, 5), True, "another program has it open, or .*Controlled folder access"),
        ("win32", error(errno.ENOENT, 2), True, "Controlled folder access"),
        ("win32", error(errno.EINVAL, 362), False, "not on this computer"),
        ("win32", error(errno.EINVAL), False, "not on this computer"),
        ("darwin", error(errno.EPERM), True, "Files and Folders"),
        ("darwin", error(errno.EPERM), False, "Files and Folders"),
        ("darwin", error(errno.EDEADLK), False, "iCloud"),
        ("linux", error(errno.ENOSPC), True, "No space left"),
        ("linux", error(errno.EACCES), True, "Permission denied"),
    ],
)
def test_a_refusal_names_its_likely_cause(system: str, refusal: OSError, writing: bool, cause: str) -> None:
    assert re.search(cause, reason_of(refusal, system, writing=writing))


def test_a_file_that_is_open_elsewhere_is_named_as_that_and_tried_again() -> None:
    storage = StorageError("The file can't be written: {reason}.", cause=refused("model.glb"))
    assert storage.transient
    assert storage.action is Action.RETRY
    assert "another program has it open" in str(storage)
    full = StorageError("The file can't be written: {reason}.", cause=error(errno.ENOSPC))
    assert not full.transient
    assert "Make room" in str(full)


def test_a_file_is_written_although_it_is_held_for_a_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_once(monkeypatch)
    atomic_write(tmp_path / "job.json", b"{}")
    assert (tmp_path / "job.json").read_bytes() == b"{}"


def test_a_file_that_stays_open_elsewhere_is_given_up_after_seconds_and_keeps_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "job.json"
    path.write_bytes(b"old")
    refuse_open(monkeypatch, path)
    start = time.monotonic()
    with pytest.raises(PermissionError):
        atomic_write(path, b"new")
    assert 1 < time.monotonic() - start < 10
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_whoever_writes_a_file_at_the_same_time_writes_a_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    contents = [bytes([number]) * 100_000 for number in range(8)]

    def write(content: bytes) -> None:
        for _ in range(10):
            atomic_write(path, content)
            assert path.read_bytes() in contents

    with ThreadPoolExecutor(len(contents)) as pool:
        list(pool.map(write, contents))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_our_folders_are_private_and_those_in_an_artists_folder_are_as_it_is(tmp_path: Path) -> None:
    ours, shared = tmp_path / "data", tmp_path / "shared"
    ours.mkdir(mode=0o755)
    shared.mkdir(mode=0o755)
    make_private(ours)
    make_private(ours / "owners")
    make_as_private(ours / "results" / "job")
    make_as_private(shared / "job")
    modes = [
        folder.stat().st_mode & 0o777
        for folder in (ours, ours / "owners", ours / "results" / "job", shared, shared / "job")
    ]
    assert modes == [0o700, 0o700, 0o700, 0o755, 0o755]
