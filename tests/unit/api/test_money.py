# SPDX-License-Identifier: GPL-3.0-or-later
"""Amounts are written as artists know them, and a price in the service's list counts only if it is clear."""

from __future__ import annotations

from typing import Any

import pytest
from image_to_3d.api.account import Balance, read_balance
from image_to_3d.api.client import Client
from image_to_3d.api.money import Money
from image_to_3d.api.prices import read_price


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (43.6, "USD", "$43.60"),
        (1234.5, "EUR", "€1,234.50"),
        (0.05, "USD", "$0.05"),
        (0.0047, "USD", "$0.0047"),
        (0.0049999999, "USD", "$0.005"),
        (0.0, "USD", "$0.00"),
        (-3.0, "GBP", "-£3.00"),
        (120.0, "JPY", "¥120"),
        (43.6, "XYZ", "43.60 XYZ"),
        (43.6, "credits", "43.60 credits"),
        (43.6, "", "43.60"),
    ],
)
def test_an_amount_is_written_in_its_currency(amount: float, currency: str, text: str) -> None:
    assert str(Money(amount, currency)) == text


@pytest.mark.parametrize(("named", "known"), [("usd", "USD"), ("$", "USD"), (" EUR ", "EUR"), (None, ""), (3, "")])
def test_a_balances_currency_is_found_in_any_notation(named: object, known: str) -> None:
    assert read_balance({"data": {"balance": "43.60", "currency": named}}) == Balance(43.6, known)


def test_the_price_is_not_asked_for_over_an_unencrypted_connection() -> None:
    assert Client("http://192.0.2.1/api/v6", "a key in the URL").price() is None


OURS = {"model_id": "image-to-3d", "cost_usd": 0.05}


@pytest.mark.parametrize(
    "reply",
    [
        [OURS, {"model_id": "flux", "cost_usd": 0.002}],
        {"data": [OURS]},
        {"status": "success", "models": {"items": [{"name": "Image to 3D", "price": "0.05", "currency": "usd"}]}},
        {"results": [{"endpoint": "/api/v6/3d/image_to_3d", "price_per_generation": "$0.05"}]},
        {"data": {"id": "image_to_3d", "price": {"amount": 0.05, "currency": "USD"}}},
        [OURS, OURS],
    ],
)
def test_the_services_price_is_found_in_any_envelope(reply: Any) -> None:
    assert read_price(reply) == Money(0.05, "USD")


@pytest.mark.parametrize(
    "reply",
    [
        None,
        {"status": "error", "message": "image_to_3d costs 0.05 USD"},
        [{"model_id": "flux", "cost_usd": 0.002}],
        [{"model_id": "image-to-3d", "cost": 5}],
        [OURS, {"model_id": "image-to-3d-pro", "cost_usd": 0.25}],
        [{"model_id": "image-to-3d", "cost_usd": 0}],
        [{"model_id": "image-to-3d", "cost_usd": float("nan")}],
        {"data": {"data": {"data": {"data": {"data": [OURS]}}}}},
    ],
    ids=["nothing", "error", "another model", "no currency", "two prices", "free", "not a number", "deeply nested"],
)
def test_a_price_that_is_not_clear_is_no_price(reply: Any) -> None:
    assert read_price(reply) is None
