# SPDX-License-Identifier: GPL-3.0-or-later
"""What models will take and cost: a lookup in what was learned, which the journal's thread reports as events."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..api.money import Money
from .estimates import settings_key


class Forecast(NamedTuple):
    """What models will take and cost. None: unknown."""

    seconds: float | None = None
    price: float | None = None
    currency: str = ""

    @property
    def money(self) -> Money | None:
        return None if self.price is None else Money(self.price, self.currency)


class Learned(NamedTuple):
    """Event: something was learned. `seconds`: by account and settings; `prices`: by wallet and settings."""

    seconds: Mapping[tuple[str, str], float] = {}
    prices: Mapping[tuple[str, str], Money] = {}


class BalanceRead(NamedTuple):
    """Event: the balance of a wallet was read. `spent`: since midnight, as the daily limit counts it."""

    wallet: str
    money: Money
    spent: Money


@dataclass(slots=True)
class Knowledge:
    """Everything that was learned so far."""

    seconds: dict[tuple[str, str], float] = field(default_factory=dict)
    prices: dict[tuple[str, str], Money] = field(default_factory=dict)

    def add(self, learned: Learned) -> None:
        self.seconds.update(learned.seconds)
        self.prices.update(learned.prices)

    def forecast(
        self, account: tuple[str, str], wallet: str, parameters: Mapping[str, Any], count: int, at_once: int
    ) -> Forecast:
        """Returns the forecast for `count` models, of which `at_once` are made at the same time.

        `parameters`: all request parameters, validated.
        """
        settings = settings_key(parameters)
        seconds = self.seconds.get((" ".join(account), settings))
        price = self.prices.get((wallet, settings)) or self.prices.get((wallet, ""))
        return Forecast(
            None if seconds is None else seconds * math.ceil(count / max(at_once, 1)),
            None if price is None else price.amount * count,
            "" if price is None else price.currency,
        )
