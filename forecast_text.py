# SPDX-License-Identifier: GPL-3.0-or-later
"""The texts of a forecast: what models will take and cost, as far as that was learned. Cheap enough for drawing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from . import job_view
from .jobs.forecast import Forecast
from .jobs.progress import format_duration
from .translation import tr

_MINUTES_FROM: Final = 600.0
"""Seconds from which an estimate has no seconds."""


def line(forecast: Forecast) -> str:
    """Returns "about 0:45 · ~$0.05", or only what is known of it; "" if nothing is."""
    parts = []
    if forecast.seconds is not None:
        parts.append(tr("about {time}", time=_duration(forecast.seconds)))
    if forecast.money is not None:
        parts.append(f"~{forecast.money}")
    return " · ".join(parts)


def price_text(parameters: Mapping[str, Any], count: int = 1) -> str:
    """Returns what `count` models with these request parameters will cost: "~$0.15"; "" if that is unknown."""
    money = job_view.forecast(parameters, count).money
    return f"~{money}" if money is not None else ""


def question(parameters: Mapping[str, Any], count: int) -> str:
    """Returns the title of a dialog that asks before `count` models are generated, with their price if it is known."""
    money = job_view.forecast(parameters, count).money
    if money is None:
        return tr("Generate {count} Models?", count=count) if count > 1 else tr("Generate 1 Model?")
    if count > 1:
        return tr("Generate {count} Models for About {price}?", count=count, price=str(money))
    return tr("Generate 1 Model for About {price}?", price=str(money))


def _duration(seconds: float) -> str:
    if seconds < _MINUTES_FROM:
        return format_duration(seconds)
    return tr("{minutes} min", minutes=round(seconds / 60))
