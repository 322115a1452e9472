# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches as scripters and artists use them: arranged in the scene, continued everywhere, commanded from the list."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import pytest
from scripted_service import ScriptedService, answers, to_json

from .conftest import ROOT, part

pytestmark = pytest.mark.heavy

KeepGoing = Callable[[Callable[[], Any]], None]
REFUSED = answers(to_json({"status": "error", "message": "Image could not be processed"}))
SIZES = [(1.0, 0.5), (0.2, 0.3), (2.0, 1.0), (0.5, 0.5), (1.5, 0.2)]
"""Width and depth of the models."""


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """A folder with five images, in an order that is not that of their names as texts."""
    folder = tmp_path / "shots"
    folder.mkdir()
    for number in (1, 2, 3, 9, 10):
        shutil.copy(ROOT / "samples" / "chair.png", folder / f"shot {number}.png")
    return folder


@pytest.fixture
def boxes(service: ScriptedService) -> None:
    """Let the service send boxes of different sizes."""
    for number, (width, depth) in enumerate(SIZES):
        corners = [(x, y, z) for x in (0, width) for y in (0, 1) for z in (0, depth)]
        faces = ["1 2 4 3", "5 7 8 6", "1 5 6 2", "3 4 8 7", "1 3 7 5", "2 6 8 4"]
        lines = [f"v {x} {y} {z}" for x, y, z in corners] + [f"f {face}" for face in faces]
        service.files[f"/files/{109655545 + number}/sample.obj"] = "\n".join([*lines, ""]).encode()


def footprints(batch: Any) -> list[tuple[float, float, float, float]]:
    """The models' bounding boxes from above (left, right, front, back), in the order in which they were placed."""
    bpy.context.view_layer.update()
    roots = sorted(
        (job.objects[0] for job in batch.jobs if job.objects), key=lambda r: r["image_to_3d"]["arrangement"][0]
    )
    found = [part("scene.variations").bounds(root) for root in roots]
    return [(low.x, high.x, low.y, high.y) for low, high in found]


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return min(a[1], b[1]) - max(a[0], b[0]) > -1e-4 and min(a[3], b[3]) - max(a[2], b[2]) > -1e-4


def no_two_overlap(placed: list[tuple[float, float, float, float]]) -> bool:
    return not any(overlap(a, b) for n, a in enumerate(placed) for b in placed[:n])


@pytest.mark.each_version
@pytest.mark.usefixtures("boxes")
def test_models_in_a_row_start_at_the_cursor_and_do_not_overlap(image_to_3d: Any, shots: Path) -> None:
    bpy.context.scene.cursor.location = (3.0, -1.0, 0.5)
    batch = image_to_3d.generate_many(shots, arrange="ROW", output_format="obj", report=False, wait=True)
    placed = footprints(batch)
    assert len(placed) == 5
    assert placed[0][0] == pytest.approx(3.0, abs=1e-4)
    assert [back for *_, back in placed] == pytest.approx([-1.0] * 5, abs=1e-4)
    gaps = [after[0] - before[1] for before, after in itertools.pairwise(placed)]
    assert min(gaps) > 0
    assert all(after > before - 1e-4 for before, after in itertools.pairwise(gaps))  # even from the largest model on
    assert no_two_overlap(placed)
    lowest = [part("scene.variations").bounds(job.objects[0])[0].z for job in batch.jobs]
    assert lowest == pytest.approx([0.5] * 5, abs=1e-4)


@pytest.mark.usefixtures("boxes")
def test_models_in_a_grid_do_not_overlap_and_fill_rows(image_to_3d: Any, shots: Path) -> None:
    batch = image_to_3d.generate_many(shots, output_format="obj", report=False, wait=True)
    placed = footprints(batch)
    assert no_two_overlap(placed)
    assert [left for left, *_ in placed[::3]] == pytest.approx([0.0, 0.0], abs=1e-4)
    backs = [back for *_, back in placed]
    assert backs[:3] == pytest.approx([0.0] * 3, abs=1e-4)
    assert backs[3:] == pytest.approx([backs[3]] * 2, abs=1e-4)
    assert backs[3] < min(front for _, _, front, _ in placed[:3])


