# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of Blender itself, with the installed extension: what reaches a shell."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from window import ROOT, TOOLS


def command_line(
    suite: str, user: Path, folder: Path, *arguments: object, seconds: int = 100
) -> tuple[int, list[dict[str, Any]], str]:
    """Run the command in the chroot. Returns the exit code, the JSON lines, and stderr. SIGTERM after `seconds`."""
    run = [TOOLS / "run", suite, "-H", "-n", "-t", seconds, "-u", user, "-b", folder, "-e", "LANG=de_DE.UTF-8"]
    done = subprocess.run(
        [*map(str, run), "--", "--command", "image_to_3d", *map(str, arguments)],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=seconds + 60, check=False,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return done.returncode, [json.loads(line) for line in lines], done.stderr


def shots(folder: Path, count: int) -> Path:
    images = folder / "shots"
    images.mkdir()
    for number in range(count):
        shutil.copy(ROOT / "samples" / "chair.png", images / f"chair {number}.png")
    return images


def test_blender_makes_models_without_a_window_and_reports_failures(
    suite: str, installed: Path, tmp_path: Path
) -> None:
    images, out = shots(tmp_path, 2), tmp_path / "out"
    options = ("--service", "offline", "--resolution", "64", "--mesh-simplify", "0.95", "--output-dir", out)
    code, lines, err = command_line(suite, installed, tmp_path, images, *options)
    assert code == 0, err
    assert sorted(Path(line["model"]).name for line in lines) == ["chair 0.glb", "chair 1.glb"]
    assert all(Path(line["model"]).is_file() and line["triangles"] > 100 for line in lines)
    code, lines, err = command_line(suite, installed, tmp_path, images, tmp_path / "missing.png", "--resume", *options)
    assert (code, [line["skipped"] for line in lines]) == (1, [True, True, False])


@pytest.mark.newest
def test_a_wrong_option_and_missing_online_access_start_nothing(suite: str, installed: Path, tmp_path: Path) -> None:
    images = shots(tmp_path, 1)
    code, lines, err = command_line(suite, installed, tmp_path, images, "--resolution", "0")
    assert (code, lines) == (2, [])
    assert "resolution is 0" in err
    code, lines, err = command_line(suite, installed, tmp_path, images)
    assert (code, lines) == (2, [])
    assert "--online-mode" in err


@pytest.mark.newest
def test_a_run_that_is_terminated_says_what_is_left_and_continues(suite: str, installed: Path, tmp_path: Path) -> None:
    images, out = shots(tmp_path, 16), tmp_path / "out"
    options = ("--service", "offline", "--resolution", "64", "--jobs", "1", "--output-dir", out)
    _, lines, err = command_line(suite, installed, tmp_path, images, *options, seconds=12)
    assert len(lines) == 16, err
    left = [line["image"] for line in lines if line["state"] == "unfinished"]
    assert left
    assert f"{len(left)} image" in err
    code, lines, err = command_line(suite, installed, tmp_path, images, *options, "--resume", seconds=200)
    assert code == 0, err
    continued = [line["image"] for line in lines if not line["skipped"]]
    assert set(continued) <= set(left)
    assert len(continued) >= len(left) - 1  # the job that ran may have been done while the run was being ended
    assert [line["state"] for line in lines] == ["done"] * 16
