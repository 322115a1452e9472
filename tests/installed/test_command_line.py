# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line as a script uses it: a process of its own, its exit code, and JSON lines on stdout."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dialect_servers import Lemonade, running
from model_files import glb
from PIL import Image
from scripted_service import ScriptedService, refuses, resets
from systems import needs_posix

from .conftest import KEY, ROOT, part

pytestmark = pytest.mark.heavy

KEYS = [
    "image", "state", "name", "model", "blend", "preview", "video", "files", "folder", "seed", "triangles",
    "dimensions", "seconds", "warnings", "skipped", "job", "error",
]  # fmt: skip


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """A folder with three images."""
    folder = tmp_path / "shots"
    folder.mkdir()
    for number in (2, 10, 1):
        (folder / f"shot {number}.png").write_bytes(png(number))
    return folder


class Run:
    """A run of the command in a process of its own."""

    def __init__(self, user: Path, service: ScriptedService | None, *arguments: object, **variables: str) -> None:
        environment = os.environ | {"BLENDER_USER_RESOURCES": str(user)}
        if service is None:
            environment["IMAGE_TO_3D_TEST_SERVICE"] = "OFFLINE"
        else:
            environment |= {"IMAGE_TO_3D_BASE_URL": service.base_url, "MODELSLAB_API_KEY": KEY}
        command = [sys.executable, str(ROOT / "tests" / "support" / "command_line.py"), "--command", "image_to_3d"]
        self.process = subprocess.Popen(
            [*command, *map(str, arguments)],
            env=environment | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def end(self, seconds: float = 100) -> tuple[int, list[dict[str, Any]], str]:
        """Wait for the end. Returns the exit code, the JSON lines, and stderr."""
        out, err = self.process.communicate(timeout=seconds)
        return self.process.returncode, [json.loads(line) for line in out.splitlines()], err


@pytest.fixture
def run(user: Path, scripted: ScriptedService) -> Iterator[Callable[..., Run]]:
    started: list[Run] = []

    def start(*arguments: object, service: ScriptedService | None = scripted, **variables: str) -> Run:
        started.append(Run(user, service, *arguments, **variables))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait(10)


def png(number: int) -> bytes:
    """An image that no other number gives."""
    content = io.BytesIO()
    image = Image.new("RGB", (64, 64), (240, 240, 240))
    image.paste((number * 37 % 200, 80, 40), (16, 16, 48, 48))
    image.save(content, "PNG")
    return content.getvalue()


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition was not met in time"
        time.sleep(0.05)


def states(lines: list[dict[str, Any]]) -> Counter[str]:
    return Counter(line["state"] for line in lines)


def all_have_previews(report: Path) -> bool:
    items = json.loads(report.with_suffix(".json").read_text())["items"]
    return all((report.parent / item["preview_file"]).is_file() for item in items)


@pytest.mark.each_version
def test_each_image_becomes_a_model_named_after_it_and_one_line_on_stdout(
    run: Callable[..., Run], scripted: ScriptedService, shots: Path, tmp_path: Path
) -> None:
    code, lines, err = run(shots, "--output-dir", tmp_path / "out", "--seed", "7", "--report").end()
    assert (code, states(lines)) == (0, {"done": 3}), err
    assert all(list(line) == KEYS for line in lines)
    assert sorted(path.name for path in (tmp_path / "out").glob("*.glb")) == ["shot 1.glb", "shot 10.glb", "shot 2.glb"]
    for line in lines:
        assert Path(line["model"]).read_bytes() == scripted.model
        assert Path(line["blend"]).is_file()
        assert (line["image"], line["triangles"]) == (str(shots / f"{line['name']}.png"), 12)
        assert (line["seed"], line["error"], line["skipped"]) == ("3480183101", None, False)
    assert [work.body["seed"] for work in scripted.submits] == [7, 7, 7]
    [report] = (tmp_path / "out").glob("*_shots/report.html")
    assert f"Report: {report}" in err
    assert all_have_previews(report)
    assert "shots: 3 of 3 models in" in err
    assert "what Blender prints at its end" in err  # and not on stdout
    assert KEY not in err + json.dumps(lines)


def test_a_mesh_tool_s_model_is_the_one_with_the_images_name_and_the_original_is_beside_it(
    run: Callable[..., Run], scripted: ScriptedService, shots: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    code, [line], err = run(shots / "shot 1.png", "--output-dir", out, "--after-import", "clean_up").end()
    assert (code, line["state"], line["warnings"]) == (0, "done", []), err
    assert sorted(path.name for path in out.glob("*.*")) == ["shot 1-original.glb", "shot 1.glb"]
    assert Path(line["model"]) == out / "shot 1.glb"
    assert Path(line["model"]).read_bytes() != scripted.model
    assert (out / "shot 1-original.glb").read_bytes() == scripted.model
    assert [Path(path).name for path in line["files"]] == ["model-clean.blend", "model-clean.glb"]


def test_an_image_that_fails_is_a_line_with_the_reason_and_exit_code_1(
    run: Callable[..., Run], scripted: ScriptedService, shots: Path, tmp_path: Path
) -> None:
    missing = shots / "missing.png"
    code, lines, _ = run(missing, shots, "--output-dir", tmp_path / "out").end()
    assert (code, states(lines)) == (1, {"done": 3, "failed": 1})
    [failed] = [line for line in lines if line["state"] == "failed"]
    assert (failed["image"], failed["model"], failed["error"]["code"]) == (str(missing), None, "image")
    assert str(missing) in failed["error"]["message"]
    assert len(scripted.submits) == 3
    assert not list((tmp_path / "out").rglob("report.html"))


def test_as_many_failures_as_allowed_are_exit_code_0(
    run: Callable[..., Run], scripted: ScriptedService, shots: Path, tmp_path: Path
) -> None:
    scripted.next("submit", refuses, refuses)
    started = [run(shots, "--output-dir", tmp_path / "a", "--max-failures", "2")]
    assert started[0].end()[0] == 0
    scripted.next("submit", refuses, refuses)
    assert run(shots, "--output-dir", tmp_path / "b", "--max-failures", "1").end()[0] == 1


def test_failed_images_are_tried_again_and_the_others_left_alone(
    run: Callable[..., Run], scripted: ScriptedService, shots: Path, tmp_path: Path
) -> None:
    scripted.next("submit", refuses)
    arguments = (shots, "--output-dir", tmp_path / "out")
    code, first, _ = run(*arguments).end()
    assert (code, states(first)) == (1, {"done": 2, "failed": 1})
    (shots / "new.png").write_bytes(png(77))
    code, second, err = run(*arguments, "--resume").end()
    assert (code, states(second)) == (0, {"done": 4}), err
    assert sum(line["skipped"] for line in second) == 2
    assert {line["model"] for line in first if line["model"]} == {line["model"] for line in second if line["skipped"]}
    assert len(scripted.submits) == 4  # two, the one that was refused, and the new one
    assert len(list((tmp_path / "out").glob("*.glb"))) == 4


@pytest.mark.heavy
@needs_posix
@pytest.mark.parametrize(
    "number",
    [signal.SIGKILL, *(pytest.param(each, marks=pytest.mark.long) for each in (signal.SIGINT, signal.SIGTERM))],
)
def test_a_run_that_was_ended_continues_with_resume_and_nothing_is_paid_twice(
    run: Callable[..., Run], scripted: ScriptedService, shots: Path, tmp_path: Path, number: signal.Signals
) -> None:
    for extra in range(20, 25):
        (shots / f"shot {extra}.png").write_bytes(png(extra))
    scripted.polls_until_done = 2
    arguments = (shots, "--output-dir", tmp_path / "out", "--jobs", "3")
    first = run(*arguments)
    until(lambda: len(scripted.submits) >= 4)
    first.process.send_signal(number)
    code, lines, err = first.end(30)
    if number == signal.SIGKILL:
        assert code == -signal.SIGKILL
    else:
        assert code == 128 + number
        assert len(lines) == 8, "each image has a line"
        assert states(lines)["unfinished"] > 0
        assert "Add --resume to continue" in err
    submitted = len(scripted.submits)
    time.sleep(1.0)
    assert len(scripted.submits) == submitted, "something goes on after the end"
    code, lines, err = run(*arguments, "--resume").end()
    # What was being sent at that moment may have arrived or not: it is never sent again by itself.
    unknown = [line for line in lines if (line["error"] or {}).get("code") == "outcome_unknown"]
    assert (code, states(lines)["done"]) == (int(bool(unknown)), 8 - len(unknown)), err
    assert len(unknown) <= 3
    assert 8 - len(unknown) <= len(scripted.submits) <= 8
    assert len(list((tmp_path / "out").glob("*.glb"))) == 8 - len(unknown)


@pytest.mark.long
def test_a_request_without_a_reply_is_sent_again_only_when_that_is_asked_for(
    run: Callable[..., Run], scripted: ScriptedService, shots: Path, tmp_path: Path
) -> None:
    scripted.next("submit", resets)
    arguments = (shots / "shot 1.png", "--output-dir", tmp_path / "out")
    for more in ([], ["--resume"]):
        code, [line], err = run(*arguments, *more).end()
        assert (code, line["error"]["code"]) == (1, "outcome_unknown"), err
        assert not scripted.submits
    code, [line], err = run(*arguments, "--send-unconfirmed").end()
    assert (code, line["state"]) == (0, "done"), err
    assert len(scripted.submits) == 1


@needs_posix
def test_a_run_that_lives_is_waited_for_before_its_images_are_continued(
    run: Callable[..., Run], scripted: ScriptedService, shots: Path, tmp_path: Path
) -> None:
    scripted.polls_until_done = 10**6
    arguments = (shots, "--output-dir", tmp_path / "out")
    living = run(*arguments)
    until(lambda: len(scripted.submits) == 3)
    second = run(*arguments, "--resume")
    time.sleep(6)
    assert second.process.poll() is None
    scripted.polls_until_done = 0
    living.process.kill()
    code, lines, err = second.end()
    assert (code, states(lines)) == (0, {"done": 3}), err
    assert "Waiting until it ends" in err
    assert len(scripted.submits) == 3


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--mesh-simplify", "0,95"], "mesh_simplify"),
        (["--resolution", "4000"], "resolution is 4000"),
        (["--size", "-1"], "size is -1"),
        (["--origin", "TOP"], "origin"),
        (["--rotation", "90", "0"], "--rotation"),
        (["--range", "3-x"], "3-x"),
        (["--jobs", "0"], "--jobs"),
        (["--api-key", "x"], "--api-key"),
        (["--pattern", "*_front.png"], "There are no images"),
    ],
)
def test_what_can_t_be_used_is_named_before_anything_starts(
    run: Callable[..., Run], scripted: ScriptedService, shots: Path, tmp_path: Path, arguments: list[str], named: str
) -> None:
    code, lines, err = run(shots, "--output-dir", tmp_path / "out", *arguments).end()
    assert (code, lines) == (2, [])
    assert named in err
    assert not scripted.requests
    assert not (tmp_path / "out").exists()


