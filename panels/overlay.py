# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws each job's progress in the viewport at its placeholder. Only draws."""

from __future__ import annotations

import time
from typing import Any, Final

import blf
import bpy
import gpu
from mathutils import Vector

from .. import job_view
from ..jobs import progress
from ..jobs.job import Job, State
from ..scene import placeholder
from ..translation import tr_message

_WIDTH: Final = 120
_HEIGHT: Final = 5
_TEXT_SIZE: Final = 11
"""All in points of the interface's scale."""
_BELOW: Final = 14
_MAX_BARS: Final = 30
"""Bars drawn at once."""

_BACKGROUND: Final = (0.0, 0.0, 0.0, 0.45)
_BAR: Final = (0.28, 0.56, 0.95, 0.95)
_ERROR: Final = (0.9, 0.45, 0.2, 0.95)
_TEXT_COLOR: Final = (1.0, 1.0, 1.0, 0.9)

_handle: Any = None


def _draw() -> None:
    context = bpy.context
    region, view = context.region, context.region_data
    if region is None or view is None or not context.space_data.overlay.show_overlays:
        return
    from bpy_extras.view3d_utils import location_3d_to_region_2d  # not when the add-on is enabled

    scale = context.preferences.system.ui_scale
    for job, empty in at_placeholders():
        if not empty.visible_get():
            continue
        point = location_3d_to_region_2d(region, view, empty.matrix_world.translation)
        if point is not None:
            _draw_bar(job, point, scale)


def at_placeholders() -> list[tuple[Job, bpy.types.Object]]:
    """Returns the jobs to draw: running ones first, then queued ones, then those that ended."""
    found = [(job, empty) for job in job_view.jobs() if (empty := placeholder.find_cached(job.id)) is not None]
    return sorted(found, key=lambda pair: (not pair[0].running, pair[0].state is State.QUEUED))[:_MAX_BARS]


def _draw_bar(job: Job, point: Vector, scale: float) -> None:
    now = time.time()
    fraction, text = progress.fraction_and_eta(job, now)[0], tr_message(progress.status_text(job, now))
    width, height = _WIDTH * scale, _HEIGHT * scale
    x, y = point.x - width / 2, point.y - _BELOW * scale
    failed = job.state in (State.FAILED, State.UNCONFIRMED)
    gpu.state.blend_set("ALPHA")
    _draw_box(x, y, width, height, _BACKGROUND)
    _draw_box(x, y, width * (1.0 if failed else fraction), height, _ERROR if failed else _BAR)
    gpu.state.blend_set("NONE")
    blf.size(0, _TEXT_SIZE * scale)
    blf.color(0, *_TEXT_COLOR)
    text_width, text_height = blf.dimensions(0, text)
    blf.position(0, point.x - text_width / 2, y - text_height - 4 * scale, 0)
    blf.enable(0, blf.SHADOW)
    blf.shadow(0, 3, 0.0, 0.0, 0.0, 0.8)
    blf.draw(0, text)
    blf.disable(0, blf.SHADOW)


def _draw_box(x: float, y: float, width: float, height: float, color: tuple[float, float, float, float]) -> None:
    from gpu_extras.batch import batch_for_shader

    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    corners = ((x, y), (x + width, y), (x, y + height), (x + width, y + height))
    batch = batch_for_shader(shader, "TRI_STRIP", {"pos": corners})
    shader.uniform_float("color", color)  # type: ignore[attr-defined]
    batch.draw(shader)


def register() -> None:
    global _handle
    if not bpy.app.background:
        _handle = bpy.types.SpaceView3D.draw_handler_add(_draw, (), "WINDOW", "POST_PIXEL")


def unregister() -> None:
    global _handle
    if _handle is not None:
        bpy.types.SpaceView3D.draw_handler_remove(_handle, "WINDOW")
        _handle = None
