# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender from the Microsoft Store: how it is started, and where its files are for other programs."""

from __future__ import annotations

import sys
from pathlib import Path

import package_stub  # noqa: F401  makes `image_to_3d` importable
import pytest
from image_to_3d import store_build
from image_to_3d.worker.child_process import Launch
from systems import needs_posix

BINARY = r"C:\Program Files\WindowsApps\BlenderFoundation.Blender_4.5.15.0_x64__ppwjx1n5r4v9t\Blender\blender.exe"
LOCAL = r"C:\Users\Ada\AppData\Local"
ENVIRONMENT = {"LOCALAPPDATA": LOCAL, "APPDATA": r"C:\Users\Ada\AppData\Roaming"}
CACHE = LOCAL + r"\Packages\BlenderFoundation.Blender_ppwjx1n5r4v9t\LocalCache"


@pytest.mark.parametrize(
    ("path", "real"),
    [
        (LOCAL + r"\image-to-3d\results\a", CACHE + r"\Local\image-to-3d\results\a"),
        (ENVIRONMENT["APPDATA"] + r"\Blender Foundation", CACHE + r"\Roaming\Blender Foundation"),
        (r"c:\users\ada\appdata\local\x", CACHE + r"\Local\x"),
        (CACHE + r"\Local\x", CACHE + r"\Local\x"),
        (r"D:\Models\a", r"D:\Models\a"),
        (r"C:\Users\Ada\Documents\a", r"C:\Users\Ada\Documents\a"),
    ],
)
def test_files_below_appdata_are_in_the_folder_of_the_store_s_package(path: str, real: str) -> None:
    assert store_build.redirected(path, BINARY, ENVIRONMENT) == real


@pytest.mark.parametrize(
    "binary", ["", r"C:\Program Files\Blender Foundation\Blender 4.5\blender.exe", "/usr/bin/blender"]
)
def test_nothing_changes_for_another_blender(binary: str) -> None:
    path = LOCAL + r"\image-to-3d"
    assert store_build.redirected(path, binary, ENVIRONMENT) == path
    assert store_build.execution_alias(binary, ENVIRONMENT) == ""
    assert Launch.for_blender(binary).alias == ""


def test_the_store_s_blender_is_started_by_its_execution_alias() -> None:
    assert store_build.execution_alias(BINARY, ENVIRONMENT) == LOCAL + r"\Microsoft\WindowsApps\blender.exe"
    assert store_build.execution_alias(BINARY, {}) == ""


@needs_posix
def test_the_alias_is_used_if_the_program_itself_may_not_be_executed(tmp_path: Path) -> None:
    refused = tmp_path / "blender"
    refused.write_bytes(b"")
    refused.chmod(0o600)
    process = Launch((str(refused), "-c"), alias=sys.executable).start(["raise SystemExit(7)"])
    assert process.wait(30) == 7
    with pytest.raises(PermissionError):
        Launch((str(refused), "-c")).start([])
