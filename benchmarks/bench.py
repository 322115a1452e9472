# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the artist's Blender stands still when a model arrives, against importing it directly.

`python benchmarks/bench.py [--quick] [--repeats N]`, with a Python that has the bpy module. Prints tables and
writes build/bench.json. Both ways run in one process, one after the other, on the same files, in a loop
that wants to tick 60 times a second as Blender's window does; a stall is how much later than that it ticks, and
"work" is the main thread's own share of it: what remains on a machine that has nothing else to do.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import os
import platform
import statistics
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(Path(__file__).parent))

TRIANGLES = {"20k": 20_000, "100k": 100_000, "500k": 500_000, "1.5M": 1_500_000}
SIDES = {"1K": 1024, "2K": 2048, "4K": 4096}


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--repeats", type=int, default=3, help="how often each case is measured (default: 3)")
    options.add_argument("--quick", action="store_true", help="one texture size and one repeat only")
    options.add_argument("--json", type=Path, default=ROOT / "build" / "bench.json")
    chosen = options.parse_args()
    repeats = 1 if chosen.quick else max(1, chosen.repeats)
    with tempfile.TemporaryDirectory(prefix="image-to-3d-bench-") as name:
        folder = Path(name)
        install(folder / "user")
        logging.disable(logging.WARNING)  # the importers tell of each step
        import host
        import waiting

        started = time.time()
        result: dict[str, Any] = {"machine": machine(), "repeats": repeats}
        print(f"{result['machine']}\n", flush=True)
        result["glb"] = glb_cases(host, folder, repeats, quick=chosen.quick)
        result["formats"] = format_cases(host, folder, repeats)
        result["waiting"] = waiting.measure(folder)
        host.close()
        result["seconds"] = round(time.time() - started, 1)
    print(f"\n100 jobs waiting: {result['waiting']['median_ms']:.3f} ms of the main thread per tick in the middle, "
          f"{result['waiting']['worst_ms']:.2f} ms at worst; without a job: {result['waiting']['idle']}")  # fmt: skip
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    chosen.json.write_text(json.dumps(result, indent=1))
    print(f"\n{result['seconds']:.0f} s; written to {chosen.json}", flush=True)
    leave()
    return 0


def install(user: Path) -> None:
    """Make this folder the installed extension of a fresh Blender, and enable it."""
    target = user / "extensions" / "user_default"
    target.mkdir(parents=True)
    (target / "image_to_3d").symlink_to(ROOT, target_is_directory=True)
    os.environ["BLENDER_USER_RESOURCES"] = str(user)
    for name in ("MODELSLAB_API_KEY", "IMAGE_TO_3D_BASE_URL"):
        os.environ.pop(name, None)
    import bpy  # first: it makes Blender's own modules known

    addon_utils = importlib.import_module("addon_utils")
    assert addon_utils.enable("bl_ext.user_default.image_to_3d", default_set=True) is not None
    bpy.ops.wm.read_homefile(use_empty=True)


def leave() -> None:
    """Blender's module can hang at its exit while operators are registered."""
    sys.stdout.flush()
    os._exit(0)


def machine() -> str:
    import bpy

    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = (x for x in info.read_text().splitlines() if x.startswith("model name"))
        model = next(lines, model).partition(":")[2].strip() or model
    load = f", load {os.getloadavg()[0]:.1f} before the run" if hasattr(os, "getloadavg") else ""
    return f"Blender {bpy.app.version_string}, {os.cpu_count()} processors ({model}), {platform.system()}{load}"


HEADER = (
    "                     longest stall of the main thread, ms        file → object, s  first draw, ms   memory, MB\n"
    "model            MB  ours  worst  work   direct  work  times less    ours  direct    ours  direct   host  worker"
)


def row(name: str, size: float, cases: list[Any], direct: list[Any]) -> dict[str, Any]:
    """Print one line of the table; what it says, as plain data."""

    def middle(runs: list[Any], what: str) -> float:
        return statistics.median(getattr(run, what) for run in runs)

    told = {
        "name": name,
        "file_mb": round(size, 1),
        "stall_ms": round(middle(cases, "stall") * 1e3, 1),
        "worst_stall_ms": round(max(run.stall for run in cases) * 1e3, 1),
        "work_ms": round(middle(cases, "work") * 1e3, 1),
        "direct_stall_ms": round(middle(direct, "stall") * 1e3, 1),
        "direct_work_ms": round(middle(direct, "work") * 1e3, 1),
        "ratio": round(middle(direct, "stall") / middle(cases, "stall"), 1),
        "seconds": round(middle(cases, "seconds"), 2),
        "direct_seconds": round(middle(direct, "seconds"), 2),
        "first_draw_ms": round(middle(cases, "first_draw") * 1e3, 1),
        "direct_first_draw_ms": round(middle(direct, "first_draw") * 1e3, 1),
        "host_mb": round(middle(cases, "host_mb")),
        "worker_mb": round(middle(cases, "worker_mb")),
    }
    print(
        "{name:<13} {file_mb:5.1f} {stall_ms:5.1f} {worst_stall_ms:6.1f} {work_ms:5.1f}  {direct_stall_ms:7.0f}"
        " {direct_work_ms:5.0f}  {ratio:10.0f}  {seconds:6.2f} {direct_seconds:7.2f} {first_draw_ms:8.1f}"
        " {direct_first_draw_ms:7.1f} {host_mb:6.0f} {worker_mb:9.0f}".format(**told),
        flush=True,
    )
    return told | {"ours": [asdict(run) for run in cases], "direct": [asdict(run) for run in direct]}


def measured(host: Any, name: str, path: Path, repeats: int) -> dict[str, Any]:
    cases, direct = [], []
    for _ in range(repeats):
        cases.append(host.arrival(path))
        direct.append(host.direct(path))
    return row(name, path.stat().st_size / 1e6, cases, direct)


def glb_cases(host: Any, folder: Path, repeats: int, *, quick: bool) -> list[dict[str, Any]]:
    import shapes

    print("GLB, with a warm worker\n" + HEADER, flush=True)
    host.arrival(shapes.write_glb(folder / "first.glb", shapes.ball(1000)))
    rows = []
    sides = {"2K": SIDES["2K"]} if quick else SIDES
    images = {side: shapes.texture(pixels) for side, pixels in sides.items()}
    for label, count in TRIANGLES.items():
        shape = shapes.ball(count)
        for side, image in images.items():
            path = shapes.write_glb(folder / "model.glb", shape, image)
            rows.append(measured(host, f"{label}, {side}", path, repeats))
    return rows


def format_cases(host: Any, folder: Path, repeats: int) -> list[dict[str, Any]]:
    import shapes

    print("\nThe other formats, 500,000 triangles\n" + HEADER, flush=True)
    shape = shapes.ball(TRIANGLES["500k"])
    rows = []
    for format, write in (("obj", shapes.write_obj), ("stl", shapes.write_stl), ("ply", shapes.write_ply)):
        path = write(folder / f"model.{format}", shape)
        rows.append(measured(host, f"500k, {format.upper()}", path, repeats))
    return rows


if __name__ == "__main__":
    sys.exit(main())