@pytest.mark.usefixtures("boxes")
def test_the_next_model_takes_no_place_that_another_one_has_after_an_undo_or_a_deletion(
    image_to_3d: Any, service: ScriptedService, shots: Path, keep_going: KeepGoing
) -> None:
    service.polls_until_done = 3
    bpy.ops.ed.undo_push(message="before")
    batch = image_to_3d.generate_many(shots, arrange="ROW", output_format="obj")
    keep_going(lambda: any(job.state == "placed" for job in batch.jobs))
    bpy.ops.ed.undo()
    keep_going(lambda: sum(bool(job.objects) for job in batch.jobs) >= 2)
    bpy.data.objects.remove(next(job.objects[0] for job in batch.jobs if job.objects))
    batch.wait(60)
    assert len(footprints(batch)) >= 3
    assert no_two_overlap(footprints(batch))


def test_each_model_of_a_batch_can_have_its_own_collection_inside_the_batchs(
    image_to_3d: Any, service: ScriptedService, shots: Path
) -> None:
    batch = image_to_3d.generate_many(shots, own_collection=True, report=False, wait=True)
    inside = bpy.data.collections["shots"].children
    assert sorted(each.name for each in inside) == sorted(job.name for job in batch.jobs)
    assert all(len(each.objects) == 1 for each in inside)


@pytest.mark.each_version
def test_a_batch_of_assets_is_in_the_asset_browser(image_to_3d: Any, service: ScriptedService, shots: Path) -> None:
    batch = image_to_3d.generate_many(shots, mark_as_asset=True, asset_tags=["shot"], wait=True)
    data = [job.objects[0].asset_data or job.objects[0].users_collection[0].asset_data for job in batch.jobs]
    assert [[tag.name for tag in each.tags] for each in data] == [["shot"]] * 5


def test_without_a_scene_a_batch_leaves_files_and_a_report_only(
    image_to_3d: Any, service: ScriptedService, shots: Path
) -> None:
    batch = image_to_3d.generate_many(shots, scene=None, wait=True)
    assert [job.state for job in batch.jobs] == ["ready"] * 5
    assert all(job.model_path.is_file() for job in batch.jobs)
    assert not bpy.data.objects
    assert batch.report_path.is_file()


def test_a_batch_without_a_report_leaves_files_only(
    image_to_3d: Any, service: ScriptedService, image_file: Path
) -> None:
    batch = image_to_3d.generate_many([image_file], scene=None, report=False, wait=True)
    assert [job.state for job in batch.jobs] == ["ready"]
    assert not batch.report_path.exists()


def test_images_can_be_a_folder_a_pattern_a_list_or_mappings_with_their_own_settings(
    image_to_3d: Any, service: ScriptedService, shots: Path
) -> None:
    def names(images: Any) -> list[str]:
        return [job.name for job in image_to_3d.generate_many(images, scene=None, report=False, wait=True).jobs]

    assert names(shots) == ["shot 1", "shot 2", "shot 3", "shot 9", "shot 10"]
    assert names(str(shots / "shot 1*.png")) == ["shot 1", "shot 10"]
    assert names([shots / "shot 9.png", str(shots / "shot 1.png")]) == ["shot 9", "shot 1"]
    assert names([{"image": shots / "shot 2.png", "name": "Throne", "seed": 7}]) == ["Throne"]
    assert service.submits[-1].body["seed"] == 7


@pytest.mark.parametrize(
    ("images", "settings", "message"),
    [
        ("shots", {"resolution": -1}, "resolution"),
        ("shots", {"arrange": "CIRCLE"}, "arrange"),
        ("shots", {"size": "large"}, "size"),
        ("nowhere/*.png", {}, "no images"),
        ([], {}, "no images"),
        (["missing.png"], {}, "not found"),
    ],
)
def test_what_is_wrong_is_an_error_before_anything_is_sent(
    image_to_3d: Any, service: ScriptedService, shots: Path, images: Any, settings: dict[str, Any], message: str
) -> None:
    where = str(shots.parent / images) if isinstance(images, str) else images
    with pytest.raises(image_to_3d.errors.ImageTo3DError, match=message):
        image_to_3d.generate_many(where, **settings)
    assert not service.requests
    assert not part("job_view").batches()


def previews(batch: Any) -> list[str]:
    """The previews that are in the batch's report."""
    items = json.loads((batch.folder / "report.json").read_text())["items"]
    return [item["preview_file"] for item in items if item["preview_file"]]


def test_a_batch_gives_each_job_as_soon_as_it_has_ended(
    image_to_3d: Any, service: ScriptedService, shots: Path
) -> None:
    service.next("submit", REFUSED)
    batch = image_to_3d.generate_many(shots)
    seen = [(job.name, len([other for other in batch.jobs if other.done])) for job in batch]
    assert len(seen) == len({name for name, _ in seen}) == 5
    assert seen[0][1] < 5
    assert len(batch.failed) == 1
    assert len(previews(batch)) == 4


