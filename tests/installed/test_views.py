# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of several sides of the subject, in scripts, in the panel, from a model, and on the command line."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dialect_servers import Hunyuan, running
from model_files import glb_of, scene_of
from queues import an_image

from .conftest import ROOT, part

pytestmark = pytest.mark.heavy


@pytest.fixture
def server(preferences: Any) -> Iterator[Hunyuan]:
    """A local server that takes views, chosen in the preferences."""
    server = Hunyuan(glb_of(*scene_of()))
    with running(server) as address:
        preferences.service, preferences.local_url = "LOCAL", address
        yield server
        part("engine").stop()
    preferences.property_unset("local_url")


@pytest.fixture
def sides(tmp_path: Path) -> dict[str, Path]:
    """An image of each side, named by it."""
    found = {side: tmp_path / f"chair_{side}.png" for side in ("front", "left", "back", "right")}
    for number, path in enumerate(found.values()):
        path.write_bytes(an_image(number))
    return found


def sent(server: Hunyuan, number: int = -1) -> dict[str, bytes]:
    """The images of a request by what they show."""
    request = server.received[number].json
    names = {"front": "image", **{side: f"image_{side}" for side in ("left", "back", "right")}}
    return {side: base64.b64decode(request[name]) for side, name in names.items() if name in request}


def contents(sides: dict[str, Path], *wanted: str) -> dict[str, bytes]:
    return {side: sides[side].read_bytes() for side in wanted}


def test_a_script_gives_views_and_the_model_can_be_made_again_with_them(
    image_to_3d: Any, server: Hunyuan, sides: dict[str, Path]
) -> None:
    import bpy

    job = image_to_3d.generate(sides["front"], views={"left": sides["left"], "back": an_image(2)}, wait=True)
    assert (str(job.state), job.error) == ("placed", None)
    assert sent(server) == contents(sides, "front", "left", "back")
    [root] = job.objects
    assert root["image_to_3d"]["views"].to_dict() == {"left": "chair_left.png", "back": ""}
    bpy.context.view_layer.objects.active = root
    sides["left"].unlink()  # the job has a copy
    assert bpy.ops.image_to_3d.generate_again() == {"FINISHED"}
    assert sent(server) == sent(server, 0)
    bpy.context.view_layer.objects.active = root
    next(iter(job.folder.glob("view-left.*"))).unlink()
    with pytest.raises(RuntimeError, match=r"Left View: chair_left\.png is no longer in the results folder"):
        bpy.ops.image_to_3d.generate_again()


def test_the_panels_views_are_sent_where_the_service_takes_them(
    preferences: Any, server: Hunyuan, sides: dict[str, Path]
) -> None:
    import bpy

    settings = bpy.context.scene.image_to_3d
    settings.image = str(sides["front"])
    for side in ("back", "right"):
        choose = bpy.ops.image_to_3d.choose_image
        assert choose(view=side, filepath=str(sides[side]), relative_path=False) == {"FINISHED"}
    assert (settings.image, settings.view_back) == (str(sides["front"]), str(sides["back"]))
    assert bpy.ops.image_to_3d.generate() == {"FINISHED"}
    assert sent(server) == contents(sides, "front", "back", "right")
    settings.view_left = str(sides["left"].with_name("nowhere.png"))
    with pytest.raises(RuntimeError, match="Left View: Image not found"):
        bpy.ops.image_to_3d.generate()
    preferences.local_dialect = "LEMONADE"
    assert not part("preferences").read_config().takes_views  # so the panel has no fields for them
    preferences.property_unset("local_dialect")
    preferences.service = "OFFLINE"
    assert bpy.ops.image_to_3d.generate() == {"FINISHED"}


def test_views_that_a_service_does_not_take_or_can_t_use_are_refused_before_anything_is_sent(
    image_to_3d: Any, preferences: Any, server: Hunyuan, sides: dict[str, Path]
) -> None:
    url = "https://example.org/left.png"
    with pytest.raises(image_to_3d.ImageTo3DError, match=r"Left View: Views must be files"):
        image_to_3d.generate(sides["front"], views={"left": url})
    with pytest.raises(image_to_3d.ImageTo3DError, match='no view "top"'):
        image_to_3d.generate_many([{"image": sides["front"], "views": {"top": sides["left"]}}])
    preferences.service = "OFFLINE"
    with pytest.raises(image_to_3d.ImageTo3DError, match="takes one image of the subject"):
        image_to_3d.generate(sides["front"], views={"left": sides["left"]})
    assert not server.received


def test_a_folder_of_images_named_by_their_sides_is_one_model_for_each_subject(
    image_to_3d: Any, server: Hunyuan, sides: dict[str, Path]
) -> None:
    import bpy

    folder = sides["front"].parent
    batch = image_to_3d.generate_many(folder, views_by_name=True, report=False, wait=True)
    assert [(job.name, str(job.state)) for job in batch.jobs] == [("chair", "placed")]
    assert sent(server) == contents(sides, "front", "left", "back", "right")
    generate = bpy.ops.image_to_3d.generate_batch
    assert generate(directory=str(folder), views_by_name=True) == {"FINISHED"}
    assert sent(server) == sent(server, 0)
    assert len(server.received) == 2


def test_the_command_line_takes_views_by_option_and_by_name(
    user: Path, server: Hunyuan, sides: dict[str, Path], preferences: Any, tmp_path: Path
) -> None:
    command = [sys.executable, str(ROOT / "tests" / "support" / "command_line.py"), "--command", "image_to_3d"]
    variables = {"BLENDER_USER_RESOURCES": str(user), "IMAGE_TO_3D_LOCAL_URL": preferences.local_url}

    def run(*arguments: object) -> tuple[int, list[Any], str]:
        environment = os.environ | variables | {"IMAGE_TO_3D_TEST_SERVICE": "LOCAL"}
        done = subprocess.run(
            [*command, *map(str, arguments)], env=environment, text=True, capture_output=True, check=False, timeout=100
        )
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    back, out = f"back={sides['back']}", tmp_path / "out"
    code, lines, err = run(sides["front"], "--view", back, "--output-dir", out)
    assert (code, [line["state"] for line in lines]) == (0, ["done"]), err
    assert sent(server) == contents(sides, "front", "back")
    code, lines, err = run(tmp_path, "--views-by-name", "--output-dir", tmp_path / "other")
    assert (code, [line["name"] for line in lines]) == (0, ["chair"]), err
    assert sent(server) == contents(sides, "front", "left", "back", "right")
    options = part("command_line.options").parse([str(tmp_path), "--view", back, "--output-dir", str(out)])
    with pytest.raises(part("errors").ParameterError, match="Views belong to one image"):
        part("command_line.run").find_images(options)
