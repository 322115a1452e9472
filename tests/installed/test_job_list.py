# SPDX-License-Identifier: GPL-3.0-or-later
"""Which jobs the panel shows."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import pytest
from scripted_service import ScriptedService, answers, to_json

from .conftest import part


@pytest.fixture
def page(image_to_3d: Any) -> Callable[[int], Any]:
    rows = part("job_view")
    return lambda number: rows.page(number)


def test_a_job_is_in_the_list_as_soon_as_the_button_is_pressed(
    image_to_3d: Any, service: ScriptedService, image_file: Path, page: Callable[[int], Any]
) -> None:
    assert page(0) == ([], 0, 1)
    job = image_to_3d.generate(image_file)
    assert [shown.id for shown in page(0)[0]] == [job.id]


def test_many_jobs_are_shown_page_by_page_and_each_once(
    image_to_3d: Any, service: ScriptedService, image_file: Path, page: Callable[[int], Any]
) -> None:
    service.polls_until_done = 1000
    ids = {image_to_3d.generate(image_file, name=f"copy {i}").id for i in range(20)}
    pages = [page(number)[0] for number in range(page(0)[2])]
    assert [len(jobs) for jobs in pages] == [8, 8, 4]
    assert {job.id for jobs in pages for job in jobs} == ids
    assert page(99)[1] == 2


def test_what_asks_for_attention_comes_before_what_is_over(
    image_to_3d: Any, service: ScriptedService, image_file: Path, page: Callable[[int], Any]
) -> None:
    service.next("submit", answers(to_json({"status": "error", "message": "Your wallet is empty"}, 402)))
    failed = image_to_3d.generate(image_file, wait=True)
    done = image_to_3d.generate(image_file, wait=True)
    assert [job.id for job in page(0)[0]] == [failed.id, done.id]


def test_of_what_waits_in_the_queue_the_next_one_comes_first(
    image_to_3d: Any,
    service: ScriptedService,
    preferences: Any,
    image_file: Path,
    page: Callable[[int], Any],
    keep_going: Callable[..., None],
) -> None:
    preferences.job_limit = 1
    service.polls_until_done = 1000
    first, second, third = (image_to_3d.generate(image_file) for _ in range(3))
    keep_going(lambda: first.state == "waiting")
    assert [job.id for job in page(0)[0]] == [first.id, second.id, third.id]


def test_every_action_that_an_error_advises_has_a_button(image_to_3d: Any) -> None:
    buttons = part("panels.job_list").BUTTONS
    operators = set(dir(bpy.ops.image_to_3d))
    for action in part("errors").Action:
        assert action == "" or buttons[action][0].partition(".")[2] in operators


def test_what_an_artist_reads_says_image_and_never_picture(image_to_3d: Any) -> None:
    package = Path(part("preferences").__file__).parent
    for file in package.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            assert "picture" not in text.lower() or " " not in text, f"{file.name}: {text}"


def test_a_point_cloud_is_placed_and_the_list_says_what_it_is(
    image_to_3d: Any, service: ScriptedService, image_file: Path
) -> None:
    rows = "".join(f"{x} {y} {z} {200 * x} 40 30\n" for x in (0, 1) for y in (0, 1) for z in (0, 1))
    names = "".join(f"property float {axis}\n" for axis in "xyz")
    names += "".join(f"property uchar {color}\n" for color in ("red", "green", "blue"))
    service.model = f"ply\nformat ascii 1.0\nelement vertex 8\n{names}end_header\n{rows}".encode()
    job = image_to_3d.generate(image_file, wait=True, output_format="ply")
    assert (job.state, job.error) == ("placed", None)
    note = str(part("jobs.progress").no_mesh_note(job.job.details))
    assert "8 points" in note
    assert "GLB" in note
    bpy.context.view_layer.update()
    assert max(job.objects[0].dimensions) > 0.5
