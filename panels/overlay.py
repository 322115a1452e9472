# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws each job's progress in the viewport at its placeholder, and the box in which its model will be. Only draws."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from typing import Any, Final

import blf
import bpy
import gpu

from .. import job_view
from ..jobs import progress
from ..jobs.job import Job, State
from ..scene import placeholder
from ..translation import tr_message
from . import overlay_layout
from .overlay_layout import Label, Rectangle

_TEXT_SIZE: Final = 11
"""Points of the interface's scale."""
_MAX_BARS: Final = 30
"""Placeholders drawn at once."""

_BACKGROUND: Final = (0.0, 0.0, 0.0, 0.5)
_ERROR: Final = (0.9, 0.25, 0.2, 1.0)
_BOX_ALPHA: Final = 0.3

_EDGES: Final = [(a, b) for a, b in itertools.combinations(range(8), 2) if (a ^ b).bit_count() == 1]
"""Of a box, as pairs of `placeholder.corners`: two corners of an edge differ in one coordinate."""
_FONT: Final = 0

Color = Sequence[float]

_handles: list[Any] = []


def at_placeholders() -> list[tuple[Job, bpy.types.Object]]:
    """Returns the jobs to draw: running ones first, then queued ones, then those that ended."""
    found = [(job, empty) for job in job_view.jobs() if (empty := placeholder.find_cached(job.id)) is not None]
    return sorted(found, key=lambda pair: (not pair[0].running, pair[0].state is State.QUEUED))[:_MAX_BARS]


def _shown(context: bpy.types.Context) -> list[tuple[Job, bpy.types.Object]]:
    """Returns what is to be drawn in this viewport."""
    space: Any = context.space_data
    if context.region is None or context.region_data is None or not space.overlay.show_overlays:
        return []
    return [(job, empty) for job, empty in at_placeholders() if empty.visible_in_viewport_get(space)]


def _draw_boxes() -> None:
    """Draw the boxes of all placeholders at once: an image is a mere line when it is seen from the side."""
    from gpu_extras.batch import batch_for_shader  # not when the add-on is enabled

    context = bpy.context
    lines = []
    for _, empty in _shown(context):
        corners = placeholder.corners(empty)
        lines += [corners[end] for edge in _EDGES for end in edge]
    if not lines:
        return
    shader: Any = gpu.shader.from_builtin("POLYLINE_UNIFORM_COLOR")
    batch = batch_for_shader(shader, "LINES", {"pos": lines})
    gpu.state.blend_set("ALPHA")
    gpu.state.depth_test_set("LESS_EQUAL")
    shader.bind()
    shader.uniform_float("viewportSize", (context.region.width, context.region.height))
    shader.uniform_float("lineWidth", context.preferences.system.pixel_size)
    shader.uniform_float("color", (*_text_color(context), _BOX_ALPHA))
    batch.draw(shader)
    gpu.state.depth_test_set("NONE")
    gpu.state.blend_set("NONE")


def _draw_labels() -> None:
    """Draw the bars, and the texts for which there is room, of the nearest placeholders first."""
    from bpy_extras.view3d_utils import location_3d_to_region_2d

    context = bpy.context
    region, view, scale = context.region, context.region_data, context.preferences.system.ui_scale
    found: list[tuple[float, Job, Rectangle]] = []
    for job, empty in _shown(context):
        corners = placeholder.corners(empty)
        points = [location_3d_to_region_2d(region, view, corner) for corner in corners]
        if None not in points:  # else a part of it is behind the viewer
            distance = -(view.view_matrix @ empty.matrix_world.translation).z
            found.append((distance, job, overlay_layout.around([(point.x, point.y) for point in points])))
    found.sort(key=lambda each: each[0])
    labels = overlay_layout.arrange([shown for _, _, shown in found], scale)
    drawn = [(job, label) for (_, job, _), label in zip(found, labels, strict=True) if label is not None]
    if drawn:
        now = time.time()
        _draw_bars(drawn, now, context)
        _draw_texts([(job, label.bar) for job, label in drawn if label.has_text], now, context)


def _draw_bars(drawn: Sequence[tuple[Job, Label]], now: float, context: bpy.types.Context) -> None:
    from gpu_extras.batch import batch_for_shader

    theme: Any = context.preferences.themes[0]
    done = (*theme.user_interface.wcol_progress.item[:3], 1.0)
    corners: list[tuple[float, float]] = []
    colors: list[Color] = []
    for job, label in drawn:
        bar, failed = label.bar, _failed(job)
        fraction = 1.0 if failed else progress.fraction_and_eta(job, now)[0]
        end = bar.left + bar.width * fraction
        for left, right, color in ((end, bar.right, _BACKGROUND), (bar.left, end, _ERROR if failed else done)):
            lower, upper = ((left, bar.bottom), (right, bar.bottom)), ((left, bar.top), (right, bar.top))
            corners += [*lower, upper[0], lower[1], *upper[::-1]]
            colors += [color] * 6
    shader = gpu.shader.from_builtin("FLAT_COLOR")
    batch = batch_for_shader(shader, "TRIS", {"pos": corners, "color": colors})
    gpu.state.blend_set("ALPHA")
    batch.draw(shader)
    gpu.state.blend_set("NONE")


def _draw_texts(drawn: Sequence[tuple[Job, Rectangle]], now: float, context: bpy.types.Context) -> None:
    """Draw each job's name at the left end of its bar, and the time left or its state at the right end."""
    scale = context.preferences.system.ui_scale
    color = _text_color(context)
    blf.size(_FONT, _TEXT_SIZE * scale)
    blf.enable(_FONT, blf.SHADOW)
    blf.shadow(_FONT, 5, 0.0, 0.0, 0.0, 1.0)
    for job, bar in drawn:
        y = bar.bottom - (overlay_layout.LINE - 4.0) * scale
        left = progress.fraction_and_eta(job, now)[1]
        state = progress.format_duration(left) if left is not None else tr_message(progress.status_text(job, now))
        width = _width(state)
        room = bar.width - width - 6.0 * scale
        name = _fitting(job.name, room if room > bar.width / 3 else bar.width)
        blf.color(_FONT, *color, 0.9)
        blf.position(_FONT, bar.left, y, 0.0)
        blf.draw(_FONT, name)
        if room > bar.width / 3:
            blf.color(_FONT, *(_ERROR if _failed(job) else (*color, 0.9)))
            blf.position(_FONT, bar.right - width, y, 0.0)
            blf.draw(_FONT, state)
    blf.disable(_FONT, blf.SHADOW)


def _fitting(text: str, width: float) -> str:
    """Returns as much of a text as fits into a width."""
    if _width(text) <= width:
        return text
    while text and _width(text + "…") > width:
        text = text[:-1]
    return text + "…"


def _width(text: str) -> float:
    size: Any = blf.dimensions(_FONT, text)
    return float(size[0])


def _failed(job: Job) -> bool:
    return job.state in (State.FAILED, State.UNCONFIRMED)


def _text_color(context: bpy.types.Context) -> tuple[float, float, float]:
    theme: Any = context.preferences.themes[0]
    red, green, blue = theme.view_3d.space.text_hi
    return red, green, blue


def register() -> None:
    if not bpy.app.background:
        add = bpy.types.SpaceView3D.draw_handler_add
        _handles.extend([add(_draw_boxes, (), "WINDOW", "POST_VIEW"), add(_draw_labels, (), "WINDOW", "POST_PIXEL")])


def unregister() -> None:
    while _handles:
        bpy.types.SpaceView3D.draw_handler_remove(_handles.pop(), "WINDOW")
