# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures how long a mesh tool keeps the main thread: the hand-over, and the arrival of the result.

The same steps on the main thread itself, in the same process, are the comparison.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import arrival
import bpy
import shapes
from bl_ext.user_default.image_to_3d import tool_engine
from bl_ext.user_default.image_to_3d.control import Control
from bl_ext.user_default.image_to_3d.tool_settings import Tool
from bl_ext.user_default.image_to_3d.worker import tool_runner
from bl_ext.user_default.image_to_3d.worker.request_loop import TASKS

_CASES = (
    ("100k, Remesh to 5,000", 100_000, Tool.REMESH, {}),
    ("500k, Simplify to half", 500_000, Tool.SIMPLIFY, {}),
    ("500k, Check", 500_000, Tool.CHECK, {}),
)

_POLL = 1.0
"""Milliseconds; a tick that takes longer does something."""


@dataclass
class Run:
    """Milliseconds of the main thread, and seconds until the result is in the scene."""

    hand_over_ms: float
    arrival_ms: float
    """The ticks that placed the result, together."""
    polls_ms: float
    """All other ticks together, 60 in each second: they find that there is nothing to do yet."""
    longest_ms: float
    """The longest tick, the hand-over included."""
    seconds: float
    direct_seconds: float
    """The same work on the main thread: Blender does not react meanwhile."""
    worker_mb: float


def measure(folder: Path) -> dict[str, dict[str, float]]:
    """Measure all cases. Prints a table and returns its values."""
    columns = ("hand-over", "arrival", "polls", "longest", "result, s", "direct, s", "worker MB")
    print(f"\n{'Mesh tools: main thread, ms':<32}" + "".join(f"{column:>10}" for column in columns))
    found = {}
    for name, triangles, tool, settings in _CASES:
        path = shapes.write_glb(folder / "tool.glb", shapes.ball(triangles), shapes.texture(2048))
        run = _run(path, tool, settings)
        found[name] = vars(run)
        print(f"{name:<32}" + "".join(f"{value:10.1f}" for value in vars(run).values()), flush=True)
    return found


def _run(path: Path, tool: Tool, settings: Mapping[str, Any]) -> Run:
    arrival.prepared(path)
    model = bpy.context.view_layer.objects.active
    tool_engine._shared_worker().run({"do": "ping"})
    started = time.perf_counter()
    task = tool_engine.start(tool, model, settings)
    ticks = [time.perf_counter() - started]
    source = task.request.source.read_bytes()
    while not task.done:
        before = time.perf_counter()
        tool_engine.step()
        ticks.append(time.perf_counter() - before)
        time.sleep(arrival.PERIOD)
    seconds = time.perf_counter() - started
    if task.error is not None:
        raise RuntimeError(str(task.error))
    worker_mb = arrival.megabytes(tool_engine._shared_worker().pid, peak=True)
    tool_engine.stop()
    copy = path.with_name("source.blend")
    copy.write_bytes(source)
    request = tool_runner.ToolRequest(tool, task.request.settings, copy, "model")
    with arrival.stdout_discarded():
        direct = _timed(lambda: tool_runner.run(_Here(), request))  # type: ignore[arg-type]
    milliseconds = [tick * 1e3 for tick in ticks]
    later = milliseconds[1:]
    placing = sum(tick for tick in later if tick > _POLL)
    return Run(milliseconds[0], placing, sum(later) - placing, max(milliseconds), seconds, direct, worker_mb)


class _Here:
    """Does what a worker does in this Blender, on the main thread."""

    def run(self, request: Mapping[str, Any], control: Control, *, timeout: float) -> dict[str, Any]:
        return TASKS[request["do"]](request, control.report)


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
