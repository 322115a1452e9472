# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panel says of time and money: only what was learned, and at once after Blender's start."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import pytest
from scripted_service import Reply, Request, ScriptedService

from .conftest import part


@pytest.fixture
def learned(
    image_to_3d: Any,
    service: ScriptedService,
    image_file: Path,
    keep_going: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> ScriptedService:
    """A service that was paid $0.05 for each of three models."""

    def slow(request: Request) -> Reply:
        deadline = time.monotonic() + 20
        while part("engine").queue().reads_balance() and time.monotonic() < deadline:
            time.sleep(0.01)
        return service._upload(request)

    monkeypatch.setattr(part("jobs.balance_watch"), "INTERVAL", 0.0)
    service.price = 0.05
    for _ in range(3):
        service.next("upload", slow)
        image_to_3d.generate(image_file, wait=True)
        keep_going(lambda: not part("engine").busy())
    return service


def forecast(count: int = 1) -> Any:
    return part("job_view").forecast(bpy.context.scene.image_to_3d.parameters(), count)


def test_without_earlier_jobs_no_time_and_no_price_are_shown(image_to_3d: Any, service: ScriptedService) -> None:
    assert part("forecast_text").line(forecast()) == ""
    assert part("forecast_text").question(bpy.context.scene.image_to_3d.parameters(), 38) == "Generate 38 Models?"


def test_after_three_models_time_and_price_are_known_also_after_a_restart(
    learned: ScriptedService, preferences: Any, keep_going: Callable[..., None]
) -> None:
    texts, parameters = part("forecast_text"), bpy.context.scene.image_to_3d.parameters()
    known = forecast(38)
    assert texts.line(forecast()).endswith(" · ~$0.05")
    assert texts.price_text(parameters, 3) == "~$0.15"
    assert texts.question(parameters, 38) == "Generate 38 Models for About $1.90?"
    assert known.seconds == 8 * forecast().seconds, "five at once"
    account = part("background_task").account.status
    assert (account.value, str(account.text)) == ("$43.45", "The key works. Balance: $43.45 · Spent today: $0.15")
    part("engine").stop()
    assert texts.line(forecast()) == ""
    part("engine").queue().adopt()
    keep_going(lambda: not part("engine").busy())
    assert forecast(38) == known
    preferences.api_key = "another-key"
    assert (forecast().price, forecast(38).seconds) == (None, known.seconds), "another account, another price"
    bpy.context.scene.image_to_3d.resolution = 512
    assert texts.line(forecast()) == "", "other settings, another time"


def test_the_daily_limit_in_the_preferences_holds_jobs_and_raising_it_continues_them(
    image_to_3d: Any,
    learned: ScriptedService,
    preferences: Any,
    image_file: Path,
    keep_going: Callable[..., None],
) -> None:
    preferences.use_daily_limit = True
    preferences.daily_limit = 0.15
    job = image_to_3d.generate(image_file)
    keep_going(lambda: part("job_view").held())
    assert str(part("job_view").held()) == "The daily limit of $0.15 is reached. New jobs start tomorrow."
    assert len(learned.submits) == 3
    preferences.daily_limit = 0.20
    keep_going(lambda: part("job_view").job(job.id).state == "placed")
    assert not part("job_view").held()
    waiting = image_to_3d.generate(image_file)
    keep_going(lambda: part("job_view").held())
    bpy.ops.image_to_3d.cancel_job(job_id=waiting.id)
    keep_going(lambda: not part("engine").busy())
    assert not part("job_view").held()
    assert len(learned.submits) == 4
