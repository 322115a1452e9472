# SPDX-License-Identifier: GPL-3.0-or-later
"""Undo takes models away and leaves nothing behind; redo brings them back; the list always says what is so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scripted_service import ScriptedService

from .conftest import part, settle

Until = Callable[[Callable[[], Any]], None]


def scene() -> tuple[list[str], list[str]]:
    """The names of the models, and of the placeholders, in the file."""
    import bpy

    models = sorted(item.name for item in bpy.data.objects if item.type == "MESH")
    return models, [item.name for item in bpy.data.objects if item.type == "EMPTY"]


@pytest.fixture
def three(image_to_3d: Any, service: ScriptedService, image_file: Path, keep_going: Until) -> list[Any]:
    """Three jobs whose placeholders came first, and then their models."""
    import bpy

    bpy.ops.ed.undo_push(message="begin")
    service.polls_until_done = 10**6
    jobs = [image_to_3d.generate(image_file, place="PLACEHOLDER", name=f"mug {n}") for n in range(3)]
    service.polls_until_done = 0
    keep_going(lambda: all(job.state == "placed" for job in jobs))
    return jobs


def test_three_undos_and_redos_leave_nothing_behind_and_the_list_agrees(three: list[Any]) -> None:
    import bpy

    order = sorted(three, key=lambda job: job.job.since)  # in which they arrived
    models = scene()[0]
    for count in (1, 2, 3):
        bpy.ops.ed.undo()
        settle()
        assert len(scene()[0]) == 3 - count
        assert scene()[1] == []
        assert [job.state for job in order] == ["placed"] * (3 - count) + ["ready"] * count
        assert str(order[3 - count].job.note) == "Was undone"
    for count in (1, 2, 3):
        bpy.ops.ed.redo()
        settle()
        assert len(scene()[0]) == count
        assert scene()[1] == []
        assert [job.state for job in order] == ["placed"] * count + ["ready"] * (3 - count)
    assert scene()[0] == models
    assert [len(job.objects) for job in order] == [1, 1, 1]


def test_undoing_everything_and_redoing_it_brings_no_placeholder_back(three: list[Any]) -> None:
    import bpy

    for _ in range(6):
        bpy.ops.ed.undo()
        settle()
    assert scene() == ([], [])
    for _ in range(6):
        bpy.ops.ed.redo()
        settle()
    assert len(scene()[0]) == 3
    assert scene()[1] == []
    assert [job.state for job in three] == ["placed"] * 3


def test_an_undone_model_can_be_imported_at_the_cursor(three: list[Any]) -> None:
    import bpy

    last = max(three, key=lambda job: job.job.since)
    bpy.ops.ed.undo()
    settle()
    bpy.context.scene.cursor.location = (20, 0, 0)
    assert bpy.ops.image_to_3d.import_here(job_id=last.id) == {"FINISHED"}
    settle()
    assert last.state == "placed"
    assert last.objects[0].location.x == pytest.approx(20)
    bpy.ops.ed.undo()
    settle()
    assert (last.state, len(scene()[0]), scene()[1]) == ("ready", 2, [])


def test_a_model_that_the_artist_deleted_was_not_undone(three: list[Any]) -> None:
    import bpy

    bpy.data.objects.remove(three[0].objects[0])
    bpy.ops.ed.undo_push(message="delete")
    bpy.context.scene.cursor.location = (9, 9, 9)
    bpy.ops.ed.undo_push(message="move the cursor")
    bpy.ops.ed.undo()
    settle()
    assert three[0].state == "placed"


def test_a_placeholder_that_comes_back_by_undo_gets_its_model(
    image_to_3d: Any, service: ScriptedService, image_file: Path, keep_going: Until
) -> None:
    import bpy

    bpy.ops.ed.undo_push(message="begin")
    job = image_to_3d.generate(image_file, place="PLACEHOLDER")
    (empty,) = [item for item in bpy.data.objects if item.type == "EMPTY"]
    bpy.data.objects.remove(empty)
    bpy.ops.ed.undo_push(message="delete")
    keep_going(lambda: job.state == "ready" and not part("engine").busy())
    bpy.ops.ed.undo()
    keep_going(lambda: job.state == "placed")
    assert scene()[1] == []


def test_a_message_says_once_that_a_model_is_ready(
    image_to_3d: Any, service: ScriptedService, image_file: Path, keep_going: Until
) -> None:
    import bpy

    bpy.ops.ed.undo_push(message="begin")
    job = image_to_3d.generate(image_file, place="PLACEHOLDER", name="mug")
    keep_going(lambda: job.state == "placed" and not part("engine").busy())
    (notice,) = part("job_view").take_notices()
    assert str(notice.message).startswith("mug is ready")
    bpy.ops.ed.undo()
    settle()
    bpy.ops.ed.redo()
    settle()
    assert job.state == "placed"
    assert part("job_view").take_notices() == []
