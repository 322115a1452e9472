# SPDX-License-Identifier: GPL-3.0-or-later
"""A service on loopback that answers as the contract says and takes its time: for tests of what happens meanwhile."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

KEY = "a-key-for-tests-only"
PIECE = 64 * 1024


class SlowService:
    """Jobs are done `seconds` after their submit; the model file comes at `bytes_per_second`."""

    def __init__(self) -> None:
        self.seconds = 20.0
        self.bytes_per_second = 4_000_000
        self.model = b""
        self.submitted: list[dict[str, Any]] = []
        self.polled = 0
        self.downloaded = 0
        self._times: list[float] = []
        self._guard = threading.Lock()
        self._server = HTTPServer(host="127.0.0.1", threaded=True)

    def __enter__(self) -> Self:
        handle = self._server.expect_request
        handle("/api/v6/base64_to_url", method="POST").respond_with_handler(self._upload)
        handle("/api/v6/3d/image_to_3d", method="POST").respond_with_handler(self._submit)
        handle("/model.glb", method="GET").respond_with_handler(self._file)
        handle("/api/wallet_balance", method="POST").respond_with_handler(self._balance)
        handle("/api/v6/assets_generated", method="POST").respond_with_json({"status": "success", "data": []})
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.clear()
        if self._server.is_running():
            self._server.stop()

    @property
    def base_url(self) -> str:
        return str(self._server.url_for("/api/v6"))

    def deliver(self, model: Path) -> None:
        """From now on, this is the model of each job."""
        self.model = model.read_bytes()

    def _upload(self, _request: Request) -> Response:
        return self._json({"status": "success", "id": 1, "output": [self._server.url_for("/image.png")]})

    def _balance(self, request: Request) -> Response:
        if json.loads(request.get_data())["key"] != KEY:
            return Response('{"status": "error", "message": "Invalid API Key."}', 401, mimetype="application/json")
        return self._json({"status": "success", "data": {"balance": 43.6, "currency": "USD"}})

    def _submit(self, request: Request) -> Response:
        with self._guard:
            self.submitted.append(json.loads(request.get_data()))
            self._times.append(time.monotonic())
            number = len(self.submitted)
        fetch = f"/api/v6/3d/fetch/{number}"
        self._server.expect_request(fetch, method="POST").respond_with_handler(self._fetch)
        return self._json(
            {
                "status": "processing",
                "id": number,
                "eta": self.seconds,
                "fetch_result": self._server.url_for(fetch),
                "output": [],
                "meta": {"seed": 3480183101},
            }
        )

    def _fetch(self, request: Request) -> Response:
        number = int(request.path.rpartition("/")[2])
        with self._guard:
            self.polled += 1
            left = self._times[number - 1] + self.seconds - time.monotonic()
        if left > 0:
            return self._json({"status": "processing", "message": "try again later.", "output": ""})
        links = [self._server.url_for("/model.glb")]
        return self._json({"status": "success", "id": number, "output": links, "meta": {"seed": 3480183101}})

    def _file(self, _request: Request) -> Response:
        def pieces() -> Iterator[bytes]:
            for start in range(0, len(self.model), PIECE):
                yield self.model[start : start + PIECE]
                time.sleep(PIECE / self.bytes_per_second)
            self.downloaded += 1

        return Response(pieces(), headers={"Content-Length": str(len(self.model))}, mimetype="model/gltf-binary")

    @staticmethod
    def _json(value: object) -> Response:
        return Response(json.dumps(value), mimetype="application/json")
