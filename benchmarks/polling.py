# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures what 100 unfinished jobs cost Blender's main thread per tick.

Run as a program, it is the service: it replies on loopback that it is still processing, whatever the request.
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
    """Run a 60 Hz loop with 100 jobs, 15 of which are polled. Returns statistics of its ticks, in milliseconds."""
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
            assert unfinished == JOBS, f"{JOBS - unfinished} of the jobs are finished"
            for job in jobs:
                job.cancel()
            deadline = time.monotonic() + 10
            while engine.busy() and time.monotonic() < deadline:
                engine.drain()
                time.sleep(PERIOD)
            idle = "busy" if engine.busy() else "idle"
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
    """Returns the duration of each tick, in seconds."""
    start = time.perf_counter()
    while time.perf_counter() - start < 3.0:  # wait for the submits, which are not measured
        engine.drain()
        time.sleep(PERIOD)
    durations, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        tick = time.perf_counter()
        engine.drain()
        durations.append(time.perf_counter() - tick)
        time.sleep(PERIOD)
    return durations


class ProcessingHandler(BaseHTTPRequestHandler):
    """A service that never finishes a job."""

    protocol_version = "HTTP/1.1"
    ids = count(1)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        reply: dict[str, Any] = {"status": "processing", "eta": 2, "output": []}
        if "fetch" not in self.path:
            reply["id"] = next(self.ids)
        body = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


def serve() -> None:
    """Serve for 10 minutes, and print the base URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), ProcessingHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_address[1]}/api/v6", flush=True)
    threading.Event().wait(600)


if __name__ == "__main__":
    serve()
