# SPDX-License-Identifier: GPL-3.0-or-later
"""Every parameter is known, and a wrong value is refused before anything is sent."""

from __future__ import annotations

import math
import struct

import pytest
from image_to_3d.api.parameters import PARAMETERS, Kind, defaults, validate
from image_to_3d.errors import ParameterError

SERVICE_DEFAULTS = {
    "output_format": "glb",
    "render": False,
    "resolution": 256,
    "multi_image": False,
    "ss_guidance_strength": 7.5,
    "ss_sampling_steps": 12,
    "slat_guidance_strength": 3.0,
    "slat_sampling_steps": 12,
    "mesh_simplify": 0.9,
    "chunk_size": 8192,
    "seed": 0,
    "temp": "no",
    "webhook": None,
    "track_id": None,
}


def single(value: float) -> float:
    """What a Blender property makes of a number."""
    return float(struct.unpack("f", struct.pack("f", value))[0])


def test_all_parameters_of_the_service_are_known_with_its_defaults() -> None:
    assert [name for name, row in PARAMETERS.items() if not row.local_only] == ["image", *SERVICE_DEFAULTS]
    assert defaults() == SERVICE_DEFAULTS


def test_the_defaults_are_valid() -> None:
    assert validate(defaults()) == SERVICE_DEFAULTS


def test_no_default_is_filled_in() -> None:
    assert validate({"seed": 3}) == {"seed": 3}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("resolution", 512),
        ("resolution", 1),
        ("ss_guidance_strength", 0),
        ("ss_guidance_strength", 10),
        ("ss_sampling_steps", 1),
        ("ss_sampling_steps", 50),
        ("slat_guidance_strength", 0),
        ("slat_guidance_strength", 10.0),
        ("slat_sampling_steps", 1),
        ("slat_sampling_steps", 50),
        ("mesh_simplify", 0.9),
        ("mesh_simplify", 0.98),
        ("chunk_size", 12000),
        ("seed", 0),
        ("seed", 3480183101),
        ("seed", 2**32 - 1),
        ("temp", "yes"),
        ("output_format", "obj"),
        ("webhook", "https://example.org/done"),
        ("image", "http://example.org/chair.png"),
        ("track_id", "chair 7"),
    ],
)
def test_values_up_to_the_ends_of_a_range_are_accepted(name: str, value: object) -> None:
    assert validate({name: value}) == {name: value}


@pytest.mark.parametrize(
    ("name", "value", "range_shown"),
    [
        ("resolution", 513, "1 to 512"),
        ("resolution", 0, "1 to 512"),
        ("resolution", 256.5, "an integer"),
        ("resolution", True, "an integer"),
        ("resolution", "256", "an integer"),
        ("resolution", None, "an integer"),
        ("ss_guidance_strength", 10.01, "0 to 10"),
        ("ss_guidance_strength", -0.1, "0 to 10"),
        ("ss_sampling_steps", 0, "1 to 50"),
        ("ss_sampling_steps", 51, "1 to 50"),
        ("slat_guidance_strength", 11, "0 to 10"),
        ("slat_sampling_steps", 51, "1 to 50"),
        ("mesh_simplify", 0.89, "0.9 to 0.98"),
        ("mesh_simplify", 0.99, "0.9 to 0.98"),
        ("mesh_simplify", True, "0.9 to 0.98"),
        ("mesh_simplify", "0.9", "0.9 to 0.98"),
        ("chunk_size", 12001, "1 to 12,000"),
        ("chunk_size", -1, "1 to 12,000"),
        ("seed", -1, "0 to 4,294,967,295"),
        ("seed", 2**32, "0 to 4,294,967,295"),
        ("seed", "4294967296", "0 to 4,294,967,295"),
        ("seed", "0x10", "0 to 4,294,967,295"),
        ("temp", "maybe", '"no", "yes"'),
        ("temp", True, '"no", "yes"'),
        ("output_format", "fbx", '"glb", "obj", "stl", "ply"'),
        ("output_format", ["glb"], '"glb", "obj", "stl", "ply"'),
        ("render", 1, "True or False"),
        ("render", "true", "True or False"),
        ("webhook", "http://example.org/done", "https://"),
        ("webhook", "example.org", "https://"),
        ("image", "C:\\chair.png", "http://"),
        ("image", "ftp://example.org/chair.png", "http://"),
        ("image", "https:///chair.png", "http://"),
        ("image", "https://example.org/a chair.png", "http://"),
        ("image", "https://example.org:99999/chair.png", "http://"),
        ("image", "", "http://"),
        ("image", None, "http://"),
        ("track_id", 7, "a text"),
    ],
)
def test_a_refusal_names_parameter_value_and_range(name: str, value: object, range_shown: str) -> None:
    with pytest.raises(ParameterError) as refused:
        validate({name: value})
    assert str(refused.value.message).startswith(f"{name} is ")
    assert range_shown in str(refused.value.message)
    if isinstance(value, int | float) and not isinstance(value, bool):
        assert str(value) in str(refused.value.message)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400, -(10**5000), 1e308], ids=lambda v: "number")
@pytest.mark.parametrize("name", ["resolution", "mesh_simplify", "seed", "slat_guidance_strength"])
def test_numbers_that_are_no_use_are_refused(name: str, value: float) -> None:
    with pytest.raises(ParameterError, match=name):
        validate({name: value})


def test_a_whole_number_may_come_with_a_decimal_point() -> None:
    steps = validate({"ss_sampling_steps": 12.0})["ss_sampling_steps"]
    assert steps == 12
    assert type(steps) is int


@pytest.mark.parametrize("end", [0.9, 0.98])
def test_a_range_includes_its_ends_as_a_blender_property_holds_them(end: float) -> None:
    assert single(end) != end
    assert validate({"mesh_simplify": single(end)}) == {"mesh_simplify": end}


def test_a_seed_may_come_as_the_text_it_is_kept_as() -> None:
    assert validate({"seed": "3480183101"}) == {"seed": 3480183101}


def test_numpy_numbers_become_plain_ones() -> None:
    numpy = pytest.importorskip("numpy")
    values = validate({"seed": numpy.uint32(7), "mesh_simplify": numpy.float32(0.95), "render": numpy.bool_(True)})
    assert values == {"seed": 7, "mesh_simplify": 0.95, "render": True}
    assert [type(v) for v in values.values()] == [int, float, bool]


@pytest.mark.parametrize("name", ["webhook", "track_id"])
def test_an_empty_text_is_none(name: str) -> None:
    assert validate({name: ""}) == {name: None}


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("seeds", "seed"), ("Resolution", "resolution"), ("mesh_simplfy", "mesh_simplify"), ("init_image", "image")],
)
def test_an_unknown_name_is_refused_with_the_one_meant(wrong: str, meant: str) -> None:
    with pytest.raises(ParameterError, match=f'"{wrong}".*did you mean "{meant}"'):
        validate({wrong: 1})


def test_an_unknown_name_like_no_other_is_refused_with_all_there_are() -> None:
    with pytest.raises(ParameterError, match="mesh_simplify"):
        validate({"zzz": 1})


def test_the_image_is_required_for_a_complete_request() -> None:
    with pytest.raises(ParameterError, match="image is missing"):
        validate({"seed": 1}, complete=True)


def test_every_parameter_is_worded_as_blender_words_things() -> None:
    for parameter in PARAMETERS.values():
        assert parameter.label == parameter.label.strip() != ""
        assert parameter.label[0].isupper()
        assert parameter.description[0].isupper()
        assert not parameter.description.endswith(".")
        assert bool(parameter.choices) == (parameter.kind is Kind.ENUM)