def test_a_batch_can_be_awaited_while_other_coroutines_run(
    image_to_3d: Any, service: ScriptedService, shots: Path
) -> None:
    ticks = []

    async def count() -> None:
        while True:
            ticks.append(1)
            await asyncio.sleep(0.02)

    async def both() -> Any:
        other = asyncio.ensure_future(count())
        done = await image_to_3d.generate_many(shots)
        other.cancel()
        return done

    batch = asyncio.run(both())
    assert batch.progress.done == 5
    assert len(ticks) > 5
    assert len(previews(batch)) == 5


def test_waiting_shows_the_progress_in_the_terminal_and_on_done_is_called_once(
    image_to_3d: Any, service: ScriptedService, shots: Path, capsys: pytest.CaptureFixture[str], keep_going: KeepGoing
) -> None:
    called: list[Any] = []
    batch = image_to_3d.generate_many(shots, report=False, wait=True, on_done=called.append)
    shown = capsys.readouterr().err
    assert "shots: 5 of 5 models" in shown.splitlines()[-1]
    keep_going(lambda: called)
    assert [each.id for each in called] == [batch.id]


def test_a_batch_continues_when_another_file_is_opened_and_arrives_when_its_own_is_opened_again(
    image_to_3d: Any, service: ScriptedService, shots: Path, tmp_path: Path, keep_going: KeepGoing
) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    service.polls_until_done = 2
    batch = image_to_3d.generate_many(shots)
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.read_homefile(use_empty=True)
    keep_going(lambda: batch.progress.done == 5)
    assert not bpy.data.objects
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    keep_going(lambda: all(job.state == "placed" for job in batch.jobs))
    assert len(footprints(batch)) == 5
    assert no_two_overlap(footprints(batch))
    assert len(service.submits) == 5


def test_the_webhook_and_track_id_of_the_preferences_are_sent_for_each_image(
    image_to_3d: Any, service: ScriptedService, preferences: Any, shots: Path
) -> None:
    preferences.webhook = "https://example.org/done"
    image_to_3d.generate_many(shots, scene=None, report=False, wait=True)
    assert {work.body.get("webhook") for work in service.submits} == {"https://example.org/done"}


# --- operators -----------------------------------------------------------------------------------------------------


def test_a_folder_is_generated_from_by_an_operator_with_the_scenes_settings(
    image_to_3d: Any, service: ScriptedService, shots: Path
) -> None:
    (shots / "more").mkdir()
    shutil.copy(shots / "shot 1.png", shots / "more" / "extra_front.png")
    bpy.context.scene.image_to_3d.resolution = 512
    done = bpy.ops.image_to_3d.generate_batch(directory=str(shots), recursive=True, pattern="*_front*", arrange="ROW")
    assert done == {"FINISHED"}
    assert [work.body["resolution"] for work in service.submits] == [512]
    files = [{"name": "shot 3.png"}, {"name": "shot 1.png"}]
    assert bpy.ops.image_to_3d.generate_batch(directory=str(shots), files=files) == {"FINISHED"}
    assert [batch.name for batch in part("job_view").batches()] == ["shots", "shots"]
    last = part("job_view").batches()[-1]
    assert [job.name for job in part("job_view").batch_jobs(last.id)] == ["shot 3", "shot 1"]
    assert last.arrange == "GRID"


def test_an_operator_says_when_a_folder_has_no_images(image_to_3d: Any, service: ScriptedService, shots: Path) -> None:
    with pytest.raises(RuntimeError, match="no images"):
        bpy.ops.image_to_3d.generate_batch(directory=str(shots), pattern="*.exr")
    with pytest.raises(RuntimeError, match="No image is chosen"):
        bpy.ops.image_to_3d.generate_batch()
    with pytest.raises(RuntimeError, match="no images") as found:  # what the file browser calls
        bpy.ops.image_to_3d.choose_batch(directory=str(shots), pattern="*.exr")
    assert "Traceback" not in str(found.value)
    assert not service.requests


