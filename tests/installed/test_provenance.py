# SPDX-License-Identifier: GPL-3.0-or-later
"""A model says where it came from; it can be made again, varied, and the best variation kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scripted_service import ScriptedService

from .conftest import KEY, part

Until = Callable[[Callable[[], Any]], None]


@pytest.fixture
def placed(image_to_3d: Any, service: ScriptedService, image_file: Path) -> Any:
    """A finished job whose model is the active object."""
    import bpy

    service.polls_until_done = 0
    job = image_to_3d.generate(image_file, wait=True, mesh_simplify=0.95, ss_sampling_steps=20)
    bpy.context.view_layer.objects.active = job.objects[0]
    return job


def models() -> list[Any]:
    import bpy

    return sorted(
        (item for item in bpy.context.scene.objects if item.get("image_to_3d")), key=lambda o: o["image_to_3d"]["job"]
    )


def test_the_object_tells_image_settings_seed_and_service_without_the_add_on(placed: Any, image_file: Path) -> None:
    import bpy

    bpy.ops.wm.save_as_mainfile(filepath=str(image_file.with_name("scene.blend")), copy=True)
    with bpy.data.libraries.load(str(image_file.with_name("scene.blend"))) as (_there, here):
        here.objects = [placed.objects[0].name]
    assert list(here.objects[0].keys()) == ["image_to_3d"]
    told = here.objects[0]["image_to_3d"].to_dict()
    assert told["image"] == "chair.png"
    assert told["image_sha256"] == hashlib.sha256(image_file.read_bytes()).hexdigest()
    assert told["seed"] == "3480183101"
    assert told["parameters"]["mesh_simplify"] == pytest.approx(0.95)
    assert told["parameters"]["ss_sampling_steps"] == 20
    assert told["job"] == placed.id
    assert told["service_id"] == "109655545"
    assert told["date"].endswith("Z")
    assert KEY not in str(told)


def test_what_was_measured_is_with_it_and_needs_no_drawing_to_compute_it(placed: Any) -> None:
    known = part("jobs.provenance").measured(placed.objects[0])
    assert known.triangles == 12
    assert known.dimensions == pytest.approx((1.0, 1.0, 1.0), abs=1e-4)
    assert known.textures == ()
    assert known.seconds > 0


def test_a_gltf_file_that_is_exported_keeps_the_record(placed: Any, tmp_path: Path) -> None:
    import bpy

    target = tmp_path / "out.gltf"
    bpy.ops.export_scene.gltf(filepath=str(target), export_format="GLTF_SEPARATE", export_extras=True)
    nodes = json.loads(target.read_text())["nodes"]
    (extras,) = [node["extras"]["image_to_3d"] for node in nodes if "extras" in node]
    assert (extras["image"], extras["seed"]) == ("chair.png", "3480183101")
    assert extras["parameters"]["ss_sampling_steps"] == 20
    assert extras["model"]["triangles"] == 12


@pytest.mark.parametrize("word", ["image", "picture"])
def test_a_model_of_an_earlier_version_works_and_gets_todays_record_when_it_changes(placed: Any, word: str) -> None:
    import bpy

    root = bpy.context.active_object
    old = root["image_to_3d"].to_dict()
    del root["image_to_3d"]
    flat = {name: old[name] for name in ("job", "seed", "date", "service", "rotation")} | old["parameters"]
    for name, value in (flat | {word: "chair.png", "group": "one", "up_axis": "Z"}).items():
        root[f"image_to_3d_{name}"] = value
    provenance = part("jobs.provenance")
    assert part("scene.variations").model_of(root) == root
    assert provenance.image_name(root) == "chair.png"
    assert provenance.parameters_in(root)["ss_sampling_steps"] == 20
    assert provenance.placement_in(root)["up_axis"] == "Z"
    assert bpy.ops.image_to_3d.rotate_model(axis="X") == {"FINISHED"}
    assert list(root.keys()) == ["image_to_3d"]
    assert provenance.image_name(root) == "chair.png"
    assert provenance.parameters_in(root) == old["parameters"] | {"seed": 3480183101}
    assert provenance.placement_in(root) == {"up_axis": "Z", "rotation": [90.0, 0.0, 0.0]}
    assert provenance.record_text(root, "group") == "one"


def test_its_settings_go_back_into_the_panel(image_to_3d: Any, service: ScriptedService, image_file: Path) -> None:
    import bpy

    job = image_to_3d.generate(image_file, wait=True, ss_sampling_steps=20, size=0.5, origin="CENTER")
    bpy.context.view_layer.objects.active = job.objects[0]
    settings = bpy.context.scene.image_to_3d
    settings.placement.asset_author = "Ada"
    settings.ss_sampling_steps, settings.placement.triangle_budget = 5, 1000
    assert bpy.ops.image_to_3d.use_model_settings() == {"FINISHED"}
    assert (settings.ss_sampling_steps, settings.seed) == (20, "3480183101")
    placement = settings.placement
    assert (placement.size, placement.origin, placement.triangle_budget) == (0.5, "CENTER", 0)
    assert placement.asset_author == "Ada"  # what belongs to the asset is no setting of the model


def test_variations_have_the_models_size_whatever_the_panel_says_now(placed: Any, service: ScriptedService) -> None:
    import bpy

    bpy.context.scene.image_to_3d.placement.size = 7.0
    bpy.ops.image_to_3d.vary_seed(count=1)
    bpy.context.view_layer.update()
    assert [max(item.dimensions) for item in models()] == pytest.approx([1.0, 1.0], abs=1e-4)


def test_generate_again_uses_the_image_the_settings_and_the_seed_that_were_used(
    placed: Any, service: ScriptedService, image_file: Path
) -> None:
    import bpy

    image_file.unlink()  # the artist's own may be gone; the job has its copy
    assert bpy.ops.image_to_3d.generate_again() == {"FINISHED"}
    first, second = (work.body for work in service.submits)
    assert second["seed"] == 3480183101
    assert (second["mesh_simplify"], second["ss_sampling_steps"]) == (0.95, 20)
    assert second["track_id"] != first["track_id"]
    assert len(models()) == 2


def test_variations_have_other_seeds_and_stand_side_by_side(placed: Any, service: ScriptedService) -> None:
    import bpy

    assert bpy.ops.image_to_3d.vary_seed(count=2) == {"FINISHED"}
    seeds = [work.body["seed"] for work in service.submits[1:]]
    assert len({*seeds, 3480183101}) == 3
    bpy.context.view_layer.update()
    group = models()
    assert len({item["image_to_3d"]["group"] for item in group}) == 1
    xs = [item.matrix_world.translation.x for item in group]
    assert xs == pytest.approx([0.0, 1.25, 2.5], abs=1e-4)


@pytest.mark.parametrize(("place", "origin"), [("CURSOR", "CENTER"), ("ORIGIN", "BOTTOM"), ("PLACEHOLDER", "CENTER")])
def test_wherever_models_are_put_variations_stand_beside_and_at_the_height_of_the_first(
    image_to_3d: Any, service: ScriptedService, image_file: Path, place: str, origin: str
) -> None:
    import bpy

    service.polls_until_done = 0
    bpy.context.scene.cursor.location = (1.0, 2.0, 3.0)
    job = image_to_3d.generate(image_file, wait=True, origin=origin)
    placement = bpy.context.scene.image_to_3d.placement
    placement.origin, placement.place = origin, place
    bpy.context.view_layer.objects.active = job.objects[0]
    assert bpy.ops.image_to_3d.vary_seed(count=1) == {"FINISHED"}
    bpy.context.view_layer.update()
    first, second = (tuple(item.matrix_world.translation) for item in models())
    assert second == pytest.approx((2.25, *first[1:]), abs=1e-4)


def test_one_undo_takes_the_placeholders_of_all_variations_away(placed: Any, service: ScriptedService) -> None:
    import bpy

    def held() -> list[Any]:
        return [item for item in bpy.data.objects if item.get("image_to_3d_placeholder")]

    bpy.context.scene.image_to_3d.placement.place = "PLACEHOLDER"
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.image_to_3d.vary_seed(count=3) == {"FINISHED"}
    assert (len(models()), len(held())) == (4, 0)
    for _ in range(3):  # the models' own steps
        bpy.ops.ed.undo()
    assert (len(models()), len(held())) == (1, 3)
    bpy.ops.ed.undo()
    assert (len(models()), len(held())) == (1, 0)


def test_a_model_made_from_an_address_is_made_again_from_there(placed: Any, service: ScriptedService) -> None:
    import bpy

    root = bpy.context.active_object
    root["image_to_3d"]["image_url"] = "https://example.org/chair.png"
    assert bpy.ops.image_to_3d.generate_again() == {"FINISHED"}
    assert service.submits[-1].body["image"] == "https://example.org/chair.png"


@pytest.mark.parametrize("said", ["*", "../*", "20260101-000000-000000-0123456z"])
def test_what_a_file_from_elsewhere_says_its_job_was_leads_to_no_image(placed: Any, said: str) -> None:
    import bpy

    bpy.context.active_object["image_to_3d"]["job"] = said
    with pytest.raises(RuntimeError, match="no longer in the results folder"):
        bpy.ops.image_to_3d.generate_again()


def test_without_variations_there_is_none_to_flip_to_or_to_keep(placed: Any) -> None:
    import bpy

    assert not bpy.ops.image_to_3d.show_variation.poll()
    assert not bpy.ops.image_to_3d.keep_variation.poll()
    bpy.context.active_object["image_to_3d"]["group"] = "one"
    assert bpy.ops.image_to_3d.show_variation.poll()
    assert bpy.ops.image_to_3d.keep_variation.poll()


def test_one_flips_through_variations_on_one_spot_and_keeps_one(placed: Any) -> None:
    import bpy

    bpy.ops.image_to_3d.vary_seed(count=2)
    bpy.context.view_layer.objects.active = models()[0]
    assert bpy.ops.image_to_3d.show_variation(which="NEXT") == {"FINISHED"}
    bpy.context.view_layer.update()
    assert [item.hide_viewport for item in models()] == [True, False, True]
    assert models()[1].matrix_world.translation.x == pytest.approx(0.0, abs=1e-5)
    bpy.ops.image_to_3d.show_variation(which="ALL")
    bpy.context.view_layer.update()
    assert [item.hide_viewport for item in models()] == [False] * 3
    assert models()[1].matrix_world.translation.x == pytest.approx(1.25, abs=1e-4)
    kept = models()[2].name
    bpy.context.view_layer.objects.active = models()[2]
    meshes = len(bpy.data.meshes)
    assert bpy.ops.image_to_3d.keep_variation() == {"FINISHED"}
    bpy.context.view_layer.update()
    assert [item.name for item in models()] == [kept]
    assert models()[0].matrix_world.translation.x == pytest.approx(0.0, abs=1e-5)
    assert len(bpy.data.meshes) == meshes - 2


def test_an_image_that_was_cleared_away_is_said(placed: Any) -> None:
    import bpy

    (placed.folder / "image.png").unlink()
    with pytest.raises(RuntimeError, match=r"chair\.png is no longer in the results folder"):
        bpy.ops.image_to_3d.generate_again()


def test_the_key_goes_to_no_other_service_than_the_one_it_was_entered_for(preferences: Any, image_to_3d: Any) -> None:
    preferences.api_key = KEY
    preferences.service = "CUSTOM"
    preferences.base_url = "https://example.org/api/v6"
    assert set(part("preferences").read_config().keys) == {"CUSTOM"}
    preferences.service = "MODELSLAB"
    assert set(part("preferences").read_config().keys) == {"MODELSLAB"}


@pytest.fixture
def long_box(service: ScriptedService) -> tuple[float, float, float]:
    """Let the service send a box. Returns its size in Blender's axes: X, Y and Z."""
    corners = [(x, y, z) for x in (0, 1) for y in (0, 2) for z in (0, 3)]
    faces = ["1 2 4 3", "5 7 8 6", "1 5 6 2", "3 4 8 7", "1 3 7 5", "2 6 8 4"]
    lines = [f"v {x} {y} {z}" for x, y, z in corners] + [f"f {face}" for face in faces]
    service.model = "\n".join([*lines, ""]).encode()
    service.polls_until_done = 0
    return (1.0, 3.0, 2.0)


