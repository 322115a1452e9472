# SPDX-License-Identifier: GPL-3.0-or-later
"""The quality levels, and which parameters the offline preview uses."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from image_to_3d.api.parameters import PARAMETERS, defaults, validate
from image_to_3d.api.quality import CUSTOM, QUALITIES, Quality, quality_of

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("quality", QUALITIES, ids=lambda quality: quality.value)
def test_a_level_sets_values_that_the_service_takes_and_is_recognized_by_them(quality: Quality) -> None:
    assert validate(quality.parameters) == quality.parameters
    assert quality_of((defaults() | quality.parameters).__getitem__) == quality.value


def test_the_middle_level_is_the_service_s_defaults() -> None:
    assert quality_of(defaults().__getitem__) == "STANDARD"


@pytest.mark.parametrize("name", QUALITIES[0].parameters)
def test_a_changed_value_is_no_level(name: str) -> None:
    values = defaults() | {name: PARAMETERS[name].maximum}
    assert quality_of(values.__getitem__) == CUSTOM


def test_the_table_says_which_parameters_the_offline_preview_uses() -> None:
    tree = ast.parse((ROOT / "offline" / "shapes" / "make.py").read_text("utf-8"))
    used = {
        node.slice.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id == "parameters"
        and isinstance(node.slice, ast.Constant)
    }
    settings = {name for name, row in PARAMETERS.items() if not row.required and row.group != "account"}
    assert {name for name in settings if PARAMETERS[name].offline} == used & settings
