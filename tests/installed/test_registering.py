# SPDX-License-Identifier: GPL-3.0-or-later
"""Enabling and disabling."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import PACKAGE, part

ENABLE = """
import json, os, sys
import bpy, addon_utils
before = set(sys.modules)
module = addon_utils.enable("bl_ext.user_default.image_to_3d", default_set=True)
loaded = sorted({name.partition(".")[0] for name in set(sys.modules) - before})
print("LOADED", json.dumps([module is not None, loaded]))
addon_utils.disable("bl_ext.user_default.image_to_3d")
sys.stdout.flush()
os._exit(0)  # Blender 4.2's module crashes at its exit once any class was registered
"""


def run_fresh(user: Path, script: str) -> str:
    """Returns the output of a script that runs in its own process with Blender's module."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"BLENDER_USER_RESOURCES": str(user)},
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_enabling_imports_no_module_that_is_slow_to_import(user: Path) -> None:
    line = next(line for line in run_fresh(user, ENABLE).splitlines() if line.startswith("LOADED"))
    enabled, loaded = json.loads(line.removeprefix("LOADED"))
    assert enabled
    assert not {"requests", "urllib3", "sqlite3", "numpy", "json", "logging", "queue", "uuid"} & set(loaded)


def test_every_operator_that_a_panel_can_name_exists(extension: Any) -> None:
    import bpy

    for name in part("bl_ids").Op:
        group, _, verb = name.partition(".")
        assert getattr(getattr(bpy.ops, group), verb).get_rna_type().name, name


def test_disabling_removes_everything_and_enabling_again_works(image_to_3d: Any) -> None:
    import bpy

    image_to_3d.unregister()
    try:
        assert not hasattr(bpy.types.Scene, "image_to_3d")
        assert not hasattr(bpy.types, "IMAGE_TO_3D_PT_main")
        assert not hasattr(bpy.types, "IMAGE_TO_3D_OT_generate")
        handlers = [
            f for name in dir(bpy.app.handlers) if isinstance(fs := getattr(bpy.app.handlers, name), list) for f in fs
        ]
        assert not [f for f in handlers if f.__module__.startswith(PACKAGE)]
    finally:
        image_to_3d.register()
    assert bpy.context.scene.image_to_3d.resolution == 256


def test_registering_twice_registers_everything_once(image_to_3d: Any) -> None:
    import bpy

    handlers = len(bpy.app.handlers.load_post)
    image_to_3d.register()
    assert len(bpy.app.handlers.load_post) == handlers
    assert bpy.context.scene.image_to_3d.resolution == 256


def test_scripts_find_the_errors_and_states_in_the_root_module(image_to_3d: Any) -> None:
    for name in image_to_3d.__all__:
        assert getattr(image_to_3d, name) is not None
    assert issubclass(image_to_3d.ParameterError, image_to_3d.ImageTo3DError)
    assert image_to_3d.State.PLACED == "placed"


@pytest.mark.parametrize("name", ["MODELSLAB", "OFFLINE", "LOCAL", "CUSTOM"])
def test_each_service_can_be_chosen_in_the_preferences(preferences: Any, name: str) -> None:
    preferences.service = name
    assert preferences.service == name
