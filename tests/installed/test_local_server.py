# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that the artist runs: its address is entered, the connection tested, and the settings follow what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dialect_servers import Lemonade, running
from model_files import glb

from .conftest import part

pytestmark = pytest.mark.heavy


@pytest.fixture
def server() -> Lemonade:
    return Lemonade(glb(300))


@pytest.fixture
def address(server: Lemonade, preferences: Any) -> Iterator[str]:
    """The address of a running server; the service is chosen."""
    preferences.service = "LOCAL"
    with running(server) as url:
        yield url
        part("engine").stop()


@pytest.fixture
def press_test(keep_going: Callable[..., None]) -> Callable[[], Any]:
    """Presses *Test Connection*. Returns what it found."""
    import bpy

    def press() -> Any:
        assert bpy.ops.image_to_3d.test_local_server() == {"FINISHED"}
        keep_going(lambda: not part("engine").busy())
        return part("background_task").local_server.status

    return press


def test_with_an_address_alone_the_server_makes_a_model_that_is_placed_in_the_scene(
    image_to_3d: Any, preferences: Any, server: Lemonade, address: str, image_file: Path
) -> None:
    preferences.local_url = f"{address.removeprefix('http://')}/v1"  # as somebody may enter it
    job = image_to_3d.generate(image_file, wait=True, seed=7, voxel_resolution="1536", background="remove")
    assert (job.state, job.objects[0].type) == ("placed", "MESH")
    (received,) = server.received
    sent = received.json
    assert (sent["seed"], sent["resolution"], sent["bg_removal"]) == (7, 1536, "birefnet")


def test_an_address_is_understood_as_the_servers_terminal_shows_it(image_to_3d: Any, preferences: Any) -> None:
    preferences.service = "LOCAL"
    for entered in ("127.0.0.1:8081", "http://0.0.0.0:8081", "http://127.0.0.1:8081/docs"):
        preferences.local_url = entered
        assert part("preferences").read_config().require_ready() == "http://127.0.0.1:8081"
    preferences.local_url = "my server"
    with pytest.raises(image_to_3d.errors.ParameterError, match=r"it must look like http://127\.0\.0\.1:8080"):
        image_to_3d.generate(b"an image")


def test_a_test_says_which_server_answers_and_its_kind_is_known_after_a_restart_too(
    preferences: Any, address: str, press_test: Callable[[], Any]
) -> None:
    read_config = part("preferences").read_config
    preferences.local_url = address
    assert read_config().local_dialect == ""
    status = press_test()
    assert (str(status.text), status.failed) == (f"Lemonade answers at {address}.", False)
    part("background_task").local_server.reset()  # the preferences alone are left
    assert read_config().local_dialect == "LEMONADE"
    preferences.local_url = "http://127.0.0.1:9"
    assert read_config().local_dialect == ""


def test_a_test_is_about_the_model_that_was_chosen(
    preferences: Any, address: str, press_test: Callable[[], Any]
) -> None:
    preferences.local_url = address
    assert "list the model" not in str(press_test().text)
    preferences.local_model = "another"
    assert not part("background_task").local_server.status.text  # what was found is no longer known
    assert str(press_test().text).endswith("but does not list the model another.")


def test_a_server_that_is_not_running_is_said_so_and_another_address_is_not_blamed_for_it(
    preferences: Any, server: Lemonade, press_test: Callable[[], Any]
) -> None:
    preferences.service = "LOCAL"
    with running(server) as stopped:
        preferences.local_url = stopped
    status = press_test()
    assert status.failed
    assert str(status.text).startswith("No server answers at")
    preferences.local_url = "http://127.0.0.1:9"
    assert not part("background_task").local_server.status.failed


def test_what_can_be_no_address_is_said_so_with_an_example_of_one(preferences: Any) -> None:
    preferences.service, preferences.local_url = "LOCAL", "http://my server"
    obstacle = part("preferences").read_config().why_not_ready()
    assert str(obstacle).startswith("\"http://my server\" can't be a service's address: it must look like http://127.")


def test_settings_without_an_effect_are_those_that_the_server_lacks_and_none_while_it_is_unknown(
    preferences: Any, address: str
) -> None:
    preferences.local_url = address
    names = part("properties").PANEL_PARAMETERS

    def gray() -> set[str]:
        config = part("preferences").read_config()
        return {name for name in names if not config.uses(name)}

    assert gray() == set()
    for dialect in part("local_servers.dialects").DIALECTS.values():
        preferences.local_dialect = dialect.id
        assert gray() == set(names) - dialect.parameters
        assert {"render", "output_format", "mesh_simplify", "chunk_size", "temp"} <= gray()
    preferences.service = "MODELSLAB"
    assert gray() == {name for name, row in names.items() if row.group == "local"}


def test_the_texture_size_is_the_servers_own_until_its_checkbox_is_set(image_to_3d: Any) -> None:
    import bpy

    settings = bpy.context.scene.image_to_3d
    assert (settings.use_atlas_size, settings.parameters()["atlas_size"]) == (False, 0)
    settings.use_atlas_size = True
    assert settings.parameters()["atlas_size"] == 2048


def test_only_a_server_of_another_computer_needs_online_access(image_to_3d: Any, preferences: Any) -> None:
    preferences.service = "LOCAL"
    preferences.local_url = "http://127.0.0.1:8080"
    assert part("preferences").read_config().why_not_ready() is None
    preferences.local_url = "http://192.168.1.20:8080"
    assert isinstance(part("preferences").read_config().why_not_ready(), image_to_3d.OnlineAccessError)


def test_the_kinds_of_server_keep_their_stored_numbers_when_others_are_added(preferences: Any) -> None:
    items = preferences.bl_rna.properties["local_dialect"].enum_items
    numbers = {item.identifier: item.value for item in items}
    assert (numbers["AUTO"], numbers["LEMONADE"]) == (0, 2117810668)
    assert len(set(numbers.values())) == len(numbers)


def test_an_address_and_a_token_are_used_without_the_spaces_around_them(
    preferences: Any, address: str, press_test: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGE_TO_3D_LOCAL_URL", address)
    preferences.local_token = " a-token "
    assert not press_test().failed
    assert part("preferences").read_config().local_settings["token"] == "a-token"
    preferences.local_token = ""
    monkeypatch.setenv("IMAGE_TO_3D_LOCAL_TOKEN", "another-token")
    assert part("preferences").read_config().local_settings["token"] == "another-token"
