# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene's settings: the request parameters and the placement settings, with their ranges and wording."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import part


@pytest.fixture
def settings(image_to_3d: Any) -> Any:
    import bpy

    return bpy.context.scene.image_to_3d


def test_every_parameter_but_the_image_and_the_account_s_is_a_setting_with_its_default(settings: Any) -> None:
    parameters = part("api.parameters")
    expected = set(parameters.PARAMETERS) - {"image", "webhook", "track_id"}
    assert set(settings.parameters()) == expected
    assert settings.parameters() == {name: parameters.defaults()[name] for name in expected}


def test_a_setting_has_its_parameters_range_and_wording(settings: Any) -> None:
    for name, parameter in part("api.parameters").PARAMETERS.items():
        if name == "image" or name in part("api.parameters").ACCOUNT:
            continue
        prop = settings.bl_rna.properties[name]
        assert prop.name == parameter.label
        assert prop.description == parameter.description
        if prop.type in ("INT", "FLOAT"):
            assert prop.hard_min == pytest.approx(parameter.minimum)
            assert prop.hard_max == pytest.approx(parameter.maximum)
        if prop.type == "ENUM":
            assert [item.identifier for item in prop.enum_items] == [choice.value for choice in parameter.choices]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("3480183101", 3480183101),
        ("4294967295", 4294967295),
        ("99999999999", 4294967295),
        ("12a 3", 123),
        ("-5", 5),
        ("", 0),
        ("none", 0),
    ],
)
def test_a_seed_is_an_unsigned_32_bit_number_whatever_is_typed(settings: Any, typed: str, meant: int) -> None:
    settings.seed = typed
    assert settings.parameters()["seed"] == meant
    assert settings.seed == str(meant)


@pytest.mark.parametrize("name", ["mesh_simplify", "ss_guidance_strength", "slat_guidance_strength"])
def test_the_ends_of_a_range_are_allowed_despite_single_precision(settings: Any, name: str) -> None:
    parameter = part("api.parameters").PARAMETERS[name]
    for end in (parameter.minimum, parameter.maximum):
        setattr(settings, name, end)
        assert settings.parameters()[name] == end


def test_the_default_placement_is_that_of_scripts_but_with_a_placeholder(settings: Any) -> None:
    assert settings.placement.chosen() == part("placement").Placement(place="PLACEHOLDER")


def test_the_placement_is_read_from_the_scenes_settings(settings: Any) -> None:
    import bpy

    placement = settings.placement
    placement.place = "ORIGIN"
    placement.collection = bpy.data.collections.new("Furniture")
    placement.size = 1.7
    placement.origin = "CENTER"
    placement.on_ground = placement.select = False
    placement.triangle_budget = 5000
    placement.asset_tags = "wood, old ,"
    chosen = placement.chosen()
    assert (chosen.place, chosen.collection, chosen.size, chosen.origin) == ("ORIGIN", "Furniture", 1.7, "CENTER")
    assert not chosen.on_ground
    assert not chosen.select
    assert chosen.triangle_budget == 5000
    assert chosen.asset_tags == ("wood", "old")


def test_the_settings_are_saved_with_the_file(settings: Any, tmp_path: Any) -> None:
    import bpy

    settings.seed = "3480183101"
    settings.resolution = 300
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    saved = bpy.context.scene.image_to_3d.parameters()
    assert saved["seed"] == 3480183101
    assert saved["resolution"] == 300


def test_settings_that_version_0_1_0_saved_are_read(settings: Any, tmp_path: Any) -> None:
    import bpy

    scene = bpy.context.scene
    settings.image, settings.placement.place, settings.scene_token = "chair.png", "ORIGIN", "0123"
    stored = getattr(scene, "bl_system_properties_get", lambda: scene)()["image_to_3d"]
    for old, new in (("picture", "image"), ("placing", "placement"), ("stamp", "scene_token")):
        stored[old] = stored.pop(new)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    read = bpy.context.scene.image_to_3d
    assert (read.image, read.placement.place, read.scene_token) == ("chair.png", "ORIGIN", "0123")


def test_a_placement_setting_has_its_tables_range_and_wording(settings: Any) -> None:
    for name, setting in part("properties").PANEL_PLACEMENT.items():
        prop = settings.placement.bl_rna.properties[name]
        assert (prop.name, prop.description) == (setting.label, setting.description)
        if prop.type in ("INT", "FLOAT"):
            assert prop.hard_min == 0
        if prop.type == "ENUM":
            assert [item.identifier for item in prop.enum_items] == [choice.value for choice in setting.choices]
