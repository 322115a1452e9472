# SPDX-License-Identifier: GPL-3.0-or-later
"""`make dev` links the checkout into a developer's Blender, and touches nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import package_stub

ROOT = package_stub.ROOT
EXTENSION = Path("extensions", "user_default", "image_to_3d")


def dev(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tools" / "dev.py"), *map(str, arguments)]
    return subprocess.run(command, text=True, capture_output=True, check=False)


def test_the_checkout_is_linked_and_the_link_can_be_removed(tmp_path: Path) -> None:
    for _ in range(2):  # a second time changes nothing
        assert dev("--folder", tmp_path).returncode == 0
    assert (tmp_path / EXTENSION / "blender_manifest.toml").samefile(ROOT / "blender_manifest.toml")
    assert [path.name for path in (tmp_path / "scripts" / "startup").iterdir()] == ["reload_image_to_3d.py"]
    assert dev("--folder", tmp_path, "--remove").returncode == 0
    assert not [path for path in tmp_path.rglob("*") if not path.is_dir()]
    assert (ROOT / "blender_manifest.toml").is_file()


def test_an_installed_copy_is_neither_replaced_nor_removed(tmp_path: Path) -> None:
    copy = tmp_path / EXTENSION / "blender_manifest.toml"
    copy.parent.mkdir(parents=True)
    copy.write_text("the artist's own")
    refused = dev("--folder", tmp_path)
    assert refused.returncode != 0
    assert "exists already" in refused.stderr
    assert dev("--folder", tmp_path, "--remove").returncode == 0
    assert copy.read_text() == "the artist's own"