def test_a_model_that_lies_on_its_side_is_rotated_and_its_variations_and_repetitions_follow(
    image_to_3d: Any, image_file: Path, long_box: tuple[float, float, float]
) -> None:
    import bpy

    bpy.context.scene.cursor.location = (1.0, 2.0, 0.5)
    root = image_to_3d.generate(image_file, wait=True, output_format="obj").objects[0]
    assert tuple(root.dimensions) == pytest.approx(long_box, abs=1e-5)
    bpy.context.view_layer.objects.active = root
    bpy.ops.image_to_3d.rotate_model(axis="X")
    bpy.context.view_layer.update()
    low, high = part("scene.variations").bounds(root)
    assert tuple(high - low) == pytest.approx((1.0, 2.0, 3.0), abs=1e-5)
    assert low.z == pytest.approx(0.5, abs=1e-5)
    bpy.ops.image_to_3d.vary_seed(count=1)
    bpy.ops.image_to_3d.generate_again()
    bpy.context.view_layer.update()
    for other in [item for item in models() if item != root]:
        low, high = part("scene.variations").bounds(other)
        assert tuple(high - low) == pytest.approx((1.0, 2.0, 3.0), abs=1e-5)
        assert low.z == pytest.approx(0.5, abs=1e-5)
    assert len(models()) == 3


