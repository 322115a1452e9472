# SPDX-License-Identifier: GPL-3.0-or-later
"""Parses the service's list of models with prices. Its format is hardly documented, so only what is clear is read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..errors import one_line
from .money import Money, currency_code, currency_in
from .sanitize import number

_LISTS: Final = ("data", "models", "results", "items")
_NAMES: Final = ("id", "model_id", "slug", "name", "model_name", "title", "endpoint", "category", "type", "task")
"""Fields that may say what a model does."""
_PRICES: Final = ("cost_usd", "price_per_generation", "price", "cost")
_OURS: Final = "imageto3d"
_MAX_DEPTH: Final = 4


def read_price(value: object) -> Money | None:
    """Returns the price of a model from an image; None if the reply names none, several, or no currency with it."""
    found = {price for entry in _entries(value) if _is_image_to_3d(entry) and (price := _price_of(entry)) is not None}
    return found.pop() if len(found) == 1 else None


def _entries(value: object, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, list):
        yield from (entry for entry in value if isinstance(entry, Mapping))
    elif isinstance(value, Mapping) and depth < _MAX_DEPTH:
        yield value
        for name in _LISTS:
            yield from _entries(value.get(name), depth + 1)


def _is_image_to_3d(entry: Mapping[str, Any]) -> bool:
    texts = (entry[name] for name in _NAMES if isinstance(entry.get(name), str))
    return any(_OURS in re.sub("[^a-z0-9]", "", text[:200].lower()) for text in texts)


def _price_of(entry: Mapping[str, Any]) -> Money | None:
    """Returns an entry's price. A number without a currency may count credits, so it says nothing."""
    for name in _PRICES:
        value: Any = entry.get(name)
        currency: Any = entry.get("currency")
        if isinstance(value, Mapping):
            value, currency = value.get("amount"), value.get("currency") or currency
        amount = number(value)
        code = "USD" if name == "cost_usd" else currency_code(currency) or currency_in(value)
        if amount is not None and amount > 0 and code:
            return Money(amount, one_line(code, 8))
    return None