def test_no_key_and_no_online_access_are_said_before_anything_starts(run: Callable[..., Run], shots: Path) -> None:
    code, lines, err = run(shots, MODELSLAB_API_KEY="").end()
    assert (code, lines) == (2, [])
    assert "MODELSLAB_API_KEY" in err
    code, lines, err = run(shots, "--service", "modelslab").end()
    assert (code, lines) == (2, [])
    assert "--online-mode" in err


@pytest.mark.usefixtures("image_to_3d")
def test_the_help_names_each_parameter_and_setting_with_its_range(run: Callable[..., Run]) -> None:
    process = run("--help", COLUMNS="200", LANG="de_DE.UTF-8").process
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    text = " ".join(out.split())
    parameters, placement = part("api.parameters"), part("placement")
    for parameter in parameters.PARAMETERS.values():
        if parameter.group == "view":
            assert parameter.name.removeprefix("image_") in text  # as a SIDE of --view
        elif parameter.name not in ("image", "output_format"):
            assert f"--{parameter.name.replace('_', '-')}" in text
            assert f"{parameter.label}: {parameter.description}" in text
    for name, setting in placement.SETTINGS.items():
        assert f"--{name.replace('_', '-')}" in text
        assert f"{setting.label}: {setting.description}" in text
    assert "a number from 0.9 to 0.98; default: 0.9" in text