def test_a_rotation_while_variations_are_generated_applies_to_those_that_arrive_later(
    image_to_3d: Any, service: ScriptedService, image_file: Path, long_box: tuple[float, float, float]
) -> None:
    import bpy

    root = image_to_3d.generate(image_file, wait=True, output_format="obj").objects[0]
    bpy.context.view_layer.objects.active = root
    root["image_to_3d"]["group"] = "box"
    engine, waiting, scene = part("engine"), part("waiting"), bpy.context.scene
    placement = part("placement").Placement()
    job = engine.submit(
        image_file, name="box", parameters={"output_format": "obj"}, placement=placement, scene=scene, group="box"
    )
    bpy.ops.image_to_3d.rotate_model(axis="Z")
    waiting.finish(job)
    bpy.context.view_layer.update()
    low, high = part("scene.variations").bounds(models()[-1])
    assert tuple(high - low) == pytest.approx((3.0, 1.0, 2.0), abs=1e-5)


def test_a_z_up_model_stands_with_the_setting_for_it(
    image_to_3d: Any, image_file: Path, long_box: tuple[float, float, float]
) -> None:
    root = image_to_3d.generate(image_file, wait=True, output_format="obj", up_axis="Z").objects[0]
    assert tuple(root.dimensions) == pytest.approx((1.0, 2.0, 3.0), abs=1e-5)
    assert root["image_to_3d"]["placement"]["up_axis"] == "Z"


