# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the offline preview's HTTP server when it is needed, and returns its URL. The host's side; no bpy."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from ...errors import WorkerError, one_line
from ...worker.child_process import ChildOwner, ExitedError, Launch

_log = logging.getLogger(__name__)


class OfflineService(ChildOwner):
    """The offline preview: a background Blender that serves the contract on loopback. Not AI. Thread-safe.

    `folder` holds its uploads, jobs and results for a day.
    """

    def __init__(self, launch: Launch, folder: Path) -> None:
        super().__init__(launch, "offline.service.server")
        self.folder = folder
        self._start_lock = threading.Lock()
        self._url = ""

    def base_url(self) -> str:
        """Returns its base URL (`http://127.0.0.1:PORT/api/v6`). Starts it first if needed: blocks up to a minute.

        Raises WorkerError if it can't be started.
        """
        with self._start_lock:
            if self.running:
                return self._url
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                reason = one_line(error.strerror)
                raise WorkerError("The offline preview's folder can't be created: {reason}.", reason=reason) from error
            child = self._ensure_child(str(self.folder.absolute()))
            try:
                port = int(child.wait_for("port"))
            except (ExitedError, TimeoutError) as error:
                self.stop()
                output = one_line(child.stderr_tail()[-200:]) or "no output"
                raise WorkerError("The offline preview could not be started: {output}.", output=output) from error
            self._url = f"http://127.0.0.1:{port}/api/v6"
            _log.info("the offline preview listens at %s", self._url)
            return self._url
