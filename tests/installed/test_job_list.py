# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rows the job list has, in which order, and what a click on one does."""

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
def rows(image_to_3d: Any) -> Any:
    """The rows of the list, as they are now: `rows.shown()`."""
    found = part("job_rows")
    found.shown = lambda: [row.key for row in found.rows()]
    return found


def names(rows: Any) -> list[str]:
    """What the list's search looks through, in the order of the rows."""
    return [item.name for item in bpy.context.window_manager.image_to_3d_rows]


def click(rows: Any, key: str) -> None:
    """Select a row as a click on it does."""
    bpy.context.window_manager.image_to_3d_row = rows.shown().index(key)


def test_a_job_is_in_the_list_as_soon_as_the_button_is_pressed(
    image_to_3d: Any, service: ScriptedService, image_file: Path, rows: Any
) -> None:
    assert rows.shown() == []
    job = image_to_3d.generate(image_file)
    assert rows.shown() == [job.id]


def test_rows_never_change_their_order_whatever_becomes_of_their_jobs(
    image_to_3d: Any, service: ScriptedService, image_file: Path, rows: Any
) -> None:
    service.next("submit", answers(to_json({"status": "error", "message": "Your wallet is empty"}, 402)))
    failed = image_to_3d.generate(image_file, wait=True)
    done = image_to_3d.generate(image_file, wait=True)
    service.polls_until_done = 1000
    running = image_to_3d.generate(image_file)
    order = [running.id, done.id, failed.id]
    assert rows.shown() == order
    service.polls_until_done = 0
    bpy.ops.image_to_3d.retry(job_id=failed.id)
    failed.wait(60)
    assert failed.state == "placed"
    running.cancel()
    part("engine").drain()
    assert rows.shown() == order


def test_a_new_job_leaves_the_selection_with_the_job_that_was_selected(
    image_to_3d: Any, service: ScriptedService, image_file: Path, rows: Any
) -> None:
    service.polls_until_done = 1000
    first, second = image_to_3d.generate(image_file), image_to_3d.generate(image_file)
    click(rows, first.id)
    image_to_3d.generate(image_file)
    assert rows.selected().key == first.id
    assert bpy.context.window_manager.image_to_3d_row == 2
    second.cancel()
    part("engine").drain()
    bpy.ops.image_to_3d.dismiss(job_id=second.id)
    assert rows.selected().key == first.id


def test_after_a_row_was_removed_no_other_one_is_selected_in_its_place(
    image_to_3d: Any, service: ScriptedService, image_file: Path, rows: Any
) -> None:
    jobs = [image_to_3d.generate(image_file, wait=True) for _ in range(3)]
    click(rows, jobs[1].id)
    bpy.ops.image_to_3d.dismiss(job_id=jobs[1].id)
    part("engine").drain()
    assert rows.shown() == [jobs[2].id, jobs[0].id]
    assert rows.selected() is None


def test_the_first_job_that_fails_shows_its_error_and_the_next_ones_do_not_take_its_place(
    image_to_3d: Any, service: ScriptedService, image_file: Path, rows: Any
) -> None:
    reply = to_json({"status": "error", "message": "Your wallet is empty"}, 402)
    service.next("submit", answers(reply), answers(reply))
    first = image_to_3d.generate(image_file, wait=True)
    image_to_3d.generate(image_file, wait=True)
    assert rows.selected().key == first.id


def test_a_row_has_the_name_of_its_object_and_a_click_selects_that_even_renamed(
    image_to_3d: Any, service: ScriptedService, image_file: Path, rows: Any
) -> None:
    first = image_to_3d.generate(image_file, wait=True)
    second = image_to_3d.generate(image_file, wait=True)
    assert names(rows) == ["chair.001", "chair"] == [rows.name_of(second.job), rows.name_of(first.job)]
    click(rows, first.id)
    assert bpy.context.selected_objects[0] == bpy.context.view_layer.objects.active == first.objects[0]
    second.objects[0].name = "Throne"
    click(rows, second.id)
    assert [item.name for item in bpy.context.selected_objects] == ["Throne"]
    bpy.data.objects.remove(bpy.data.objects["Throne"])
    assert rows.name_of(second.job) == "chair"


def test_filling_the_list_selects_nothing_in_the_scene_and_neither_does_a_click_in_edit_mode(
    image_to_3d: Any, service: ScriptedService, image_file: Path, rows: Any
) -> None:
    first = image_to_3d.generate(image_file, wait=True)
    second = image_to_3d.generate(image_file, wait=True)
    rows.select(first.id)
    assert bpy.context.view_layer.objects.active == second.objects[0]
    bpy.ops.object.mode_set(mode="EDIT")
    click(rows, first.id)
    assert rows.selected().key == first.id
    assert bpy.context.view_layer.objects.active == second.objects[0]
    bpy.ops.object.mode_set(mode="OBJECT")


