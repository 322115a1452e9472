# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the offline preview's HTTP server when it is needed, and returns its URL. The host's side; no bpy."""

from __future__ import annotations

import logging
import secrets
import threading
from pathlib import Path
from typing import NamedTuple

from ...errors import WorkerError, one_line
from ...worker.child_process import ChildOwner, ExitedError, Launch

_log = logging.getLogger(__name__)


class Access(NamedTuple):
    """What a client of the offline preview needs."""

    base_url: str
    """`http://127.0.0.1:PORT/api/v6`."""
    key: str
    """Random, for this start only. Other programs on this computer can't use the offline preview without it."""


class OfflineService(ChildOwner):
    """The offline preview: a background Blender that serves the contract on loopback. Not AI. Thread-safe.

    `folder` holds its uploads, jobs and results for a day.
    """

    def __init__(self, launch: Launch, folder: Path) -> None:
        super().__init__(launch, "offline.service.server")
        self.folder = folder
        self._start_lock = threading.Lock()
        self._access = Access("", "")

    def access(self) -> Access:
        """Returns its base URL and key. Starts it first if needed: blocks up to a minute.

        Raises WorkerError if it can't be started.
        """
        with self._start_lock:
            if self.running:
                return self._access
            try:
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                reason = one_line(error.strerror)
                raise WorkerError("The offline preview's folder can't be created: {reason}.", reason=reason) from error
            child = self._ensure_child(str(self.folder.absolute()))
            key = secrets.token_urlsafe(32)
            try:
                child.send({"key": key})  # by stdin: anybody can read the arguments of a process
                port = int(child.wait_for("port"))
            except (ExitedError, TimeoutError) as error:
                self.stop()
                output = one_line(child.stderr_tail()[-200:]) or "no output"
                raise WorkerError("The offline preview could not be started: {output}.", output=output) from error
            self._access = Access(f"http://127.0.0.1:{port}/api/v6", key)
            _log.info("the offline preview listens at %s", self._access.base_url)
            return self._access
