# SPDX-License-Identifier: GPL-3.0-or-later
"""The template for render farms, run by Open Job Description's own command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from PIL import Image
from scripted_service import ScriptedService, refuses
from systems import needs_posix

from .conftest import KEY, ROOT

BUNDLE = ROOT / "farm" / "image_to_3d"
TEMPLATE = BUNDLE / "template.yaml"
OPENJD = Path(sys.executable).with_name("openjd")

pytestmark = [pytest.mark.heavy, needs_posix, pytest.mark.timeout(400)]


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """A folder with twelve images."""
    folder = tmp_path / "shots"
    folder.mkdir()
    for number in range(1, 13):
        Image.new("RGB", (64, 64), (number * 20, 90, 40)).save(folder / f"shot {number}.png")
        image = Image.open(folder / f"shot {number}.png")
        image.paste((250, 250, 250), (0, 0, 64, 10))
        image.save(folder / f"shot {number}.png")
    return folder


@pytest.fixture
def openjd(user: Path, scripted: ScriptedService, shots: Path, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Runs the template; Blender's module stands in for its executable. Returns the exit code and the output."""
    blender = tmp_path / "blender"
    blender.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{ROOT}/tests/support/command_line.py" "$@"\n')
    blender.chmod(0o755)

    def run(**parameters: object) -> tuple[int, str]:
        given = {
            "InputDir": str(shots),
            "OutputDir": str(tmp_path / "models"),
            "Images": "1-12",
            "ChunkSize": 4,
            "Service": "custom",
            "Blender": str(blender),
            **parameters,
        }
        done = subprocess.run(
            [str(OPENJD), "run", str(TEMPLATE), "-p", json.dumps(given)],
            env=os.environ
            | {
                "BLENDER_USER_RESOURCES": str(user),
                "IMAGE_TO_3D_BASE_URL": scripted.base_url,
                "MODELSLAB_API_KEY": KEY,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        return done.returncode, done.stdout

    return run


def test_the_template_is_valid() -> None:
    done = subprocess.run([str(OPENJD), "check", str(TEMPLATE)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.usefixtures("user")
def test_the_template_and_the_command_line_have_the_same_formats_and_services() -> None:
    parameters = {each["name"]: each for each in yaml.safe_load(TEMPLATE.read_text("utf-8"))["parameterDefinitions"]}
    help_text = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "support" / "command_line.py"), "--command", "image_to_3d", "--help"],
        capture_output=True, text=True, check=False, timeout=100,
    ).stdout  # fmt: skip
    assert "{" + ",".join(parameters["Format"]["allowedValues"]) + "}" in help_text
    assert "{" + ",".join(parameters["Service"]["allowedValues"]) + "}" in help_text


def test_one_of_twelve_images_fails_in_the_first_of_three_chunks_and_the_other_eleven_have_models(
    openjd: Callable[..., tuple[int, str]], scripted: ScriptedService, shots: Path, tmp_path: Path
) -> None:
    (shots / "shot 2.png").write_bytes(b"not an image")
    code, text = openjd(Options="--resolution=256\n--seed=4")
    assert code == 1, text
    models = tmp_path / "models"
    assert sorted(path.stem for path in models.glob("*.glb")) == sorted(f"shot {n}" for n in range(1, 13) if n != 2)
    assert [line.split()[-1] for line in text.splitlines() if "CHUNK[INT]) = " in line] == ["1-4", "5-8", "9-12"]
    assert "openjd_progress: 100.0" in text
    assert "11 of 12 models are there." in text
    assert KEY not in text
    assert len(scripted.submits) == 11
    assert {work.body["seed"] for work in scripted.submits} == {4}

    (shots / "shot 2.png").write_bytes((shots / "shot 3.png").read_bytes())
    code, text = openjd(ChunkSize=6)  # other chunks, the same images
    assert code == 0, text
    assert len(list(models.glob("*.glb"))) == 12
    assert len(scripted.submits) == 12


def test_failures_that_are_allowed_do_not_fail_the_job(
    openjd: Callable[..., tuple[int, str]], scripted: ScriptedService
) -> None:
    scripted.next("submit", refuses)
    code, text = openjd(Images="1-20", MaxFailures=1)  # there are only 12
    assert code == 0, text
    ended = Counter(line.split('"state": "')[1].split('"')[0] for line in text.splitlines() if '"state": "' in line)
    assert ended == {"done": 22, "failed": 2}  # by the tasks, and by the check
