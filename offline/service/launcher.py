# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the offline preview's server when it is needed, and finds its address. The host's side; no bpy."""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import threading
import time
from pathlib import Path
from typing import IO, Final

from ...errors import WorkerError, one_line
from ...worker.worker_process import ChildProcess, Launch, spawn

_log = logging.getLogger(__name__)

START_SECONDS: Final = 60.0


class OfflineService:
    """The offline preview: a second, windowless Blender that serves the contract on loopback. No AI.

    Safe to use from several threads. `folder` holds its uploads, jobs and results for a day.
    """

    def __init__(self, launch: Launch, folder: Path) -> None:
        self.folder = folder
        self._launch = launch
        self._turn = threading.Lock()
        """Held while it is started."""
        self._child: ChildProcess | None = None
        self._url = ""
        self._stopped = 0

    @property
    def running(self) -> bool:
        """Whether its server runs at this moment."""
        child = self._child
        return child is not None and child.poll() is None

    @property
    def pid(self) -> int:
        """Its process id; 0 where there is none."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else 0

    def base_url(self) -> str:
        """Where it is (`http://127.0.0.1:PORT/api/v6`), started first if need be: blocks up to a minute.

        Raises WorkerError where it can't be started.
        """
        with self._turn:
            if self._child is not None:
                if self._child.poll() is None:
                    return self._url
                _log.warning("the offline preview has ended and is started again: %s", self._child.stderr_tail())
                self._child.end()
                self._child = None
            stopped = self._stopped
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise WorkerError(f"The offline preview's folder can't be made: {one_line(error.strerror)}.") from error
            self._child = child = spawn(self._launch, "offline.service.server", [str(self.folder.absolute())])
            try:
                port = self._await_port(child, stopped)
            except WorkerError:
                child.end()
                self._child = None
                raise
            self._url = f"http://127.0.0.1:{port}/api/v6"
            _log.info("the offline preview listens at %s", self._url)
            return self._url

    def stop(self) -> None:
        """End it. Jobs it had not finished are made when they are asked for the next time it runs."""
        self._stopped += 1
        child, self._child = self._child, None
        if child is not None:
            child.end()

    def _await_port(self, child: ChildProcess, stopped: int) -> int:
        lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        assert child.stdout is not None
        threading.Thread(target=_read, args=(child.stdout, lines), name="image_to_3d offline", daemon=True).start()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._stopped == stopped:
            try:
                line = lines.get(timeout=0.2)
            except queue.Empty:
                continue
            if not line:
                break
            with contextlib.suppress(ValueError, KeyError, TypeError):
                return int(json.loads(line)["port"])
        words = one_line(child.stderr_tail()[-200:])
        raise WorkerError(f"The offline preview could not be started{': ' + words if words else ''}.")


def _read(pipe: IO[bytes], lines: queue.SimpleQueue[bytes]) -> None:
    """Thread: the child's lines, then b"" when it has ended."""
    with contextlib.suppress(OSError, ValueError):  # closed under us: it was ended
        for line in pipe:
            lines.put(line)
    lines.put(b"")
