# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension's zip, installed into real Blender as an artist installs it, and Blender with its window."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import shapes
from slow_service import KEY, SlowService
from window import ROOT, TOOLS, Blender, run_windowless, why_not

SUITES = ("trixie", "sid")
"""Debian's names for Blender 4.3 and 5.2."""

_SETTLE = """
import bpy, json
preferences = bpy.context.preferences
preferences.view.show_splash = False
preferences.filepaths.use_auto_save_temporary_files = True
preferences.filepaths.auto_save_time = 1
bpy.ops.wm.save_userpref()
"""


@pytest.hookimpl(tryfirst=True)  # before tests are deselected by their marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = why_not()
    for item in items:
        if item.get_closest_marker("newest") and f"[{SUITES[0]}" in item.name:
            item.add_marker(pytest.mark.long)
        item.add_marker(pytest.mark.timeout(400))  # the first test of a suite may have to make its chroot
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built extension."""
    folder = tmp_path_factory.mktemp("archive")
    command = [sys.executable, str(ROOT / "tools" / "build.py"), "--output", str(folder)]
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(done.stdout.strip().splitlines()[-1])


@pytest.fixture(scope="session", params=SUITES)
def suite(request: pytest.FixtureRequest) -> str:
    """A chroot with Blender in it, made where it is not there."""
    name: str = request.param
    made = subprocess.run([str(TOOLS / "chroot"), name], text=True, capture_output=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    return name


@pytest.fixture(scope="session")
def installed(suite: str, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user folder with the extension installed and enabled by Blender itself."""
    user = tmp_path_factory.mktemp(f"user-{suite}")
    shutil.copy(archive, user / archive.name)
    install = ("--command", "extension", "install-file", "-r", "user_default", "-e", user / archive.name)
    run_windowless(suite, user, *install)
    run_windowless(suite, user, "--background", "--python-exit-code", "1", "--python-expr", _SETTLE)
    return user


@pytest.fixture
def start(suite: str, installed: Path, tmp_path: Path) -> Iterator[Callable[..., Blender]]:
    """Starts windowed Blender in a fresh copy of the user folder: `start(network=True, …)`."""
    user = tmp_path / "user"
    shutil.copytree(installed, user)
    running: list[Blender] = []

    def starter(**options: Any) -> Blender:
        running.append(Blender(suite, user, **{"folders": (tmp_path, ROOT / "samples"), **options}))
        return running[-1]

    yield starter
    for blender in running:
        blender.close()


@pytest.fixture
def blender(start: Callable[..., Blender]) -> Blender:
    """Windowed Blender with its sidebar open, the offline preview chosen, and no network but loopback."""
    ready = start()
    ready.ask("set_preference", name="service", value="OFFLINE")
    ready.open_sidebar("Image to 3D")
    return ready


@pytest.fixture
def slow_service() -> Iterator[SlowService]:
    """A service on loopback whose jobs take as long as the test says."""
    with SlowService() as service:
        yield service


@pytest.fixture
def at_work(start: Callable[..., Blender], slow_service: SlowService, small_model: Path) -> Blender:
    """Windowed Blender set to the slow service, with its sidebar open."""
    slow_service.deliver(small_model)
    variables = {"IMAGE_TO_3D_BASE_URL": slow_service.base_url, "MODELSLAB_API_KEY": KEY}
    ready = start(network=True, variables=variables, limit=300)
    ready.ask("set_preference", name="service", value="CUSTOM")
    ready.open_sidebar("Image to 3D")
    return ready


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GLB of 20,000 triangles."""
    return shapes.write_glb(tmp_path_factory.mktemp("model") / "small.glb", shapes.ball(20_000), shapes.texture(256))


@pytest.fixture(scope="session")
def large_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GLB of 500,000 triangles, about 20 MB."""
    return shapes.write_glb(tmp_path_factory.mktemp("model") / "large.glb", shapes.ball(500_000), shapes.texture(2048))


@pytest.fixture(scope="session")
def chair() -> Path:
    return ROOT / "samples" / "chair.png"


@pytest.fixture
def measured(request: pytest.FixtureRequest, suite: str) -> Callable[[dict[str, Any]], None]:
    """Keeps a measurement in build/measured, for people to read."""

    def keep(values: dict[str, Any]) -> None:
        folder = ROOT / "build" / "measured"
        folder.mkdir(parents=True, exist_ok=True)
        name = request.node.originalname.removeprefix("test_")
        (folder / f"{name}-{suite}.json").write_text(json.dumps(values, indent=1))

    return keep
