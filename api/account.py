# SPDX-License-Identifier: GPL-3.0-or-later
"""Parses the account's replies: its balance, and its generated models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..errors import one_line
from .money import currency_code
from .replies import links_of
from .sanitize import id_text, mapping, number

_BALANCES: Final = ("balance", "wallet_balance", "amount")


@dataclass(frozen=True, slots=True)
class Balance:
    """Money in the account's wallet. Subscribers may have 0 and still be able to generate."""

    amount: float | None
    """None if the service accepts the key but gives no number."""
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Generated:
    """One entry of the account's list of generated models."""

    id: str
    links: tuple[tuple[str, ...], ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict)


def read_balance(data: Mapping[str, Any]) -> Balance:
    """Returns the balance in a reply, nested or flat, as number or text."""
    for values in _objects_in(data):
        for amount in map(number, map(values.get, _BALANCES)):
            if amount is not None:
                currency = values.get("currency") or data.get("currency")
                return Balance(amount, one_line(currency_code(currency), 8))
    return Balance(None)


def read_generated(value: object) -> list[Generated]:
    """Returns the entries in a reply: a list, or an object of them, at the top level or below `data`."""
    found = [Generated(id_text(entry.get("id")), links_of(entry), entry) for entry in _entries(value)]
    return [entry for entry in found if entry.id or entry.links]


def _objects_in(data: Mapping[str, Any], depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """Yields an object and those inside it, the outermost first."""
    yield data
    if depth < 3:
        for inner in data.values():
            for part in inner[:3] if isinstance(inner, list) else [inner]:
                if isinstance(part, Mapping):
                    yield from _objects_in(part, depth + 1)


def _entries(value: object, depth: int = 0) -> list[Mapping[str, Any]]:
    if isinstance(value, list):
        return [entry for entry in value if isinstance(entry, Mapping)]
    data = mapping(value)
    for name in ("data", "assets", "results", "items", "output") if depth < 4 else ():
        inner = data.get(name)
        if isinstance(inner, Mapping) and "id" in inner and "output" in inner:
            return [inner]
        if isinstance(inner, Mapping) and all(isinstance(e, Mapping) and "id" in e for e in inner.values()):
            inner = list(inner.values())
        if (isinstance(inner, Mapping) and inner) or (isinstance(inner, list) and any(map(mapping, inner))):
            return _entries(inner, depth + 1)
    return []
