# SPDX-License-Identifier: GPL-3.0-or-later
"""An amount of money, and the one place that formats it."""

from __future__ import annotations

import math
import re
from typing import Final, NamedTuple

_SIGNS: Final = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹"}
_WITHOUT_CENTS: Final = frozenset({"JPY", "KRW"})
_MOST_DECIMALS: Final = 6


class Money(NamedTuple):
    """An amount in a currency: an ISO 4217 code such as "USD", or whatever the service calls its unit."""

    amount: float
    currency: str = ""

    def __str__(self) -> str:
        """Returns "$43.60", "€0.0047" (two digits that say something), or "43.60 XYZ"."""
        number = f"{self.amount:,.{self._decimals()}f}"
        sign = _SIGNS.get(self.currency)
        if sign is None:
            return f"{number} {self.currency}".strip()
        return f"-{sign}{number[1:]}" if number.startswith("-") else sign + number

    def _decimals(self) -> int:
        size = abs(self.amount)
        if self.currency in _WITHOUT_CENTS:
            return 0
        if not 0 < size < 0.1:
            return 2
        wanted = min(1 - math.floor(math.log10(size)), _MOST_DECIMALS)
        digits = f"{size:.{wanted}f}".rstrip("0").partition(".")[2]
        return max(2, len(digits))


def currency_code(text: object) -> str:
    """Returns the name of a currency in a reply: " usd " is "USD", other texts as they are; "" if there is none."""
    name = text.strip() if isinstance(text, str) else ""
    if re.fullmatch("[A-Za-z]{3}", name):
        return name.upper()
    return next((code for code, sign in _SIGNS.items() if sign == name), name)


def currency_in(text: object) -> str:
    """Returns the currency that a text such as "$0.05" names with a sign; "" if it has none."""
    shown = text if isinstance(text, str) else ""
    return next((code for code, sign in _SIGNS.items() if sign in shown), "")
