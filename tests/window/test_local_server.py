# SPDX-License-Identifier: GPL-3.0-or-later
"""The artist's own server: from the address that is typed into the sidebar to the model in the scene."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from dialect_servers import LocalAI, running
from window import Blender


@pytest.mark.newest
def test_an_address_typed_into_the_sidebar_is_all_that_a_server_needs_to_make_a_model(
    start: Callable[..., Blender], small_model: Path, chair: Path
) -> None:
    blender = start(network=True)
    blender.ask("set_preference", name="service", value="LOCAL")
    blender.open_sidebar("Image to 3D")
    blender.screenshot("local-server-1-no-address")
    x, y = blender.find("image_to_3d.open_preferences")
    server = LocalAI(small_model.read_bytes())
    with running(server) as address:
        blender.click(x, y + 22, times=2)  # the field above the button; preferences have no path to find it by
        blender.press("ctrl+a")
        blender.write(address)
        blender.press("Return")
        found = f"LOCALAI {address}"
        blender.wait_until(lambda: blender.ask("preference", name="local_found") == found, "no test of the server", 15)
        blender.screenshot("local-server-2-found")
        blender.generate(chair)
        job = blender.wait_for("placed", "failed")
        blender.screenshot("local-server-3-model")
    assert job["state"] == "placed", job["error"]
    assert blender.ask("objects")[job["objects"][0]]["type"] == "MESH"
    (received,) = server.received
    assert received.json["quality"] == "512"