def test_settings_reach_the_service_and_the_blend(
    run: Callable[..., Run], scripted: ScriptedService, shots: Path, tmp_path: Path
) -> None:
    settings = ["--mesh-simplify", "0.95", "--render", "--size", "3", "--rotation", "0", "0", "-90", "--no-on-ground"]
    listed = tmp_path / "list.txt"
    listed.write_text(f"{shots / 'shot 1.png'}\n\n--seed=9\n", "utf-8")
    out = tmp_path / "out"
    code, [line], err = run(f"@{listed}", "--output-dir", out, "--format", "blend", *settings).end()
    assert code == 0, err
    body = scripted.submits[0].body
    assert (body["mesh_simplify"], body["seed"], body["output_format"]) == (0.95, 9, "glb")
    assert line["blend"] == str(out / "shot 1.blend")
    assert Path(line["blend"]).is_file()
    assert max(line["dimensions"]) == pytest.approx(3.0)
    assert Path(line["model"]).parent == Path(line["folder"])


def test_only_the_images_with_a_number_in_the_range_are_used(
    run: Callable[..., Run], scripted: ScriptedService, shots: Path, tmp_path: Path
) -> None:
    (shots / "more").mkdir()
    shutil.copy(shots / "shot 1.png", shots / "more" / "shot 1.png")
    arguments = (shots, shots / "shot 10.png", "--recursive", "--output-dir", tmp_path / "out")
    _, lines, _ = run(*arguments, "--range", "2-3,9").end()
    assert {Path(line["image"]).name for line in lines} == {"shot 1.png", "shot 2.png"}
    _, lines, _ = run(*arguments, "--range", "1,4-7:3").end()
    assert sorted(line["image"] for line in lines) == [str(shots / "more" / "shot 1.png"), str(shots / "shot 10.png")]
    assert sorted(path.name for path in (tmp_path / "out").glob("*.glb")) == [
        "shot 1-2.glb", "shot 1.glb", "shot 10.glb", "shot 2.glb"
    ]  # fmt: skip
    assert run(*arguments, "--range", "100-200").end()[:2] == (0, [])
    assert len(scripted.submits) == 4


