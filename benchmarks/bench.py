# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures how long Blender's main thread stalls when a model arrives, compared with Blender's import operator.

`python benchmarks/bench.py [--quick] [--repeats N]`, with a Python that has the bpy module. Prints tables and writes
build/bench.json. Both methods run alternately in one process on the same files, in a 60 Hz loop like that of
Blender's window. A stall is the delay of a tick. "Work" is the main thread's CPU time in it: the stall on an otherwise
idle machine.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from extension import ROOT, exit_now, install, machine

TRIANGLES = {"20k": 20_000, "100k": 100_000, "500k": 500_000, "1.5M": 1_500_000}
SIDES = {"1K": 1024, "2K": 2048, "4K": 4096}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="measurements per case (default: 3)")
    parser.add_argument("--quick", action="store_true", help="one texture size and one repeat only")
    parser.add_argument("--json", type=Path, default=ROOT / "build" / "bench.json")
    options = parser.parse_args()
    repeats = 1 if options.quick else max(1, options.repeats)
    with tempfile.TemporaryDirectory(prefix="image-to-3d-bench-") as name:
        folder = Path(name)
        install(folder / "user")
        logging.disable(logging.WARNING)  # the importers log every step
        import arrival
        import mesh_tools
        import polling
        import throughput

        import job_rows

        started = time.time()
        result: dict[str, Any] = {"machine": machine(), "repeats": repeats}
        print(f"{result['machine']}\n", flush=True)
        result["glb"] = glb_cases(arrival, folder, repeats, quick=options.quick)
        result["formats"] = format_cases(arrival, folder, repeats)
        result["mesh tools"] = mesh_tools.measure(folder)
        result["polling"] = polling.measure(folder)
        result["job list"] = job_rows.measure()
        print("\nThe rows of the job list, ms of the main thread")
        for name, milliseconds in result["job list"].items():
            print(f"{name:<42} {milliseconds:6.3f}")
        print()
        result["throughput"] = throughput.measure(folder, long=not options.quick)
        arrival.close()
        result["seconds"] = round(time.time() - started, 1)
    ticks = result["polling"]
    print(f"\n{ticks['jobs']} unfinished jobs, main thread per tick: median {ticks['median_ms']:.3f} ms, maximum "
          f"{ticks['worst_ms']:.2f} ms; after the last job: {ticks['idle']}")  # fmt: skip
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(result, indent=1))
    print(f"\n{result['seconds']:.0f} s; written to {options.json}", flush=True)
    exit_now()
    return 0


HEADER = (
    "                     longest stall of the main thread, ms        file → object, s  first draw, ms   memory, MB\n"
    "model            MB  ours  worst  work   direct  work  times less    ours  direct    ours  direct   host  worker"
)


def row(name: str, size: float, cases: list[Any], direct: list[Any]) -> dict[str, Any]:
    """Print one line of the table. Returns its values."""

    def median(runs: list[Any], attribute: str) -> float:
        return statistics.median(getattr(run, attribute) for run in runs)

    values = {
        "name": name,
        "file_mb": round(size, 1),
        "stall_ms": round(median(cases, "stall") * 1e3, 1),
        "worst_stall_ms": round(max(run.stall for run in cases) * 1e3, 1),
        "work_ms": round(median(cases, "work") * 1e3, 1),
        "direct_stall_ms": round(median(direct, "stall") * 1e3, 1),
        "direct_work_ms": round(median(direct, "work") * 1e3, 1),
        "ratio": round(median(direct, "stall") / median(cases, "stall"), 1),
        "seconds": round(median(cases, "seconds"), 2),
        "direct_seconds": round(median(direct, "seconds"), 2),
        "first_draw_ms": round(median(cases, "first_draw") * 1e3, 1),
        "direct_first_draw_ms": round(median(direct, "first_draw") * 1e3, 1),
        "host_mb": round(median(cases, "host_mb")),
        "worker_mb": round(median(cases, "worker_mb")),
    }
    print(
        "{name:<13} {file_mb:5.1f} {stall_ms:5.1f} {worst_stall_ms:6.1f} {work_ms:5.1f}  {direct_stall_ms:7.0f}"
        " {direct_work_ms:5.0f}  {ratio:10.0f}  {seconds:6.2f} {direct_seconds:7.2f} {first_draw_ms:8.1f}"
        " {direct_first_draw_ms:7.1f} {host_mb:6.0f} {worker_mb:9.0f}".format(**values),
        flush=True,
    )
    return values | {"ours": [asdict(run) for run in cases], "direct": [asdict(run) for run in direct]}


def measure(arrival: Any, name: str, path: Path, repeats: int) -> dict[str, Any]:
    cases, direct = [], []
    for _ in range(repeats):
        cases.append(arrival.prepared(path))
        direct.append(arrival.direct(path))
    return row(name, path.stat().st_size / 1e6, cases, direct)


def glb_cases(arrival: Any, folder: Path, repeats: int, *, quick: bool) -> list[dict[str, Any]]:
    import shapes

    print("GLB, with a warm worker\n" + HEADER, flush=True)
    arrival.prepared(shapes.write_glb(folder / "first.glb", shapes.ball(1000)))
    rows = []
    sides = {"2K": SIDES["2K"]} if quick else SIDES
    images = {side: shapes.texture(pixels) for side, pixels in sides.items()}
    for label, count in TRIANGLES.items():
        shape = shapes.ball(count)
        for side, image in images.items():
            path = shapes.write_glb(folder / "model.glb", shape, image)
            rows.append(measure(arrival, f"{label}, {side}", path, repeats))
    return rows


def format_cases(arrival: Any, folder: Path, repeats: int) -> list[dict[str, Any]]:
    import shapes

    print("\nThe other formats, 500,000 triangles\n" + HEADER, flush=True)
    shape = shapes.ball(TRIANGLES["500k"])
    rows = []
    for format, write in (("obj", shapes.write_obj), ("stl", shapes.write_stl), ("ply", shapes.write_ply)):
        path = write(folder / f"model.{format}", shape)
        rows.append(measure(arrival, f"500k, {format.upper()}", path, repeats))
    return rows


if __name__ == "__main__":
    sys.exit(main())
