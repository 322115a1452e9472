# SPDX-License-Identifier: GPL-3.0-or-later
"""What 100 jobs that wait for a service cost the artist's Blender, tick by tick.

Run as a program, it is that service: it answers on loopback that it is still working, whatever it is asked.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

JOBS = 100
SECONDS = 10.0
PERIOD = 1 / 60


def measure(folder: Path) -> dict[str, Any]:
    """Ticks of a 60 Hz loop for some seconds, with 100 jobs of which 15 are being polled."""
    import bpy
    from bl_ext.user_default import image_to_3d
    from bl_ext.user_default.image_to_3d import engine

    command = [sys.executable, __file__]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
        try:
            assert service.stdout is not None
            preferences = bpy.context.preferences.addons[image_to_3d.__name__].preferences
            preferences.service = "CUSTOM"
            preferences.base_url = service.stdout.readline().strip()
            preferences.api_key = "a-key-for-measuring"
            preferences.job_limit = 15
            preferences.results_folder = str(folder / "results")
            jobs = [image_to_3d.generate(f"https://example.com/{number}.png") for number in range(JOBS)]
            ticks = _ticks(engine, SECONDS)
            unfinished = sum(job.job.running for job in jobs)
            assert unfinished == JOBS, f"{JOBS - unfinished} of the jobs did not wait"
            for job in jobs:
                job.cancel()
            until = time.monotonic() + 10
            while engine.busy() and time.monotonic() < until:
                engine.drain()
                time.sleep(PERIOD)
            idle = "something still runs" if engine.busy() else "nothing runs"
            engine.stop()
        finally:
            service.kill()
    return {
        "jobs": JOBS,
        "median_ms": statistics.median(ticks) * 1e3,
        "p99_ms": statistics.quantiles(ticks, n=100)[98] * 1e3,
        "worst_ms": max(ticks) * 1e3,
        "idle": idle,
    }


def _ticks(engine: Any, seconds: float) -> list[float]:
    begun = time.perf_counter()
    while time.perf_counter() - begun < 3.0:  # the submits are not what is measured
        engine.drain()
        time.sleep(PERIOD)
    taken, until = [], time.perf_counter() + seconds
    while time.perf_counter() < until:
        tick = time.perf_counter()
        engine.drain()
        taken.append(time.perf_counter() - tick)
        time.sleep(PERIOD)
    return taken


class Working(BaseHTTPRequestHandler):
    """A service that is never done."""

    protocol_version = "HTTP/1.1"
    numbers = count(1)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        reply: dict[str, Any] = {"status": "processing", "eta": 2, "output": []}
        if "fetch" not in self.path:
            reply["id"] = next(self.numbers)
        body = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def serve() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Working)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_address[1]}/api/v6", flush=True)
    threading.Event().wait(600)


if __name__ == "__main__":
    serve()
