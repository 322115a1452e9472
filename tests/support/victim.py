# SPDX-License-Identifier: GPL-3.0-or-later
"""A process with a queue, for tests that kill it."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

from image_to_3d.jobs.job import Job, State
from image_to_3d.jobs.journal import FILE_NAME
from image_to_3d.jobs.serialization import from_json
from scripted_service import ScriptedService

SCRIPT = Path(__file__).with_name("queue_process.py")


class Victim:
    """A process with a queue, and its output."""

    def __init__(self, folder: Path, service: ScriptedService, first: int, count: int, limit: int = 5) -> None:
        numbers = [str(number) for number in (first, count, limit)]
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT), str(folder), service.base_url, *numbers],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.said: list[str] = []
        self.added = threading.Event()
        self._news = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.said.append(line.strip())
                self._news.notify_all()
            if line.startswith("added"):
                self.added.set()

    def comes_to(self, state: State, seconds: float) -> bool:
        """Wait until it reports from now on that a job entered a state."""
        until = time.monotonic() + seconds
        with self._news:
            heard = len(self.said)
            while not any(line.startswith(f"{state} ") for line in self.said[heard:]):
                left = until - time.monotonic()
                if left <= 0 or self.process.poll() is not None:
                    return False
                self._news.wait(min(left, 0.1))
        return True

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)


def kept_jobs(folder: Path) -> list[Job]:
    with sqlite3.connect(folder / "user" / FILE_NAME) as database:
        return [from_json(json.loads(text)) for (text,) in database.execute("SELECT record FROM jobs")]
