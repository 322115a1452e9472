# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation says what the code does."""

from __future__ import annotations

import re
import tomllib

import package_stub
from image_to_3d.api import parameters

ROOT = package_stub.ROOT


def test_the_documented_parameters_are_those_that_are_taken() -> None:
    assert parameters.markdown_table().strip() in (ROOT / "docs" / "parameters.md").read_text(encoding="utf-8")


def test_every_make_command_in_the_readme_exists() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)", readme)) <= targets


def test_every_file_that_the_readme_links_to_exists() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", readme) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_changelog_tells_of_the_manifest_s_version() -> None:
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
    assert f"## {manifest['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
