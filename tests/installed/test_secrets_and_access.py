# SPDX-License-Identifier: GPL-3.0-or-later
"""The API key stays in the preferences or the environment, and Blender's online access is respected."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scripted_service import ScriptedService, to_json

from .conftest import KEY, USER, part


def command_lines() -> list[bytes]:
    """Returns what the process list shows of this process's children, environment included."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if int((process / "stat").read_text().rpartition(")")[2].split()[1]) == os.getpid():
                found.append((process / "cmdline").read_bytes() + (process / "environ").read_bytes())
        except (OSError, ValueError):
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs Linux's process list")
def test_the_key_is_in_no_file_log_error_or_process_list(
    image_to_3d: Any,
    service: ScriptedService,
    preferences: Any,
    image_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    import bpy

    preferences.api_key = ""
    monkeypatch.setenv("MODELSLAB_API_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    done = image_to_3d.generate(image_file, wait=True)
    service.next("submit", lambda _: to_json({"status": "error", "message": f"Invalid key {KEY}"}, 401))
    failed = image_to_3d.generate(image_file, wait=True)
    assert {request[2].get("key") for request in service.requests if request[0] == "submit"} == {KEY}
    assert (done.state, failed.state) == ("placed", "failed")

    children = command_lines()
    assert children, "the background Blender should still be running"
    assert not [line for line in children if KEY.encode() in line]

    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"), compress=False)
    part("engine").stop()
    bpy.ops.wm.save_userpref()
    assert KEY not in str(failed.error)
    assert KEY not in caplog.text
    written = [path for folder in (USER, tmp_path, done.folder) for path in folder.rglob("*") if path.is_file()]
    assert any(path.name.startswith("journal") for path in written)
    assert not [path for path in written if KEY.encode() in path.read_bytes()]


def test_an_entered_key_is_in_blenders_preferences_only(
    image_to_3d: Any, service: ScriptedService, image_file: Path, tmp_path: Path
) -> None:
    import bpy

    assert KEY not in repr(part("preferences").read_config())
    job = image_to_3d.generate(image_file, wait=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"), compress=False)
    part("engine").stop()
    written = [path for folder in (USER, tmp_path, job.folder) for path in folder.rglob("*") if path.is_file()]
    holding = {path.name for path in written if KEY.encode() in path.read_bytes()}
    assert holding <= {"userpref.blend"}


def test_the_key_in_the_environment_is_used_if_none_is_entered(
    preferences: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELSLAB_API_KEY", "from-the-environment")
    assert part("preferences").read_config().keys["MODELSLAB"] == "from-the-environment"
    preferences.api_key = "typed"
    assert part("preferences").read_config().keys["MODELSLAB"] == "typed"


def test_the_server_url_in_the_environment_is_used_if_none_is_entered(
    preferences: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGE_TO_3D_BASE_URL", "http://127.0.0.1:9/from/the/environment")
    preferences.service = "CUSTOM"
    assert part("preferences").read_config().base_url == "http://127.0.0.1:9/from/the/environment"
    preferences.base_url = "http://127.0.0.1:9/typed"
    assert part("preferences").read_config().base_url == "http://127.0.0.1:9/typed"


def test_without_online_access_no_service_on_the_network_is_used(
    image_to_3d: Any, preferences: Any, image_file: Path
) -> None:
    import bpy

    preferences.api_key = KEY
    assert not bpy.app.online_access
    with pytest.raises(image_to_3d.OnlineAccessError, match="Allow Online Access"):
        image_to_3d.generate(image_file)
    assert not bpy.ops.image_to_3d.generate.poll()
    assert not bpy.ops.image_to_3d.test_key.poll()
    preferences.service = "CUSTOM"
    preferences.base_url = "http://192.0.2.1/api"
    with pytest.raises(image_to_3d.OnlineAccessError):
        image_to_3d.generate(image_file)


def test_without_online_access_a_service_on_this_machine_can_be_used(
    image_to_3d: Any, service: ScriptedService, image_file: Path
) -> None:
    import bpy

    assert not bpy.app.online_access
    assert image_to_3d.generate(image_file, wait=True).state == "placed"


def test_without_a_key_the_error_names_it_and_the_offline_preview_can_be_used(
    image_to_3d: Any, preferences: Any, image_file: Path
) -> None:
    import bpy

    bpy.context.preferences.system.use_online_access = True
    with pytest.raises(image_to_3d.KeyMissingError, match="MODELSLAB_API_KEY"):
        image_to_3d.generate(image_file)
    bpy.ops.image_to_3d.use_offline_preview()
    assert preferences.service == "OFFLINE"
    assert bpy.ops.image_to_3d.generate.poll()


def test_a_custom_service_without_a_server_url_is_refused(image_to_3d: Any, preferences: Any, image_file: Path) -> None:
    preferences.service = "CUSTOM"
    preferences.api_key = KEY
    with pytest.raises(image_to_3d.ParameterError, match="server URL"):
        image_to_3d.generate(image_file)


def test_the_key_can_be_tested_and_the_balance_is_shown(
    service: ScriptedService, keep_going: Callable[..., None]
) -> None:
    import bpy

    account = part("background_task").account
    assert bpy.ops.image_to_3d.test_key() == {"FINISHED"}
    keep_going(lambda: not account.status.running)
    assert account.status.value == "$43.60"
    assert not account.status.failed

    service.next("balance", lambda _: to_json({"status": "error", "message": "Invalid API Key"}, 401))
    bpy.ops.image_to_3d.test_key()
    keep_going(lambda: not account.status.running)
    assert account.status.failed
    assert account.status.code == "key_rejected"
    assert account.status.value == ""


def test_another_key_resets_the_shown_balance(
    service: ScriptedService, preferences: Any, keep_going: Callable[..., None]
) -> None:
    import bpy

    account = part("background_task").account
    bpy.ops.image_to_3d.test_key()
    keep_going(lambda: not account.status.running)
    preferences.api_key = "another"
    assert account.status.value == ""


def test_without_online_access_no_balance_is_requested(preferences: Any) -> None:
    preferences.service = "MODELSLAB"
    preferences.api_key = KEY
    part("engine").check_account()
    assert not part("background_task").account.status.running


@pytest.mark.parametrize("address", ["no address", "http://[", "http://127.0.0.1:99999"])
def test_testing_the_key_with_a_malformed_server_url_fails_with_an_error(
    image_to_3d: Any, address: str, keep_going: Callable[..., None]
) -> None:
    account = part("background_task").account
    part("background_task").check_account(address, KEY)
    keep_going(lambda: not account.status.running)
    assert account.status.failed
    account.reset()


class Recorder:
    """Takes the place of a layout, and notes each label with whether it is red."""

    use_property_split = True

    def __init__(self, labels: list[tuple[str, bool]]) -> None:
        self.labels = labels
        self.alert = False

    def label(self, text: str = "", **_: Any) -> None:
        self.labels.append((text, self.alert))

    def _part(self, *_: Any, **__: Any) -> Recorder:
        return Recorder(self.labels)

    def panel(self, *_: Any, **__: Any) -> tuple[Recorder, Recorder]:
        return self._part(), self._part()

    column = row = split = separator = prop = operator = _part


class Drawn:
    """The preferences, drawn into a recorder."""

    def __init__(self, preferences: Any) -> None:
        self._preferences = preferences
        self.labels: list[tuple[str, bool]] = []
        self.layout = Recorder(self.labels)

    def __getattr__(self, name: str) -> Any:
        found = getattr(type(self._preferences), name, None)
        return found.__get__(self) if callable(found) else getattr(self._preferences, name)


@pytest.mark.parametrize(
    ("url", "red"),
    [
        ("http://service.example/api/v6", True),
        ("http://192.168.1.5:8000/api/v6", True),
        ("https://service.example/api/v6", False),
        ("http://127.0.0.1:8000/api/v6", False),
        ("http://localhost:8000/api/v6", False),
        ("", False),
    ],
)
@pytest.mark.parametrize(
    ("service", "field", "variable", "said"),
    [
        ("CUSTOM", "base_url", "", "Your key and images are sent unencrypted to this server."),
        ("CUSTOM", "", "IMAGE_TO_3D_BASE_URL", "Your key and images are sent unencrypted to this server."),
        ("LOCAL", "local_url", "", "Images are sent unencrypted to this server."),
        ("LOCAL", "", "IMAGE_TO_3D_LOCAL_URL", "Images are sent unencrypted to this server."),
    ],
)
def test_a_server_of_another_computer_over_plain_http_is_flagged_in_red(
    preferences: Any,
    url: str,
    red: bool,
    service: str,
    field: str,
    variable: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    preferences.service = service
    if field:
        setattr(preferences, field, url)
    else:
        monkeypatch.setenv(variable, url)
    import bpy

    drawn = Drawn(preferences)
    region = SimpleNamespace(width=800)  # without a window there is none
    type(preferences).draw(drawn, SimpleNamespace(region=region, preferences=bpy.context.preferences))
    assert ((said, True) in drawn.labels) is red
    assert drawn.labels
