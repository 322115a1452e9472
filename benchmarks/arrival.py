# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures one arrival of a model: stalls of a 60 Hz loop, total time, first draw, memory."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bpy
from bl_ext.user_default.image_to_3d.jobs.job import InputImage, Job, TargetScene
from bl_ext.user_default.image_to_3d.scene import append_blend, place_model
from bl_ext.user_default.image_to_3d.worker.child_process import Launch
from bl_ext.user_default.image_to_3d.worker.worker_process import WorkerProcess

PERIOD = 1 / 60
_worker = WorkerProcess(Launch.for_wheel())


@dataclass
class Run:
    """One arrival. Seconds and megabytes."""

    stall: float
    """Longest delay of a tick."""
    work: float
    """Longest CPU time of the main thread in one tick: independent of what else runs on the machine."""
    seconds: float
    """From the file on disk to the object in the scene, including its undo step."""
    first_draw: float
    """Evaluation, triangulation and normals: what the first redraw computes before it draws."""
    host_mb: float
    worker_mb: float
    """Resident memory afterwards; for the worker, its peak."""


def close() -> None:
    """End the worker."""
    _worker.stop()


def prepared(path: Path) -> Run:
    """Our method: the worker converts the file, the main thread appends the result part by part."""
    _reset()
    target = path.with_suffix(".blend")
    outcome: list[Any] = []
    request = {
        "do": "model",
        "source": str(path),
        "format": path.suffix[1:],
        "target": str(target),
        "name": "model",
        "placement": {"size": 2.0},
    }

    def convert() -> None:
        try:
            outcome.append(_worker.run(request))
        except Exception as error:
            outcome.append(error)

    _worker.run({"do": "ping"})
    job = Job("", "model", InputImage("model", "", ""), {}, path.parent, "OFFLINE", target_scene=TargetScene())
    thread = threading.Thread(target=convert)

    def ticks() -> Iterator[bool]:
        thread.start()
        while not outcome:
            yield False
        if isinstance(outcome[0], Exception):
            raise outcome[0]
        ready_job = replace(job, blend_file=target.name, details=outcome[0])
        while append_blend.prefetch(target, ready_job.details["parts"]):
            yield False
        place_model.place(ready_job, bpy.context.scene)
        yield True

    stall, work, seconds = _loop(ticks())
    thread.join()
    return Run(stall, work, seconds, _first_draw(), megabytes(os.getpid()), megabytes(_worker.pid, peak=True))


def direct(path: Path) -> Run:
    """The usual method: Blender's import operator, on the main thread."""
    _reset()
    importer: Callable[..., Any] = {
        ".glb": bpy.ops.import_scene.gltf,
        ".obj": bpy.ops.wm.obj_import,
        ".stl": bpy.ops.wm.stl_import,
        ".ply": bpy.ops.wm.ply_import,
    }[path.suffix]

    def ticks() -> Iterator[bool]:
        yield False
        with stdout_discarded():
            importer(filepath=str(path))
        bpy.ops.ed.undo_push(message="import")
        yield True

    stall, work, seconds = _loop(ticks())
    return Run(stall, work, seconds, _first_draw(), megabytes(os.getpid()), 0.0)


def _loop(ticks: Iterator[bool]) -> tuple[float, float, float]:
    """Run the ticks at 60 Hz. Returns the longest delay and CPU time of a tick, and the total time, in seconds."""
    gc.disable()
    try:
        start = due = time.perf_counter()
        stall = work = 0.0
        while True:
            cpu_start = time.thread_time()
            finished = next(ticks)
            now = time.perf_counter()
            work = max(work, time.thread_time() - cpu_start)
            stall = max(stall, now - due)  # the delay of this tick, including its own work
            if finished:
                return stall, work, now - start
            due = max(due + PERIOD, now)
            time.sleep(max(0.0, due - time.perf_counter()))
    finally:
        gc.enable()


def _first_draw() -> float:
    start = time.perf_counter()
    graph = bpy.context.evaluated_depsgraph_get()
    for item in bpy.context.scene.objects:
        if item.type == "MESH":
            mesh = item.evaluated_get(graph).data
            mesh.calc_loop_triangles()
            normals = {"POINT": mesh.vertex_normals, "FACE": mesh.polygon_normals, "CORNER": mesh.corner_normals}
            assert normals[mesh.normals_domain][0].vector.length > 0
    return time.perf_counter() - start


def _reset() -> None:
    """Empty Blender and the undo history, and return freed memory to the OS."""
    bpy.ops.wm.read_homefile(use_empty=True)  # undo steps keep the last model otherwise
    bpy.ops.ed.undo_push(message="reset")
    gc.collect()
    if sys.platform == "linux":
        # Memory left over from the last run would make the next one faster than a first run ever is.
        ctypes.CDLL(None).malloc_trim(0)


@contextlib.contextmanager
def stdout_discarded() -> Iterator[None]:
    """Context without stdout: the importers print, and the terminal's speed must not be measured."""
    sys.stdout.flush()
    saved = os.dup(1)
    with open(os.devnull, "w") as null:
        os.dup2(null.fileno(), 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(saved, 1)
        os.close(saved)


def megabytes(pid: int, *, peak: bool = False) -> float:
    """Returns the resident memory of a process in MB, now or at its peak."""
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        field = "VmHWM:" if peak else "VmRSS:"
        return next(int(x.split()[1]) for x in status.read_text().splitlines() if x.startswith(field)) / 1024
    output = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return int(output or 0) / 1024