def test_a_batch_is_paused_resumed_retried_and_removed_by_operators(
    image_to_3d: Any,
    service: ScriptedService,
    preferences: Any,
    shots: Path,
    keep_going: KeepGoing,
) -> None:
    preferences.job_limit = 1
    service.next("submit", REFUSED)
    operators, rows = bpy.ops.image_to_3d, part("job_view")
    batch = image_to_3d.generate_many(shots)
    assert operators.pause_batch(batch_id=batch.id) == {"FINISHED"}
    assert operators.pause_batch(batch_id=batch.id) == {"CANCELLED"}
    keep_going(lambda: batch.progress.running == 0)
    waiting = batch.progress.waiting
    assert waiting >= 3
    assert operators.remove_batch(batch_id=batch.id) == {"CANCELLED"}
    assert operators.resume_batch(batch_id=batch.id) == {"FINISHED"}
    keep_going(lambda: batch.done)
    assert batch.progress.failed == 1
    assert operators.retry_batch(batch_id=batch.id) == {"FINISHED"}
    keep_going(lambda: batch.done)
    assert batch.progress.done == 5
    assert operators.cancel_batch(batch_id=batch.id) == {"CANCELLED"}
    assert operators.remove_batch(batch_id=batch.id) == {"FINISHED"}
    keep_going(lambda: rows.batch(batch.id) is None and not rows.jobs())
    assert not rows.entries()
    assert batch.report_path.is_file()


def test_a_cancelled_batch_sends_nothing_more(
    image_to_3d: Any, service: ScriptedService, preferences: Any, shots: Path, keep_going: KeepGoing
) -> None:
    preferences.job_limit = 1
    service.polls_until_done = 1000
    batch = image_to_3d.generate_many(shots)
    keep_going(lambda: batch.progress.running)
    assert bpy.ops.image_to_3d.cancel_batch(batch_id=batch.id) == {"FINISHED"}
    keep_going(lambda: batch.done)
    assert batch.progress.cancelled == 5
    assert len(service.submits) <= 1


# --- the list ------------------------------------------------------------------------------------------------------


def test_a_batch_is_one_row_that_stays_where_it_is_and_newer_single_jobs_come_above(
    image_to_3d: Any, service: ScriptedService, shots: Path, image_file: Path
) -> None:
    rows = part("job_rows")
    first = image_to_3d.generate_many(shots, scene=None)
    single = image_to_3d.generate(image_file, wait=True)
    shown = [row.key for row in rows.rows()]
    assert shown == [single.id, first.id]
    first.wait(60)
    assert [row.key for row in rows.rows()] == shown
    rows.toggle(first.id)
    assert [row.key for row in rows.rows()[2:]] == [job.id for job in first.jobs]


def test_a_single_job_is_dismissed_and_a_batchs_job_leaves_with_its_batch(
    image_to_3d: Any, service: ScriptedService, shots: Path, image_file: Path, keep_going: KeepGoing
) -> None:
    rows = part("job_view")
    batch = image_to_3d.generate_many(shots, report=False, wait=True)
    image_to_3d.generate(image_file, wait=True)
    bpy.ops.image_to_3d.dismiss(job_id=batch.jobs[0].id)
    assert len(batch.jobs) == 5
    bpy.ops.image_to_3d.clear_finished()
    keep_going(lambda: not rows.jobs())
    assert not rows.batches()


def test_the_variations_of_a_model_are_a_batch_that_keeps_the_images_name(
    image_to_3d: Any, service: ScriptedService, image_file: Path
) -> None:
    job = image_to_3d.generate(image_file, wait=True)
    bpy.context.view_layer.objects.active = job.objects[0]
    assert bpy.ops.image_to_3d.vary_seed(count=2) == {"FINISHED"}
    [batch] = part("job_view").batches()
    assert batch.name == "Variations of chair"
    varied = part("job_view").batch_jobs(batch.id)
    roots = [bpy.data.objects[each.objects[0]] for each in varied]
    assert len({root["image_to_3d"]["group"] for root in (*roots, job.objects[0])}) == 1
    assert [root["image_to_3d"]["image"] for root in roots] == ["chair.png"] * 2
    bpy.context.view_layer.objects.active = roots[0]
    assert bpy.ops.image_to_3d.generate_again() == {"FINISHED"}
    again = part("job_view").single_jobs()[-1]
    assert again.image.name == "chair.png"


def test_several_images_chosen_for_the_panel_make_a_batch(
    image_to_3d: Any, service: ScriptedService, boxes: None, shots: Path
) -> None:
    files = [{"name": "shot 1.png"}, {"name": "shot 2.png"}]
    choose = bpy.ops.image_to_3d.choose_image
    assert choose("EXEC_DEFAULT", filepath=str(shots / "shot 1.png"), directory=str(shots), files=files) == {"FINISHED"}
    [batch] = part("job_view").batches()
    assert [job.name for job in part("job_view").batch_jobs(batch.id)] == ["shot 1", "shot 2"]
    assert bpy.context.scene.image_to_3d.image == ""
