# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts a loopback service's process when it is needed, and returns its URL. The host's side; no bpy."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from ..errors import Action, Message, WorkerError, one_line
from ..worker.child_process import ChildOwner, ExitedError, Launch, OutOfMemoryError

_log = logging.getLogger(__name__)

_NO_ANSWER: Final = (ExitedError, OutOfMemoryError, TimeoutError)
"""What is raised when the process does not answer."""
END_SECONDS: Final = 0.5
"""For a process to let go of its jobs; Blender's main thread waits for it when Blender quits."""


class Access(NamedTuple):
    """What a client of a loopback service needs."""

    base_url: str
    """`http://127.0.0.1:PORT/api/v6`."""
    key: str
    """Random, for this start only. Other programs on this computer can't use the service without it."""


class LoopbackService(ChildOwner):
    """A background Blender that serves the contract on loopback. Thread-safe.

    `module`: whose `main` it runs. `name`: what its errors call it. `folder` holds its uploads, jobs and results for a
    day.
    """

    def __init__(self, launch: Launch, module: str, name: str, folder: Path) -> None:
        super().__init__(launch, module)
        self.folder = folder
        self._name = Message(name)
        self._start_lock = threading.Lock()
        self._settings: Mapping[str, Any] = {}
        self._access = Access("", "")

    def access(self, settings: Mapping[str, Any] = MappingProxyType({})) -> Access:
        """Returns its base URL and key. Starts it first if needed: blocks up to a minute.

        `settings`: what its generator needs; models that are begun from now on are made with them.
        Raises WorkerError if it can't be started.
        """
        with self._start_lock:
            if self.running:
                self._send_settings(settings)
            if self.running:
                return self._access
            try:
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                reason = one_line(error.strerror)
                raise WorkerError(
                    "The folder of {service} can't be created: {reason}.",
                    advice="Make room on the disk, then retry.",
                    action=Action.RETRY,
                    service=self._name,
                    reason=reason,
                ) from error
            child = self._ensure_child(str(self.folder.absolute()))
            key = secrets.token_urlsafe(32)
            try:
                # By stdin: anybody can read the arguments of a process.
                child.send({"key": key, "settings": dict(settings)})
                port = int(child.wait_for("port"))
            except _NO_ANSWER as error:
                super().stop()
                output = one_line(child.stderr_tail()[-200:]) or "no output"
                raise WorkerError(
                    "{service} could not be started: {output}.",
                    advice="See Blender's console, then retry.",
                    action=Action.RETRY,
                    service=self._name,
                    output=output,
                ) from error
            self._settings = dict(settings)
            self._access = Access(f"http://127.0.0.1:{port}/api/v6", key)
            _log.info("%s listens at %s", self._name, self._access.base_url)
            return self._access

    def stop(self) -> None:
        """End the process. What it was making is not lost: it is made again when it is asked for."""
        child = self._child
        if child is not None and child.running and self._start_lock.acquire(blocking=False):
            try:
                child.send({"end": True})
                next(message for message in child.messages(END_SECONDS) if "ended" in message)
            except _NO_ANSWER as error:
                _log.info("%s is ended while it works: %s", self._name, error)
            finally:
                self._start_lock.release()
        super().stop()

    def _send_settings(self, settings: Mapping[str, Any]) -> None:
        """Give the running process other settings, if they are. One that does not take them is ended."""
        if settings == self._settings:
            return
        child = self._ensure_child(str(self.folder.absolute()))
        try:
            child.send({"settings": dict(settings)})
            child.wait_for("settings")
            self._settings = dict(settings)
        except _NO_ANSWER:
            super().stop()
