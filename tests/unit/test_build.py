# SPDX-License-Identifier: GPL-3.0-or-later
"""The contents of the extension's zip."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import tomllib
import zipfile
from pathlib import Path

import package_stub
import pytest
from systems import needs_symlinks

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


def test_the_zip_has_nothing_but_modules_translations_manifest_and_license(names: set[str]) -> None:
    modules = {name for name in names if name.endswith(".py")}
    translations = {name for name in names if re.fullmatch(r"translations/\w+\.json", name)}
    assert translations
    others = {name for name in names if not name.endswith("/")} - modules - translations
    assert others == {"blender_manifest.toml", "LICENSE"}
    for_developers = {"tests", "tools", "benchmarks", "docs", "samples", "demo", "build"}
    assert {Path(name).parts[0] for name in names} & for_developers == set()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with a few files of the extension, and files around them that belong to nobody."""
    root = tmp_path / "clone"
    (root / "api").mkdir(parents=True)
    for name in ("blender_manifest.toml", "__init__.py", "LICENSE", ".gitignore", "api/__init__.py", "api/account.py"):
        (root / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    subprocess.run(["git", "add", "."], cwd=root, check=True)
    return root


def run_tool(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tools" / name), *map(str, arguments)]
    return subprocess.run(command, text=True, capture_output=True, check=False)


def build(root: Path, output: Path) -> subprocess.CompletedProcess[str]:
    return run_tool("build.py", "--root", root, "--output", output)


def archive_of(done: subprocess.CompletedProcess[str]) -> Path:
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(done.stdout.strip().splitlines()[-1])


def test_ignored_files_and_notes_beside_the_modules_never_get_in(clone: Path, tmp_path: Path) -> None:
    expected = {"blender_manifest.toml", "__init__.py", "LICENSE", "api/__init__.py", "api/account.py"}
    for name in ("api/secret.pyc", "api/old.zip", "api/key.txt", "notes.txt"):
        (clone / name).write_text("sk-a-secret")
    (clone / "api" / "account.py").write_text("CHANGED = True")
    with zipfile.ZipFile(archive_of(build(clone, tmp_path))) as archive:
        assert set(archive.namelist()) == expected
        assert archive.read("api/account.py") == b"CHANGED = True"  # the working tree's, not the last commit's


def test_a_new_module_that_git_does_not_track_is_named(clone: Path, tmp_path: Path) -> None:
    (clone / "api" / "forgotten.py").write_text("")
    done = build(clone, tmp_path)
    assert done.returncode != 0
    assert "api/forgotten.py" in done.stderr


@needs_symlinks
def test_a_symbolic_link_never_gets_in_even_if_it_is_tracked(clone: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.py"
    secret.write_text("a secret")
    (clone / "api" / "linked.py").symlink_to(secret)
    subprocess.run(["git", "add", "."], cwd=clone, check=True)
    with zipfile.ZipFile(archive_of(build(clone, tmp_path))) as archive:
        assert "api/linked.py" not in archive.namelist()


def test_the_same_files_give_the_same_zip(clone: Path, tmp_path: Path) -> None:
    first = archive_of(build(clone, tmp_path / "first")).read_bytes()
    (clone / "LICENSE").touch()
    assert archive_of(build(clone, tmp_path / "second")).read_bytes() == first


def test_a_release_depends_on_nothing_but_the_commit(clone: Path, tmp_path: Path) -> None:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@localhost")
    subprocess.run(["git", *identity, "commit", "-q", "-m", "A release"], cwd=clone, check=True)
    elsewhere = tmp_path / "elsewhere"
    subprocess.run(["git", "clone", "-q", str(clone), str(elsewhere)], check=True)
    (elsewhere / "__init__.py").write_text("CHANGED = True")
    (elsewhere / "api" / "new.py").write_text("")
    releases = []
    for root in (clone, elsewhere):
        output = tmp_path / f"release of {root.name}"
        output.mkdir()
        (output / "image_to_3d-0.0.1.zip").touch()  # an earlier release
        done = run_tool("dist.py", "--root", root, "--output", output)
        assert done.returncode == 0, done.stdout + done.stderr
        releases.append({path.name: path.read_bytes() for path in output.iterdir()})
        time.sleep(1.1)  # Blender's tool writes times in seconds
    assert releases[0] == releases[1]
    version = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))["version"]
    assert set(releases[0]) == {f"image_to_3d-{version}.zip", "index.json", "index.html"}


def test_the_manifest_follows_the_extension_platform_s_rules() -> None:
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
    assert "blender" not in manifest["name"].lower()
    assert set(manifest["permissions"]) == {"network", "files"}
    for text in (manifest["tagline"], *manifest["permissions"].values()):
        assert len(text) <= 64
        assert text[-1] not in ".!?"
