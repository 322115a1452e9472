# SPDX-License-Identifier: GPL-3.0-or-later
"""From an image to a model in the scene, as a script asks for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from scripted_service import ScriptedService

from .conftest import part


def refusal(status: int, message: str) -> Callable[..., tuple[int, dict[str, str], bytes]]:
    body = json.dumps({"status": "error", "message": message}).encode()
    return lambda _request: (status, {"Content-Type": "application/json"}, body)


def test_wait_gives_the_finished_job_with_its_objects_and_files(
    image_to_3d: Any, service: ScriptedService, image_file: Path
) -> None:
    import bpy

    bpy.context.scene.cursor.location = (1.0, -2.0, 0.5)
    job = image_to_3d.generate(image_file, wait=True, seed=7)
    assert job.error is None
    assert job.state == "placed"
    assert job.name == "chair"
    assert [o for o in job.objects if o.type == "MESH"]
    assert all(o.name in bpy.context.scene.objects for o in job.objects)
    assert tuple(job.objects[0].matrix_world.translation) == pytest.approx((1.0, -2.0, 0.5), abs=1e-5)
    assert job.model_path.read_bytes() == service.model
    assert job.blend_path.is_file()
    assert job.video_path is None
    assert service.submits[0].body["seed"] == 7


def test_without_wait_it_goes_on_by_itself_and_can_be_waited_for_later(
    image_to_3d: Any, service: ScriptedService, image_file: Path
) -> None:
    job = image_to_3d.generate(str(image_file))
    assert job.state in tuple(image_to_3d.State)
    assert job.objects == ()
    assert job.model_path is None
    job.wait(timeout=60)
    assert job.state == "placed"
    assert job.objects


def test_waiting_no_longer_than_asked_leaves_the_job_running(
    image_to_3d: Any, service: ScriptedService, image_file: Path
) -> None:
    service.polls_until_done = 100
    job = image_to_3d.generate(image_file)
    with pytest.raises(TimeoutError, match="chair"):
        job.wait(timeout=0.2)
    assert job.state not in ("failed", "cancelled")
    job.cancel()
    assert job.wait(timeout=10).state == "cancelled"
    assert job.objects == ()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"resolution": 513}, ["resolution", "513", "512"]),
        ({"mesh_simplify": 0.5}, ["mesh_simplify", "0.5", "0.9", "0.98"]),
        ({"seed": -1}, ["seed", "-1"]),
        ({"output_format": "fbx"}, ["output_format", "fbx", "glb"]),
        ({"sede": 7}, ["sede", "seed"]),
        ({"size": -1.0}, ["size", "-1"]),
        ({"place": "MOON"}, ["place", "MOON", "CURSOR"]),
        ({"select": "yes"}, ["select", "yes"]),
    ],
)
def test_a_wrong_setting_is_refused_by_name_before_anything_is_sent(
    image_to_3d: Any, service: ScriptedService, image_file: Path, settings: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(image_to_3d.ParameterError) as refused:
        image_to_3d.generate(image_file, wait=True, **settings)
    for word in words:
        assert word in str(refused.value)
    assert service.requests == []


def test_the_image_can_be_given_only_once(image_to_3d: Any, service: ScriptedService, image_file: Path) -> None:
    with pytest.raises(TypeError, match="image"):
        image_to_3d.generate(image_file, image="https://example.org/a.png")
    assert service.requests == []


def test_an_image_that_is_not_there_is_refused_before_anything_is_sent(
    image_to_3d: Any, service: ScriptedService, tmp_path: Path
) -> None:
    with pytest.raises(image_to_3d.ImageError, match="nowhere"):
        image_to_3d.generate(tmp_path / "nowhere.png", wait=True)
    assert service.requests == []


def test_what_the_service_refuses_is_said_by_the_job(
    image_to_3d: Any, service: ScriptedService, image_file: Path
) -> None:
    service.next("submit", refusal(402, "Your wallet is empty"))
    job = image_to_3d.generate(image_file, wait=True, timeout=60)
    assert job.state == "failed"
    assert job.error.code == "no_credit"
    assert "Top up" in str(job.error)
    assert job.objects == ()


def test_a_public_address_is_sent_as_it_is_and_nothing_is_uploaded(image_to_3d: Any, service: ScriptedService) -> None:
    job = image_to_3d.generate("https://example.org/images/red%20vase.png", wait=True, timeout=60)
    assert job.state == "placed"
    assert job.name == "red vase"
    assert service.count("upload") == 0
    assert service.submits[0].body["image"] == "https://example.org/images/red%20vase.png"


def test_without_a_scene_only_files_are_made(image_to_3d: Any, service: ScriptedService, image_file: Path) -> None:
    import bpy

    job = image_to_3d.generate(image_file, wait=True, scene=None)
    assert job.state == "ready"
    assert job.model_path.is_file()
    assert len(bpy.data.objects) == 0


def test_the_model_is_placed_as_the_placement_settings_say(
    image_to_3d: Any, service: ScriptedService, image_file: Path
) -> None:
    import bpy

    bpy.context.scene.cursor.location = (5.0, 5.0, 5.0)
    job = image_to_3d.generate(image_file, wait=True, name="Cube of Wood", place="ORIGIN", size=3.0, collection="Props")
    root = job.objects[0]
    assert root.name == "Cube of Wood"
    assert tuple(root.matrix_world.translation) == pytest.approx((0.0, 0.0, 0.0), abs=1e-5)
    assert max(root.dimensions) == pytest.approx(3.0, abs=1e-4)
    assert [c.name for c in root.users_collection] == ["Props"]


def test_the_operator_sees_the_job_through_when_a_script_calls_it(service: ScriptedService, image_file: Path) -> None:
    import bpy

    bpy.context.scene.image_to_3d.image = str(image_file)
    bpy.context.scene.image_to_3d.resolution = 300
    assert bpy.ops.image_to_3d.generate() == {"FINISHED"}
    assert bpy.data.objects["chair"].type == "MESH"
    assert service.submits[0].body["resolution"] == 300


def test_the_operator_takes_an_image_of_its_own(service: ScriptedService, image_file: Path) -> None:
    import bpy

    assert bpy.ops.image_to_3d.generate(image=str(image_file)) == {"FINISHED"}
    assert "chair" in bpy.data.objects
    assert bpy.context.scene.image_to_3d.image == ""


def test_the_operators_errors_are_raised_in_scripts(service: ScriptedService, image_file: Path) -> None:
    import bpy

    with pytest.raises(RuntimeError, match="No image is chosen"):
        bpy.ops.image_to_3d.generate()
    service.next("submit", refusal(401, "Invalid API Key"))
    with pytest.raises(RuntimeError, match="API key"):
        bpy.ops.image_to_3d.generate(image=str(image_file))


def test_a_path_relative_to_the_file_is_found(service: ScriptedService, image_file: Path) -> None:
    import bpy

    bpy.ops.wm.save_as_mainfile(filepath=str(image_file.parent / "room.blend"))
    assert bpy.ops.image_to_3d.generate(image="//chair.png") == {"FINISHED"}


def test_a_jobs_buttons_do_what_they_say(
    image_to_3d: Any, service: ScriptedService, image_file: Path, keep_going: Callable[..., None]
) -> None:
    import bpy

    service.next("submit", refusal(402, "Your wallet is empty"))
    job = image_to_3d.generate(image_file, wait=True, timeout=60)
    assert job.state == "failed"
    bpy.ops.image_to_3d.retry(job_id=job.id)
    keep_going(lambda: job.state == "placed")
    assert len(service.submits) == 1

    before = len(bpy.data.objects)
    bpy.ops.image_to_3d.import_here(job_id=job.id)
    assert len(bpy.data.objects) == 2 * before

    bpy.ops.image_to_3d.dismiss(job_id=job.id)
    keep_going(lambda: part("job_view").job(job.id) is None)
    assert job.model_path.is_file()


def test_clearing_takes_off_the_list_what_is_over_and_nothing_else(
    image_to_3d: Any, service: ScriptedService, image_file: Path, keep_going: Callable[..., None]
) -> None:
    import bpy

    done = image_to_3d.generate(image_file, wait=True)
    service.next("submit", refusal(402, "Your wallet is empty"))
    failed = image_to_3d.generate(image_file, wait=True)
    bpy.ops.image_to_3d.clear_finished()
    keep_going(lambda: part("job_view").job(done.id) is None)
    assert part("job_view").job(failed.id).state == "failed"
    assert done.model_path.is_file()


def test_many_jobs_go_on_side_by_side(image_to_3d: Any, service: ScriptedService, image_file: Path) -> None:
    jobs = [image_to_3d.generate(image_file, name=f"copy {i}") for i in range(4)]
    for job in jobs:
        job.wait(timeout=120)
    assert {job.state for job in jobs} == {"placed"}
    assert len({o.name for job in jobs for o in job.objects}) >= 4
    assert len(service.submits) == 4


def test_all_that_failed_can_be_tried_again_at_once(
    image_to_3d: Any, service: ScriptedService, image_file: Path
) -> None:
    import bpy

    service.polls_until_done = 0
    service.next("submit", refusal(402, "no credit"), refusal(402, "no credit"))
    jobs = [image_to_3d.generate(image_file, wait=True) for _ in range(2)]
    assert [job.error.code for job in jobs] == ["no_credit"] * 2
    assert bpy.ops.image_to_3d.retry_all() == {"FINISHED"}
    assert [job.wait(timeout=60).state for job in jobs] == ["placed"] * 2


def test_a_script_does_not_wait_for_a_tool_that_can_only_end_after_it(
    image_to_3d: Any, service: ScriptedService, image_file: Path
) -> None:
    import bpy

    class Tool(bpy.types.Operator):
        bl_idname = "scene.tool_in_use"
        bl_label = "Tool in Use"
        bl_options: ClassVar[set[str]] = {"UNDO"}

        def execute(self, context: Any) -> set[str]:
            context.window_manager.modal_handler_add(self)
            return {"RUNNING_MODAL"}

        def modal(self, _context: Any, _event: Any) -> set[str]:
            return {"RUNNING_MODAL"}

    bpy.utils.register_class(Tool)
    try:
        assert bpy.ops.scene.tool_in_use() == {"RUNNING_MODAL"}
        job = image_to_3d.generate(image_file, wait=True, timeout=60)
        assert job.state == "ready"
        assert job.error is None
    finally:
        bpy.ops.wm.read_homefile(use_empty=True)
        bpy.utils.unregister_class(Tool)


def test_a_job_that_is_off_the_list_or_switched_off_can_still_be_waited_for(
    image_to_3d: Any, service: ScriptedService, image_file: Path
) -> None:
    import bpy

    job = image_to_3d.generate(image_file, wait=True)
    bpy.ops.image_to_3d.dismiss(job_id=job.id)
    assert job.wait(timeout=60).state == "placed"
    other = image_to_3d.generate(image_file)
    part("engine").stop()
    assert other.wait(timeout=60) is other


def test_a_linked_scene_is_reported_before_anything_is_sent(
    image_to_3d: Any, service: ScriptedService, image_file: Path, tmp_path: Path
) -> None:
    import bpy

    bpy.context.scene.name = "Shot"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "shot.blend"), link=True) as (_, here):
        here.scenes = ["Shot"]
    linked = next(scene for scene in bpy.data.scenes if scene.library is not None)
    with pytest.raises(image_to_3d.ParameterError, match="linked"):
        image_to_3d.generate(image_file, scene=linked)
    bpy.context.window.scene = linked
    assert not bpy.ops.image_to_3d.generate.poll()
    with pytest.raises(RuntimeError):
        bpy.ops.image_to_3d.generate(image=str(image_file))
    assert service.requests == []
