# SPDX-License-Identifier: GPL-3.0-or-later
"""Balance and list of generated models are found however the service wraps them."""

from __future__ import annotations

from typing import Any

import pytest
from image_to_3d.api.account import Balance, read_balance, read_generated

GLB = "https://files.example/generations/chair.glb"


@pytest.mark.parametrize(
    ("data", "balance"),
    [
        ({"status": "success", "data": {"balance": 43.6, "currency": "USD"}}, Balance(43.6, "USD")),
        ({"balance": 43.6}, Balance(43.6)),
        ({"balance": "43.60", "currency": "EUR"}, Balance(43.6, "EUR")),
        ({"balance": "$1,234.50"}, Balance(1234.5)),
        ({"data": {"balance": "0"}, "currency": "USD"}, Balance(0.0, "USD")),
        ({"data": {"wallet": {"balance": 7, "currency": "USD"}}}, Balance(7.0, "USD")),
        ({"data": [{"balance": 7}]}, Balance(7.0)),
        ({"wallet_balance": 3}, Balance(3.0)),
        ({"balance": -2.5}, Balance(-2.5)),
        ({"balance": 1, "data": {"balance": 2}}, Balance(1.0)),
        ({"status": "success"}, Balance(None)),
        ({"balance": None}, Balance(None)),
        ({"balance": True}, Balance(None)),
        ({"balance": "plenty"}, Balance(None)),
        ({"balance": 10**400}, Balance(None)),
        ({"balance": 1, "currency": ["USD"]}, Balance(1.0)),
        ({"balance": 1, "currency": "U\x00S\nD" * 99}, Balance(1.0, "U S DU…")),
    ],
)
def test_the_balance_is_read_in_any_form(data: dict[str, Any], balance: Balance) -> None:
    assert read_balance(data) == balance


ENTRY = {"id": 7, "output": [GLB], "created_at": "2025-11-01"}


@pytest.mark.parametrize(
    "value",
    [
        {"data": [ENTRY], "pagination": {"total": 1}},
        {"data": [ENTRY], "pagination": []},
        {"data": [ENTRY]},
        [ENTRY],
        {"data": {"data": [ENTRY], "current_page": 1}},
        {"data": {"0": ENTRY}},
        {"data": ENTRY},
        {"assets": [ENTRY]},
        {"data": [None, 7, "x", [], ENTRY, {}]},
        {"data": [ENTRY | {"output": GLB}]},
        {"data": [ENTRY | {"output": [[GLB]]}]},
    ],
)
def test_the_list_of_generated_models_is_read_in_any_form(value: object) -> None:
    found = read_generated(value)
    assert [(g.id, g.links) for g in found] == [("7", ((GLB,),))]
    assert found[0].raw["created_at"] == "2025-11-01"


@pytest.mark.parametrize(
    "value",
    [None, {}, [], "", 7, {"data": None}, {"data": []}, {"data": {}}, {"data": [[ENTRY]]}, {"status": "success"}],
)
def test_a_list_without_models_is_empty(value: object) -> None:
    assert read_generated(value) == []


def test_an_entry_without_files_keeps_its_id() -> None:
    assert [(g.id, g.links) for g in read_generated({"data": [{"id": "a", "output": []}]})] == [("a", ())]


def test_lists_nested_without_end_are_given_up() -> None:
    value: Any = ENTRY
    for _ in range(50):
        value = {"data": value, "more": [value]}
    assert read_generated(value) == []
    assert read_balance(value) == Balance(None)
