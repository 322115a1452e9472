# SPDX-License-Identifier: GPL-3.0-or-later
"""The contents of the extension's zip."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import package_stub
import pytest

ROOT = package_stub.ROOT


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The files in the zip."""
    output = tmp_path_factory.mktemp("built")
    command = [sys.executable, str(ROOT / "tools" / "build.py"), "--output", str(output)]
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(done.stdout.strip().splitlines()[-1]) as archive:
        return set(archive.namelist())


def test_the_zip_has_every_module_of_the_extension(names: set[str]) -> None:
    packages = [folder for folder in ROOT.iterdir() if (folder / "__init__.py").exists() and folder.name[0] != "."]
    modules = [*ROOT.glob("*.py"), *(module for package in packages for module in package.rglob("*.py"))]
    assert {str(module.relative_to(ROOT)) for module in modules} <= names
    assert {"blender_manifest.toml", "LICENSE", "__init__.py"} <= names


def test_the_zip_has_nothing_but_modules_manifest_and_license(names: set[str]) -> None:
    modules = {name for name in names if name.endswith(".py")}
    assert {name for name in names if not name.endswith("/")} - modules == {"blender_manifest.toml", "LICENSE"}
    for_developers = {"tests", "tools", "benchmarks", "docs", "samples", "demo", "build"}
    assert {Path(name).parts[0] for name in names} & for_developers == set()


def test_the_manifest_follows_the_extension_platform_s_rules() -> None:
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
    assert "blender" not in manifest["name"].lower()
    assert set(manifest["permissions"]) == {"network", "files"}
    for text in (manifest["tagline"], *manifest["permissions"].values()):
        assert len(text) <= 64
        assert text[-1] not in ".!?"
