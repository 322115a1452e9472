# SPDX-License-Identifier: GPL-3.0-or-later
"""A service on loopback whose jobs take a certain time, as a process of its own: `python timed_service.py [SECONDS]`.

Prints its base URL. It takes any number of jobs, and counts how many ran at once. GET /statistics returns, as JSON:

    submits   requests that a customer would pay for
    at_once   the most jobs that ran at the same time
    polls     requests for a job's state
    lags      seconds from the end of each job to the start of its download
    started   Unix time of the first submit
    ended     Unix time at which the last download began

GET /set?seconds=…&eta=… changes what follows, and forgets the statistics. `eta` is what the service itself expects.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

sys.path.insert(0, str(Path(__file__).parent))

from shapes import ball, write_glb

LIFETIME = 3600.0
"""Seconds after which the process ends by itself."""


class Service(BaseHTTPRequestHandler):
    """Serves all requests. One job is {"at": when it was submitted, "seconds": how long it takes}."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    guard = threading.Lock()
    seconds: ClassVar[float] = 2.0
    eta: ClassVar[float | None] = None
    jobs: ClassVar[dict[int, tuple[float, float]]] = {}
    lags: ClassVar[list[float]] = []
    counts: ClassVar[dict[str, float]] = {}
    model: ClassVar[bytes] = b""
    next_id: ClassVar[int] = 1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = urlsplit(self.path).path
        cls, now = type(self), time.time()
        if path.endswith("/base64_to_url"):
            return self._json({"status": "success", "id": 1, "output": [f"{self._root()}/image.png"]})
        if "/fetch/" in path:
            number = int(path.rpartition("/")[2])
            with cls.guard:
                cls.counts["polls"] = cls.counts.get("polls", 0) + 1
                at, seconds = cls.jobs[number]
            if now < at + seconds:
                return self._json({"status": "processing", "message": "try again later", "output": ""})
            links = [f"{self._root()}/{number}/model.glb"]
            return self._json({"status": "success", "id": number, "output": links, "meta": {"seed": 7}})
        if path.endswith("/image_to_3d"):
            del body
            with cls.guard:
                number, cls.next_id = cls.next_id, cls.next_id + 1
                cls.jobs[number] = (now, cls.seconds)
                cls.counts["submits"] = cls.counts.get("submits", 0) + 1
                cls.counts.setdefault("started", now)
                running = sum(now < at + seconds for at, seconds in cls.jobs.values())
                cls.counts["at_once"] = max(cls.counts.get("at_once", 0), running)
            reply: dict[str, Any] = {"status": "processing", "id": number, "output": [], "meta": {"seed": 7}}
            reply |= {"fetch_result": f"{self._root()}/api/v6/3d/fetch/{number}"}
            return self._json(reply | ({} if cls.eta is None else {"eta": cls.eta}))
        return self._json({"status": "success", "data": []})

    def do_GET(self) -> None:
        cls, parts = type(self), urlsplit(self.path)
        if parts.path == "/statistics":
            with cls.guard:
                return self._json(cls.counts | {"lags": list(cls.lags)})
        if parts.path == "/set":
            values = {name: float(found[0]) for name, found in parse_qs(parts.query).items()}
            with cls.guard:
                cls.seconds, cls.eta = values.get("seconds", cls.seconds), values.get("eta")
                cls.counts.clear()
                cls.lags.clear()
            return self._json({})
        number = int(parts.path.split("/")[1])
        with cls.guard:
            at, seconds = cls.jobs[number]
            cls.lags.append(time.time() - at - seconds)
            cls.counts["ended"] = time.time()
        return self._reply(cls.model, "model/gltf-binary")

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""

    def _root(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def _json(self, value: object) -> None:
        self._reply(json.dumps(value).encode(), "application/json")

    def _reply(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 100


def main() -> None:
    Service.seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parents[1] / "build"
    folder.mkdir(exist_ok=True)
    Service.model = write_glb(folder / "timed-service.glb", ball(12)).read_bytes()
    server = Server(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_address[1]}/api/v6", flush=True)
    threading.Event().wait(LIFETIME)


if __name__ == "__main__":
    main()