def test_the_files_that_an_obj_refers_to_are_beside_it_in_a_folder(
    run: Callable[..., Run], image_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = (image_file, "--output-dir", out, "--format", "obj", "--resolution", "64")
    code, [line], err = run(*arguments, service=None).end()
    assert code == 0, err
    model = Path(line["model"])
    assert model == out / "chair" / "chair.obj"
    [library] = [text.split(maxsplit=1)[1] for text in model.read_text().splitlines() if text.startswith("mtllib ")]
    textures = [text.split()[-1] for text in (model.parent / library).read_text().splitlines() if "map_Kd" in text]
    assert textures
    assert all((model.parent / name).is_file() for name in textures)


def test_without_an_output_folder_the_models_are_in_the_results_folder(
    run: Callable[..., Run], shots: Path, tmp_path: Path
) -> None:
    data = {"IMAGE_TO_3D_DATA": str(tmp_path)}
    code, lines, _ = run(shots, **data).end()
    assert code == 0
    assert {Path(line["model"]).parent.parent.parent for line in lines} == {tmp_path / "image-to-3d" / "results"}
    code, lines, _ = run(shots, "--resume", **data).end()
    assert (code, [line["skipped"] for line in lines]) == (0, [True] * 3)


def test_progress_is_written_as_open_job_description_messages(
    run: Callable[..., Run], shots: Path, tmp_path: Path
) -> None:
    arguments = (shots, shots / "missing.png", "--output-dir", tmp_path / "out", "--openjd")
    code, lines, err = run(*arguments).end()
    assert (code, len(lines)) == (1, 4)
    percentages = [float(line.split(":")[1]) for line in err.splitlines() if line.startswith("openjd_progress: ")]
    assert percentages == sorted(percentages)
    assert percentages[-1] == 100.0
    assert "openjd_fail: 1 of 4 images have no model" in err.splitlines()


def test_a_reader_that_stops_reading_does_not_stop_the_run(
    run: Callable[..., Run], scripted: ScriptedService, shots: Path, tmp_path: Path
) -> None:
    started = run(shots, "--output-dir", tmp_path / "out")
    assert started.process.stdout is not None
    started.process.stdout.close()
    assert started.process.wait(100) == 0
    assert len(list((tmp_path / "out").glob("*.glb"))) == 3


@pytest.mark.parametrize(("saved", "chosen"), [("MODELSLAB", "CUSTOM"), ("CUSTOM", "MODELSLAB")])
def test_the_key_that_was_entered_for_one_service_is_not_sent_to_another(
    preferences: Any, saved: str, chosen: str
) -> None:
    preferences.service, preferences.api_key = saved, KEY
    module = part("preferences")
    assert module.read_config().keys == {saved: KEY}
    module.override(module.Overrides(service=chosen))
    try:
        assert module.read_config().keys == {chosen: ""}
    finally:
        module.override(None)


def test_a_server_of_ones_own_makes_the_models_without_key_and_online_access(
    run: Callable[..., Run], shots: Path, tmp_path: Path
) -> None:
    server = Lemonade(glb(300))
    with running(server) as address:
        options = ("--service", "local", "--local-url", address, "--voxel-resolution", "1536", "--background", "remove")
        options += ("--local-model", "another-model")
        code, lines, err = run(shots, *options, "--output-dir", tmp_path / "out", service=None).end()
    assert (code, len(lines)) == (0, 3), err
    assert {line["state"] for line in lines} == {"done"}
    assert {(each.json["resolution"], each.json["bg_removal"]) for each in server.received} == {(1536, "birefnet")}
    assert {each.json["model"] for each in server.received} == {"another-model"}
    assert server.most_at_once == 1


def test_a_refusal_of_the_service_is_quoted(run: Callable[..., Run], scripted: ScriptedService, shots: Path) -> None:
    scripted.next("submit", refuses)
    code, lines, err = run(shots / "shot 1.png", "--output-dir", shots / "out").end()
    assert (code, lines[0]["state"], lines[0]["error"]["code"]) == (1, "failed", "refused")
    assert "The subject was not recognized" in lines[0]["error"]["message"]
    assert "The subject was not recognized" in err


def test_a_mesh_tool_runs_on_model_files_and_one_that_fails_does_not_stop_the_others(
    run: Callable[..., Run], scripted: ScriptedService, tmp_path: Path
) -> None:
    (tmp_path / "cube.glb").write_bytes(scripted.model)
    (tmp_path / "broken.glb").write_bytes(scripted.model[:200])
    out = tmp_path / "out"
    files = [tmp_path / name for name in ("broken.glb", "cube.glb", "missing.stl")]
    code, lines, err = run(
        "tool", "remesh", *files, "--faces", "600", "--texture-size", "512", "--output-dir", out
    ).end()
    assert (code, [line["state"] for line in lines]) == (1, ["failed", "done", "failed"]), err
    assert lines[1]["files"] == [str(out / "cube.glb")]
    assert lines[1]["facts"]["faces"] == pytest.approx(600, rel=0.2)
    assert lines[1]["notes"][0].startswith("Method: ")
    assert [path.name for path in out.iterdir()] == ["cube.glb"], "temporary files are left"


def test_what_a_mesh_tool_does_not_take_is_refused(run: Callable[..., Run], tmp_path: Path) -> None:
    code, lines, err = run("tool", "remesh", tmp_path / "cube.glb", "--faces", "5").end()
    assert (code, lines) == (2, [])
    assert "faces is 5, but must be an integer from 500 to 50,000" in err