def test_the_variations_of_a_model_are_found_among_thousands_of_objects(image_to_3d: Any) -> None:
    import bpy

    scene, variations = bpy.context.scene, part("scene.variations")
    for number in range(5000):
        item = bpy.data.objects.new("other", None)
        scene.collection.objects.link(item)
        if number % 1000 == 0:
            item["image_to_3d"] = {"job": f"job {number}", "group": "one"}
    root, other = next(item for item in scene.objects if "image_to_3d" in item), scene.objects[-1]
    group = variations.group_of(root, scene)
    assert len(group) == 5
    bpy.data.objects.remove(group[-1])
    other["image_to_3d_job"], other["image_to_3d_group"] = "of version 0.1.0", "one"
    assert [item.name for item in variations.group_of(root, scene)] == [*(item.name for item in group[:4]), other.name]


def test_what_a_model_cost_is_with_it_if_that_is_known(placed: Any) -> None:
    provenance, job = part("jobs.provenance"), part("job_view").job(placed.id)
    assert provenance.measured(placed.objects[0]).price is None
    placed.objects[0]["image_to_3d"] = provenance.record_of(replace(job, price=0.05, currency="USD"))
    known = provenance.measured(placed.objects[0])
    assert (known.price, known.currency) == (0.05, "USD")
