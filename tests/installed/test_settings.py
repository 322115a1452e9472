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
    of_files = {"image", "image_left", "image_back", "image_right"}
    expected = set(parameters.PARAMETERS) - of_files - {"webhook", "track_id"}
    assert set(settings.parameters()) == expected
    assert settings.parameters() == {name: parameters.defaults(local=True)[name] for name in expected}


def test_a_setting_has_its_parameters_range_and_wording(settings: Any) -> None:
    for name, parameter in part("properties").PANEL_PARAMETERS.items():
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
            assert prop.hard_min == setting.minimum
            assert setting.maximum in (None, prop.hard_max)
        if prop.type == "ENUM":
            assert [item.identifier for item in prop.enum_items] == [choice.value for choice in setting.choices]


def test_settings_of_a_tool_are_shown_only_with_it(settings: Any) -> None:
    rows = part("placement").SETTINGS
    for tool, shown in (("NONE", 0), ("CLEAN_UP", 0), ("REMESH", 4), ("PRINT", 2)):
        settings.placement.after_import = tool
        applies = [
            name
            for name, row in rows.items()
            if row.only_with and part("panels.settings").applies(settings.placement, row)
        ]
        assert len(applies) == shown
    settings.placement.print_height = 60.5
    assert settings.placement.chosen().tool_settings == {"height": 60.5, "process": "FILAMENT"}


def test_a_quality_level_sets_its_parameters_and_a_changed_one_leaves_no_level(settings: Any) -> None:
    settings.seed = "7"
    for quality in part("api.quality").QUALITIES:
        settings.quality = quality.value
        assert settings.quality == quality.value
        assert settings.parameters().items() >= quality.parameters.items()
    settings.resolution = 300
    assert settings.quality == "CUSTOM"
    assert settings.seed == "7"


@pytest.mark.parametrize(("name", "value"), [("size", 1.7), ("triangle_budget", 5000), ("merge_distance", 0.01)])
def test_a_checkbox_switches_a_number_off_and_on_again_with_its_value(settings: Any, name: str, value: float) -> None:
    placement = settings.placement
    assert not getattr(placement, f"use_{name}")
    setattr(placement, f"use_{name}", True)
    assert getattr(placement, name) > 0
    setattr(placement, name, value)
    setattr(placement, f"use_{name}", False)
    assert getattr(placement.chosen(), name) == 0
    setattr(placement, f"use_{name}", True)
    assert getattr(placement.chosen(), name) == value


def test_a_random_seed_is_switched_off_for_a_new_seed_and_on_again(settings: Any) -> None:
    import bpy

    assert settings.random_seed
    bpy.ops.image_to_3d.new_seed()
    seed = settings.parameters()["seed"]
    assert seed > 0
    assert not settings.random_seed
    settings.random_seed = True
    assert settings.parameters()["seed"] == 0
    settings.random_seed = False
    assert settings.parameters()["seed"] == seed


def test_temporary_storage_is_a_checkbox_for_the_service_s_yes_and_no(settings: Any) -> None:
    settings.use_temporary_storage = True
    assert settings.parameters()["temp"] == "yes"
    settings.use_temporary_storage = False
    assert settings.parameters()["temp"] == "no"


def test_the_settings_of_an_earlier_model_are_put_back_into_the_panel(settings: Any) -> None:
    import bpy

    bpy.data.collections.new("Furniture")
    placement = part("placement").Placement(
        place="ORIGIN",
        collection="Furniture",
        size=1.7,
        shade_smooth=True,
        mark_as_asset=True,
        asset_catalog="f3a9c8a0-6b1e-4f0c-9d55-1d8c2c4d9b11",
        asset_tags=("wood", "old"),
    )
    parameters = settings.parameters() | {"seed": 3480183101, "resolution": 300, "temp": "yes", "mesh_simplify": 0.95}
    part("properties").use_settings(bpy.context.scene, parameters, placement)
    assert settings.parameters() == parameters
    assert settings.placement.chosen() == placement


def test_settings_that_the_service_does_not_take_are_put_back_as_defaults(settings: Any) -> None:
    import bpy

    settings.resolution, settings.render = 300, True
    wrong = {"resolution": 99999, "seed": "x", "unknown": 1}
    part("properties").use_settings(bpy.context.scene, wrong, part("placement").Placement(collection="Not Here"))
    defaults = part("api.parameters").defaults(local=True)
    assert settings.parameters() == {name: defaults[name] for name in settings.parameters()}
    assert settings.placement.collection is None


def test_a_preset_keeps_the_settings_but_not_the_image_and_the_seed(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import bpy

    popover = bpy.types.IMAGE_TO_3D_PT_presets
    monkeypatch.setattr(popover, "bl_label", popover.bl_label)  # Blender sets it to the preset's name
    settings.image, settings.seed, settings.resolution = "chair.png", "7", 300
    settings.placement.size, settings.placement.asset_tags = 1.7, "wood, old"
    bpy.ops.image_to_3d.add_preset(name="My Chairs")
    path = f"{bpy.utils.user_resource('SCRIPTS', path='presets/image_to_3d')}/My_Chairs.py"
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.context.scene.image_to_3d.seed = "9"
    bpy.ops.script.execute_preset(filepath=path, menu_idname="IMAGE_TO_3D_PT_presets")
    read = bpy.context.scene.image_to_3d
    assert (read.image, read.seed, read.resolution) == ("", "9", 300)
    assert (read.placement.chosen().size, read.placement.asset_tags) == (1.7, "wood, old")


def test_the_field_for_the_catalog_suggests_those_of_the_file_s_folder(settings: Any, tmp_path: Any) -> None:
    import bpy

    lines = "VERSION 1\n\nf3a9c8a0-6b1e-4f0c-9d55-1d8c2c4d9b11:Props/Chairs:Props-Chairs\n"
    (tmp_path / "blender_assets.cats.txt").write_text(lines)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    catalogs = part("scene.asset_catalogs")
    assert catalogs.paths() == ["Props/Chairs"]
    assert catalogs.path_of(catalogs.find("Props/Chairs")) == "Props/Chairs"