def test_jobs_of_other_files_are_one_row_and_their_models_are_imported_beside_each_other(
    image_to_3d: Any, service: ScriptedService, image_file: Path, rows: Any, keep_going: Callable[..., None]
) -> None:
    service.polls_until_done = 4
    others = [image_to_3d.generate(image_file) for _ in range(2)]
    bpy.ops.wm.read_homefile(use_empty=True)
    here = image_to_3d.generate(image_file, wait=True)
    keep_going(lambda: len(rows.waiting(of_other_files=True)) == 2)
    assert rows.shown() == [here.id, rows.OTHER_FILES]
    assert rows.other_files() == 2
    bpy.ops.image_to_3d.expand_row(key=rows.OTHER_FILES)
    assert rows.shown() == [here.id, rows.OTHER_FILES, others[1].id, others[0].id]
    assert not bpy.ops.image_to_3d.import_all.poll()
    bpy.context.scene.cursor.location = (5.0, 0.0, 0.0)
    assert bpy.ops.image_to_3d.import_others() == {"FINISHED"}
    keep_going(lambda: all(job.state == "placed" for job in others))
    bpy.context.view_layer.update()
    left, right = sorted((job.objects[0] for job in others), key=lambda item: item.location.x)
    assert left.location.x == pytest.approx(5.0)
    assert right.location.x - left.location.x >= left.dimensions.x


def test_a_batch_expands_to_all_of_its_images_even_those_without_a_job(
    image_to_3d: Any, service: ScriptedService, preferences: Any, image_file: Path, rows: Any
) -> None:
    preferences.job_limit = 1
    service.polls_until_done = 1000
    batch = image_to_3d.generate_many([{"image": image_file, "name": f"copy {number}"} for number in range(30)])
    single = image_to_3d.generate(image_file)
    assert rows.shown() == [single.id, batch.id]
    bpy.ops.image_to_3d.expand_row(key=batch.id)
    assert len(rows.shown()) == 32
    assert names(rows)[:4] == ["chair", batch.name, "copy 0", "copy 1"]
    rows.select(rows.shown()[-1])
    bpy.ops.image_to_3d.expand_row(key=batch.id)
    assert rows.shown() == [single.id, batch.id]
    assert rows.selected() is None


def test_cancelling_and_removing_ask_only_when_something_may_have_been_charged(
    image_to_3d: Any, service: ScriptedService, image_file: Path, keep_going: Callable[..., None]
) -> None:
    actions = part("operators.job_actions")
    service.polls_until_done = 1000
    job = image_to_3d.generate(image_file)
    assert actions._ask_cancel(job.job) is None
    keep_going(lambda: job.state == "waiting")
    assert actions._ask_cancel(job.job).confirm == "Cancel Job"
    job.cancel()
    assert actions._ask_remove(job.job) is None
    ready = image_to_3d.generate(image_file, scene=None)
    service.polls_until_done = 0
    ready.wait(60)
    assert "charged" in actions._ask_remove(ready.job).message


def test_a_cancel_button_that_is_older_than_the_end_of_its_job_does_nothing(
    image_to_3d: Any, service: ScriptedService, image_file: Path
) -> None:
    ready = image_to_3d.generate(image_file, scene=None, wait=True)
    assert ready.state == "ready"
    assert bpy.ops.image_to_3d.cancel_job(job_id=ready.id) == {"CANCELLED"}
    assert ready.state == "ready"


def test_all_that_failed_is_retried_and_all_that_runs_is_cancelled_with_one_click(
    image_to_3d: Any, service: ScriptedService, image_file: Path, keep_going: Callable[..., None]
) -> None:
    reply = answers(to_json({"status": "error", "message": "Your wallet is empty"}, 402))
    service.next("submit", reply, reply)
    single = image_to_3d.generate(image_file, wait=True)
    batch = image_to_3d.generate_many([image_file], report=False, wait=True)
    assert part("job_view").count("failed") == 2
    service.polls_until_done = 1000
    bpy.ops.image_to_3d.retry_all()
    keep_going(lambda: single.state == batch.jobs[0].state == "waiting")
    bpy.ops.image_to_3d.cancel_all()
    keep_going(lambda: single.state == batch.jobs[0].state == "cancelled")
    assert not bpy.ops.image_to_3d.cancel_all.poll()


def test_no_name_in_the_list_gets_into_a_blend_file(
    image_to_3d: Any, service: ScriptedService, image_file: Path, tmp_path: Path
) -> None:
    image_to_3d.generate(image_file, name="secret project", scene=None, wait=True)
    path = tmp_path / "file.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=False)
    assert b"secret project" not in path.read_bytes()


def test_every_action_that_an_error_advises_has_a_button(image_to_3d: Any) -> None:
    buttons = part("panels.job_details").BUTTONS
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
