# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension as an artist has it: built, installed into a fresh user folder, and enabled in Blender's module."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted_service import ScriptedService

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "bl_ext.user_default.image_to_3d"
KEY = "fake-key-that-must-never-be-seen-4711"

if "bpy" in sys.modules:
    raise RuntimeError("bpy must not be imported before its user folder is set")
USER = Path(tempfile.mkdtemp(prefix="image-to-3d-user-"))
os.environ["BLENDER_USER_RESOURCES"] = str(USER)
for _variable in (
    "MODELSLAB_API_KEY",
    "IMAGE_TO_3D_BASE_URL",
    "IMAGE_TO_3D_LOCAL_URL",
    "IMAGE_TO_3D_LOCAL_TOKEN",
    "IMAGE_TO_3D_DATA",
):
    os.environ.pop(_variable, None)


def install(user: Path) -> None:
    """Build the extension and unpack it where Blender installs extensions."""
    command = [sys.executable, str(ROOT / "tools" / "build.py"), "--output", str(user / "built")]
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(done.stdout.strip().splitlines()[-1]) as archive:
        archive.extractall(user / "extensions" / "user_default" / "image_to_3d")


@pytest.fixture(scope="session")
def user() -> Iterator[Path]:
    """Blender's user folder, with the extension installed but not enabled."""
    install(USER)
    yield USER
    shutil.rmtree(USER, ignore_errors=True)


@pytest.fixture(scope="session")
def extension(user: Path) -> Iterator[Any]:
    """The enabled extension's root module. Disabled at the end: Blender's module can hang at its exit otherwise."""
    importlib.import_module("bpy")  # makes addon_utils importable
    addon_utils = importlib.import_module("addon_utils")
    module = addon_utils.enable(PACKAGE, default_set=True)
    assert module is not None, "the extension could not be enabled"
    yield module
    addon_utils.disable(PACKAGE)


@pytest.fixture
def image_to_3d(extension: Any) -> Iterator[Any]:
    """The extension's root module, with default preferences, an empty file, and no jobs."""
    import bpy

    bpy.ops.wm.read_homefile(use_empty=True)
    yield extension
    part("engine").stop()
    for folder in (part("preferences").data_folder(), part("preferences").earlier_folder()):
        shutil.rmtree(folder, ignore_errors=True)  # the next test starts without jobs
    preferences = bpy.context.preferences.addons[PACKAGE].preferences
    for name in (
        "service",
        "api_key",
        "base_url",
        "local_url",
        "local_dialect",
        "local_found",
        "local_model",
        "local_token",
        "local_time_limit",
        "job_limit",
        "results_folder",
        "keep_days",
        "keep_gigabytes",
        "webhook",
        "track_id",
        "use_daily_limit",
        "daily_limit",
    ):
        preferences.property_unset(name)
    preferences.webhook = preferences.track_id = ""
    bpy.context.preferences.system.use_online_access = False


@pytest.fixture
def preferences(image_to_3d: Any) -> Any:
    import bpy

    return bpy.context.preferences.addons[PACKAGE].preferences


@pytest.fixture
def service(preferences: Any) -> Iterator[ScriptedService]:
    """A service on this machine, chosen in the preferences as the other server."""
    serving = ScriptedService(polls_until_done=0, eta=1)
    preferences.service = "CUSTOM"
    preferences.base_url = serving.base_url
    preferences.api_key = KEY
    yield serving
    part("engine").stop()
    serving.close()


@pytest.fixture
def scripted() -> Iterator[ScriptedService]:
    """A service for a Blender of its own, whose jobs are done at once."""
    service = ScriptedService(polls_until_done=0, eta=1)
    yield service
    service.close()


@pytest.fixture
def image_file(tmp_path: Path) -> Path:
    """An image that an artist might choose."""
    return Path(shutil.copy(ROOT / "samples" / "chair.png", tmp_path / "chair.png"))


@pytest.fixture
def keep_going(image_to_3d: Any) -> Callable[[Callable[[], Any]], None]:
    """Applies the queue's events, as the modal operator does, until a condition is met."""

    def drain_until(condition: Callable[[], Any], seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            part("engine").drain()
            assert time.monotonic() < deadline, "the condition was not met in time"
            time.sleep(0.02)

    return drain_until


def part(name: str) -> Any:
    """Returns a module of the installed extension."""
    return importlib.import_module(f"{PACKAGE}.{name}")


def settle() -> None:
    """Let some ticks of the monitor pass."""
    for _ in range(20):
        part("engine").drain()
        time.sleep(0.01)
