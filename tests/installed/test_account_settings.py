# SPDX-License-Identifier: GPL-3.0-or-later
"""Webhook and track ID belong to the artist's account: they are in the preferences and in no .blend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scripted_service import ScriptedService

from .conftest import part

pytestmark = pytest.mark.heavy


def test_the_preferences_webhook_and_track_id_are_sent_with_each_request(
    image_to_3d: Any, service: ScriptedService, preferences: Any, image_file: Path
) -> None:
    preferences.webhook, preferences.track_id = "https://example.org/done", " studio 7 "
    image_to_3d.generate(image_file, wait=True)
    image_to_3d.generate(image_file, wait=True, track_id="shelf", webhook="https://example.org/other")
    first, second = (work.body for work in service.submits)
    assert (first["webhook"], first["track_id"]) == ("https://example.org/done", "studio 7")
    assert (second["webhook"], second["track_id"]) == ("https://example.org/other", "shelf")


def test_an_invalid_webhook_is_refused_by_name(
    image_to_3d: Any, service: ScriptedService, preferences: Any, image_file: Path
) -> None:
    preferences.webhook = "http://example.org/not-encrypted"
    with pytest.raises(image_to_3d.ParameterError, match="webhook"):
        image_to_3d.generate(image_file)
    assert not service.submits


def test_the_offline_preview_gets_neither(image_to_3d: Any, preferences: Any) -> None:
    preferences.webhook, preferences.track_id = "https://example.org/done", "studio 7"
    assert set(part("preferences").account_parameters()) == {"webhook", "track_id"}
    preferences.service = "OFFLINE"
    assert part("preferences").account_parameters() == {}


def test_a_blend_that_has_them_from_an_earlier_version_is_read_and_they_are_removed(
    image_to_3d: Any, service: ScriptedService, image_file: Path, tmp_path: Path
) -> None:
    import bpy

    scene = bpy.context.scene
    scene.image_to_3d.seed = "7"
    stored = getattr(scene, "bl_system_properties_get", lambda: scene)()["image_to_3d"]
    stored["webhook"], stored["track_id"] = "https://stranger.example/hook", "theirs"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    stored = getattr(bpy.context.scene, "bl_system_properties_get", lambda: bpy.context.scene)()["image_to_3d"]
    assert dict(stored.items()) == {"seed": "7"}
    assert bpy.ops.image_to_3d.generate(image=str(image_file)) == {"FINISHED"}
    sent = service.submits[0].body
    assert sent["seed"] == 7
    assert not sent.get("webhook")
    assert sent["track_id"] != "theirs"
