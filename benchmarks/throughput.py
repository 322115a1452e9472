# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures how much time polling loses, and how close a batch comes to the service's own limit.

`python benchmarks/throughput.py [--long]`, with a Python that has the bpy module. All figures are ratios to what the
service itself needs, in one run. `--long` adds jobs of 300 seconds, and 1,000 images.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import zlib
from pathlib import Path
from struct import pack
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from extension import exit_now, install, machine

PERIOD = 1 / 60


class Service:
    """The timed service, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, str(Path(__file__).with_name("timed_service.py")), "2", str(folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.base_url = self._process.stdout.readline().strip()
        self._root = self.base_url.removesuffix("/api/v6")

    def set(self, seconds: float, eta: float | None = None) -> None:
        self._get(f"/set?seconds={seconds}" + ("" if eta is None else f"&eta={eta}"))

    def statistics(self) -> dict[str, Any]:
        found: dict[str, Any] = self._get("/statistics")
        return found

    def close(self) -> None:
        self._process.kill()
        self._process.wait(10)

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(self._root + path, timeout=30) as reply:
            return json.load(reply)


def png(number: int, side: int = 256) -> bytes:
    """Returns an opaque PNG, a different one for each number."""
    row = bytes((number * 37 + x * 3 + c * 80) % 256 for x in range(side) for c in range(3))
    rows = b"".join(b"\0" + row[y % 3 :] + row[: y % 3] for y in range(side))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    header = pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def run_batch(
    folder: Path, service: Service, count: int, at_once: int, seconds: float, *, scene: Any
) -> dict[str, Any]:
    """Run a batch. Returns its statistics; `share`: of the ideal time, which is that of the service alone."""
    import bpy
    from arrival import megabytes
    from bl_ext.user_default import image_to_3d
    from bl_ext.user_default.image_to_3d import engine

    images = folder / f"images {count}"
    images.mkdir(exist_ok=True)
    for number in range(count):
        (images / f"{number}.png").write_bytes(png(number))
    preferences = bpy.context.preferences.addons[image_to_3d.__name__].preferences
    preferences.job_limit = at_once
    service.set(seconds)
    durations: list[float] = []
    memory_at_50 = 0.0
    started = time.time()
    batch = image_to_3d.generate_many(images, scene=scene)
    while not batch.done:
        before = time.perf_counter()
        engine.drain()
        durations.append(time.perf_counter() - before)
        if not memory_at_50 and batch.progress.done >= 50:
            memory_at_50 = megabytes(os.getpid())
        time.sleep(PERIOD)
    took = time.time() - started
    found = service.statistics()
    assert batch.progress.done == count, batch
    ideal = count / at_once * seconds
    return {
        "images": count,
        "at_once": int(found["at_once"]),
        "submits": int(found["submits"]),
        "share": ideal / (found["ended"] - found["started"]),
        "share_with_import": ideal / took,
        "lag": statistics.median(found["lags"]),
        "polls": found["polls"] / count,
        "tick_ms": statistics.median(durations) * 1e3,
        "worst_tick_ms": max(durations) * 1e3,
        "memory_mb": megabytes(os.getpid()) - memory_at_50 if memory_at_50 else 0.0,
    }


def run_lags(service: Service, seconds: float, count: int, eta: float | None) -> float:
    """Returns the median time from the end of a job at the service to the start of its download, in seconds."""
    from bl_ext.user_default import image_to_3d
    from bl_ext.user_default.image_to_3d import engine

    service.set(seconds, eta)
    # A setting of its own: nothing is known about such jobs yet.
    jobs = [
        image_to_3d.generate(png(number), scene=None, mesh_simplify=round(0.9 + (seconds + (eta or 0)) / 1e5, 5))
        for number in range(count)
    ]
    while any(job.job.running for job in jobs):
        engine.drain()
        time.sleep(PERIOD)
    return statistics.median(service.statistics()["lags"])


def show(name: str, found: dict[str, Any]) -> None:
    print(
        "{name:<34} {share:4.0%} of ideal ({share_with_import:.0%} with import), {submits} submits, {at_once} at once,"
        " lag {lag:.2f} s, {polls:.1f} polls a job, tick {tick_ms:.3f} ms (worst {worst_tick_ms:.1f}),"
        " memory {memory_mb:+.0f} MB".format(name=name, **found),
        flush=True,
    )


def measure(folder: Path, *, long: bool = False) -> dict[str, Any]:
    """Run all cases. Returns their statistics."""
    import bpy
    from bl_ext.user_default import image_to_3d
    from bl_ext.user_default.image_to_3d import engine

    service = Service(folder)
    try:
        preferences = bpy.context.preferences.addons[image_to_3d.__name__].preferences
        preferences.service, preferences.base_url, preferences.api_key = "CUSTOM", service.base_url, "a-key"
        preferences.results_folder, preferences.job_limit = str(folder / "results"), 15
        result: dict[str, Any] = {"lags": {}}
        for seconds, eta in ((10.0, None), (10.0, 30.0), (60.0, None), *(((300.0, None),) if long else ())):
            lag = run_lags(service, seconds, 5, eta)
            name = f"{seconds:.0f} s" + (f", expected {eta:.0f} s" if eta else "")
            result["lags"][name] = lag
            print(f"lag after jobs of {name:<22} {lag:6.2f} s, {lag / seconds:6.2%} of the job", flush=True)
        result["batch of 30"] = run_batch(folder, service, 30, 5, 10.0, scene=None)
        show("30 images, 5 at once, 10 s each", result["batch of 30"])
        if long:
            result["batch of 1000"] = run_batch(folder, service, 1000, 15, 2.0, scene=None)
            show("1,000 images, 15 at once, 2 s", result["batch of 1000"])
        engine.stop()
        return result
    finally:
        service.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--long", action="store_true", help="also jobs of 300 seconds, and 1,000 images")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="image-to-3d-bench-") as name:
        install(Path(name) / "user")
        print(f"{machine()}\n", flush=True)
        measure(Path(name), long=options.long)
    exit_now()


if __name__ == "__main__":
    main()
