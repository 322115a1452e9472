# SPDX-License-Identifier: GPL-3.0-or-later
"""The artist's Blender, measured: a loop that ticks 60 times a second while a model arrives in it."""

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
from bl_ext.user_default.image_to_3d.scene import arrival as arriving
from bl_ext.user_default.image_to_3d.worker.process import Launch, WorkerProcess

PERIOD = 1 / 60
_worker = WorkerProcess(Launch.for_wheel())


@dataclass
class Run:
    """One arrival. Seconds and megabytes."""

    stall: float
    """Longest time the loop ticked late by."""
    work: float
    """Longest processor time of the main thread in one tick: its share of the stall, whatever else the machine does."""
    seconds: float
    """From the file on disk to the object in the scene, with its undo step."""
    first_draw: float
    """Evaluating, triangulating and computing normals: what the first redraw begins with."""
    host_mb: float
    worker_mb: float
    """Resident memory afterwards; the worker's is its highest."""


def close() -> None:
    _worker.stop()


def arrival(path: Path) -> Run:
    """Our way: the worker prepares it, the loop takes it in."""
    _clean()
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
        ready = replace(job, blend_file=target.name, details=outcome[0])
        while arriving.prefetch(ready):
            yield False
        arriving.place_with_undo(ready, bpy.context.scene)
        yield True

    stall, work, seconds = _loop(ticks())
    thread.join()
    return Run(stall, work, seconds, _first_draw(), _megabytes(os.getpid()), _megabytes(_worker.pid, peak=True))


def direct(path: Path) -> Run:
    """The way of others: Blender's own importer, on the main thread."""
    _clean()
    importer: Callable[..., Any] = {
        ".glb": bpy.ops.import_scene.gltf,
        ".obj": bpy.ops.wm.obj_import,
        ".stl": bpy.ops.wm.stl_import,
        ".ply": bpy.ops.wm.ply_import,
    }[path.suffix]

    def ticks() -> Iterator[bool]:
        yield False
        with _quiet():
            importer(filepath=str(path))
        bpy.ops.ed.undo_push(message="import")
        yield True

    stall, work, seconds = _loop(ticks())
    return Run(stall, work, seconds, _first_draw(), _megabytes(os.getpid()), 0.0)


def _loop(ticks: Iterator[bool]) -> tuple[float, float, float]:
    """Run the ticks at 60 Hz to their end: the longest delay and work of one, and the time until the last was done."""
    gc.disable()
    try:
        begun = due = time.perf_counter()
        longest = hardest = 0.0
        while True:
            working = time.thread_time()
            over = next(ticks)
            done = time.perf_counter()
            hardest = max(hardest, time.thread_time() - working)
            longest = max(longest, done - due)  # lateness of this tick, its own work included
            if over:
                return longest, hardest, done - begun
            due = max(due + PERIOD, done)
            time.sleep(max(0.0, due - time.perf_counter()))
    finally:
        gc.enable()


def _first_draw() -> float:
    begun = time.perf_counter()
    graph = bpy.context.evaluated_depsgraph_get()
    for item in bpy.context.scene.objects:
        if item.type == "MESH":
            mesh = item.evaluated_get(graph).data
            mesh.calc_loop_triangles()
            normals = {"POINT": mesh.vertex_normals, "FACE": mesh.polygon_normals, "CORNER": mesh.corner_normals}
            assert normals[mesh.normals_domain][0].vector.length > 0
    return time.perf_counter() - begun


def _clean() -> None:
    bpy.ops.wm.read_homefile(use_empty=True)  # undo steps hold the last model otherwise
    bpy.ops.ed.undo_push(message="clean")
    gc.collect()
    if sys.platform == "linux":
        # Memory that the last run has left over would make the next one look quicker than the first ever is.
        ctypes.CDLL(None).malloc_trim(0)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The importers print; a terminal must not be what is measured."""
    sys.stdout.flush()
    kept = os.dup(1)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def _megabytes(pid: int, *, peak: bool = False) -> float:
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        wanted = "VmHWM:" if peak else "VmRSS:"
        return next(int(x.split()[1]) for x in status.read_text().splitlines() if x.startswith(wanted)) / 1024
    said = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return int(said or 0) / 1024
