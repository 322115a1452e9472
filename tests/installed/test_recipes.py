# SPDX-License-Identifier: GPL-3.0-or-later
"""Every recipe of docs/recipes.md does what it says, as it is printed there. So do the examples of docs/scripting.md.

Only the folder names are replaced.
"""

from __future__ import annotations

import json
import re
import shutil
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import pytest
from dialect_servers import Hunyuan, Lemonade, running
from model_files import glb
from scripted_service import ScriptedService

from .conftest import ROOT

pytestmark = pytest.mark.heavy

PAGE = (ROOT / "docs" / "recipes.md").read_text("utf-8")
RECIPES = {
    title: code
    for section in PAGE.split("\n## ")[1:]
    for title, code in [(section.partition("\n")[0], re.findall(r"```python\n(.*?)```", section, re.DOTALL))]
}


@pytest.fixture
def run(service: ScriptedService, image_to_3d: Any, tmp_path: Path) -> Callable[[str], dict[str, Any]]:
    """Runs a recipe with two images in a temporary folder. Returns its variables."""
    references = tmp_path / "references"
    references.mkdir()
    for name in ("chair", "mug"):
        shutil.copy(ROOT / "samples" / f"{name}.png", references)
    (references / "sub").mkdir()
    shutil.copy(ROOT / "samples" / "vase.png", references / "sub" / "vase_front.png")
    [table] = re.findall(r"```csv\n(.*?)```", PAGE, re.DOTALL)
    (references / "shots.csv").write_text(table, encoding="utf-8")

    def recipe(title: str) -> dict[str, Any]:
        [code] = RECIPES[title]
        variables: dict[str, Any] = {}
        exec(compile(code.replace('"~/', f'"{tmp_path.as_posix()}/'), title, "exec"), variables)
        return variables

    return recipe


def models() -> list[str]:
    return sorted(item.name for item in bpy.data.objects if item.get("image_to_3d"))


def test_a_hundred_images_overnight(
    run: Callable[[str], dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    batch = run("A hundred images overnight, then the report")["batch"]
    assert models() == ["chair", "mug"]
    assert opened == [batch.report_path.as_uri()]
    items = json.loads((batch.folder / "report.json").read_text())["items"]
    assert [(item["state"], item["preview_file"] != "") for item in items] == [("placed", True)] * 2
    assert "references: 2 of 2 models" in capsys.readouterr().err


def test_variations_side_by_side(run: Callable[[str], dict[str, Any]], service: ScriptedService) -> None:
    run("Variations side by side")
    assert sorted(work.body["seed"] for work in service.submits) == [1, 2, 3, 4, 5]
    assert len(bpy.data.collections["Chair"].objects) == 5
    bpy.context.view_layer.update()
    assert len({round(item.location.x, 3) for item in bpy.data.collections["Chair"].objects}) == 5


def test_on_your_own_graphics_card(
    run: Callable[[str], dict[str, Any]], monkeypatch: pytest.MonkeyPatch, preferences: Any
) -> None:
    title, server = "On your own graphics card", Lemonade(glb(30))
    with running(server) as address:
        [code] = RECIPES[title]
        monkeypatch.setitem(RECIPES, title, [code.replace("http://127.0.0.1:8080", address)])
        run(title)
    assert models() == ["chair", "mug"]
    assert [received.json["resolution"] for received in server.received] == [1024, 1024]


def test_a_model_from_photos_of_several_sides(
    run: Callable[[str], dict[str, Any]], preferences: Any, tmp_path: Path
) -> None:
    for side in ("left", "back"):
        shutil.copy(ROOT / "samples" / "mug.png", tmp_path / "references" / f"chair_{side}.png")
    server = Hunyuan(glb(30))
    with running(server) as address:
        preferences.service, preferences.local_url = "LOCAL", address
        assert run("A model from photos of several sides")["job"].state == "placed"
        preferences.property_unset("local_url")
    [received] = server.received
    assert {"image_left", "image_back"} <= received.json.keys()
    assert "image_right" not in received.json


def test_files_only(run: Callable[[str], dict[str, Any]], tmp_path: Path) -> None:
    run("Files only")
    assert [file.name for file in (tmp_path / "models").iterdir()] == ["vase_front.glb"]
    assert not models()


def test_into_an_asset_library(run: Callable[[str], dict[str, Any]], tmp_path: Path) -> None:
    run("Into an asset library")
    bpy.ops.wm.read_homefile(use_empty=True)  # a file can't be loaded from while it is open
    with bpy.data.libraries.load(str(tmp_path / "assets" / "generated.blend"), assets_only=True) as (there, _here):
        assert sorted([*there.objects, *there.collections]) == ["chair", "mug"]


def test_settings_from_a_csv_file(run: Callable[[str], dict[str, Any]], service: ScriptedService) -> None:
    batch = run("Settings from a CSV file")["batch"]
    assert [job.name for job in batch.jobs] == ["Armchair", "Mug"]
    assert batch.jobs[0].job.parameters["seed"] == 7
    assert batch.name == "shots"


def test_work_on_each_model_as_soon_as_it_is_there(
    run: Callable[[str], dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    run("Work on each model as soon as it is there")
    assert "12 faces" in capsys.readouterr().out
    assert all(bpy.data.objects[name].show_name for name in models())


def test_wait_for_the_first_one_and_continue(run: Callable[[str], dict[str, Any]]) -> None:
    variables = run("Wait for the first one, and continue")
    assert variables["first"].state == "placed"
    assert variables["batch"].progress.done == 2


def test_continue_with_something_else_meanwhile(
    run: Callable[[str], dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    run("Continue with something else meanwhile")
    assert "2 models in" in capsys.readouterr().out


def test_quads_of_every_selected_object(
    run: Callable[[str], dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(2):
        bpy.ops.mesh.primitive_uv_sphere_add(location=(3.0 * number, 0.0, 0.0))
    for item in bpy.context.scene.objects:
        item.select_set(True)
    tools = run("Quads of every selected object")["tools"]
    assert [tool.error for tool in tools] == [None, None]
    assert capsys.readouterr().out.count(" faces, Method: ") == 2


def test_models_for_a_game_engine(run: Callable[[str], dict[str, Any]], tmp_path: Path) -> None:
    run("Models for a game engine")
    assert len(list((tmp_path / "game" / "models").rglob("*.glb"))) == 2
    assert sum("_LOD" in item.name for item in bpy.data.objects) == 8


def test_every_recipe_has_a_test() -> None:
    tests = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    names = [re.sub(r"[^a-z]+", "_", title.lower()).strip("_") for title in RECIPES]
    assert [name for name in names if not any(name.startswith(test) for test in tests)] == []


def test_the_examples_of_the_scripting_page_run(
    run: Callable[[str], dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path / "references")
    page = (ROOT / "docs" / "scripting.md").read_text("utf-8").replace('"~/', f'"{tmp_path.as_posix()}/')
    page = page.replace("faces=3000", "faces=500, texture_size=512")  # quicker
    found: list[dict[str, Any]] = []
    for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        found.append({})
        exec(compile(code, "scripting.md", "exec"), found[-1])
    job, batch, tool = (variables[name] for variables, name in zip(found, ("job", "batch", "tool"), strict=True))
    assert (job.state, job.error, batch.failed, tool.error) == ("placed", None, [], None)
    assert batch.progress.done == 2
    assert tool.objects
