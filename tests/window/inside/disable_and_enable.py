# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside the windowed Blender: disables the add-on in the middle of a job, and enables it again."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import bpy

PACKAGE = "bl_ext.user_default.image_to_3d"


def switch() -> Iterator[float]:
    """Yields the seconds until its next step."""
    job_view = importlib.import_module(f"{PACKAGE}.job_view")
    while not any(job.state == "waiting" for job in job_view.jobs()):
        yield 0.1
    bpy.ops.preferences.addon_disable(module=PACKAGE)
    yield 1.0
    bpy.ops.preferences.addon_enable(module=PACKAGE)
    bpy.context.preferences.addons[PACKAGE].preferences.service = "CUSTOM"
    print("switched off and on", flush=True)


steps = switch()
bpy.app.timers.register(lambda: next(steps, None))
