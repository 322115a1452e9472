# SPDX-License-Identifier: GPL-3.0-or-later
"""Speaks the service's contract, plainly: tests see the replies as they come, not as our own client reads them."""

from __future__ import annotations

import base64
import contextlib
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests


class Service:
    """A service at a base URL (…/api/v6), with its key."""

    def __init__(self, base_url: str, key: str) -> None:
        self.base_url = base_url
        self.root = f"{urlsplit(base_url).scheme}://{urlsplit(base_url).netloc}"
        self.key = key

    def post(self, path: str, **fields: Any) -> requests.Response:
        """POST below the base URL, or below the host where `path` begins with a slash."""
        url = f"{self.root}{path}" if path.startswith("/") else f"{self.base_url}/{path}"
        return requests.post(url, json={"key": self.key, **fields}, timeout=60)

    def ask(self, path: str, **fields: Any) -> dict[str, Any]:
        """The JSON of a POST's reply."""
        reply: dict[str, Any] = self.post(path, **fields).json()
        return reply

    def upload(self, image_file: Path | bytes, mime: str = "image/png") -> str:
        """The URL of an uploaded image."""
        content = image_file if isinstance(image_file, bytes) else image_file.read_bytes()
        text = f"data:{mime};base64,{base64.b64encode(content).decode()}"
        return str(self.ask("base64_to_url", base64_string=text)["output"][0])

    def submit(self, image_file: Path | bytes, **parameters: Any) -> dict[str, Any]:
        """The reply to a submit of an image, uploaded first."""
        url = self.upload(image_file)
        return self.ask("3d/image_to_3d", image=url, init_image=url, **parameters)

    def finish(self, submitted: dict[str, Any], longest: float = 170.0) -> dict[str, Any]:
        """The last reply about a job."""
        deadline = time.monotonic() + longest
        while time.monotonic() < deadline:
            with contextlib.suppress(requests.ConnectionError, requests.Timeout):  # a poll can be repeated
                reply = self.ask(f"3d/fetch/{submitted['id']}")
                if reply["status"] != "processing":
                    return reply
            time.sleep(0.1)
        raise AssertionError(f"job {submitted['id']} did not end in {longest} s")

    def make(self, image_file: Path | bytes, folder: Path, **parameters: Any) -> dict[str, Path]:
        """Make a model; its files by kind (glb, mp4, …), downloaded into the folder."""
        reply = self.finish(self.submit(image_file, **parameters))
        assert reply["status"] == "success", reply
        found = {}
        for url in reply["output"]:
            path = folder / urlsplit(url).path.rsplit("/", 1)[-1]
            path.write_bytes(requests.get(url, timeout=60).content)
            found[path.suffix[1:]] = path
        return found

    def wait_until_idle(self) -> None:
        """Until nothing of earlier tests is being made any more."""
        deadline = time.monotonic() + 170.0
        while time.monotonic() < deadline:
            entries = self.ask("assets_generated", type="3d", per_page=30, page=1)["data"]
            if all(entry["status"] != "processing" for entry in entries):
                return
            time.sleep(0.1)
        raise AssertionError("the service does not come to rest")
