# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker: a background Blender that prepares images and converts models. This is the host's side.

Requests and replies are JSON lines (see `request_loop`). The process is started when needed, stays warm for a while,
and is replaced when it dies.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ..control import NO_CONTROL, Control
from ..errors import (
    NO_MESSAGE,
    Action,
    CancelledError,
    ConversionLimitError,
    ImageError,
    ImageTo3DError,
    ImportFailedError,
    MeshToolError,
    Message,
    WorkerError,
)
from .child_process import POLL_INTERVAL, ChildOwner, ChildProcess, ExitedError, Launch, OutOfMemoryError

_log = logging.getLogger(__name__)

_ERRORS: Final[Mapping[str, type[ImageTo3DError]]] = {
    error.code: error for error in (ImageError, ImportFailedError, ConversionLimitError, MeshToolError, WorkerError)
}

TIME_LIMIT: Final = 40.0
"""Seconds for a small model file. Other jobs wait meanwhile, so a file that never ends must end within a minute."""
TIME_LIMIT_PER_MB: Final = 1.0
"""Seconds for each megabyte of it. 1.5 million triangles in 42 MB take 8 to 11 seconds, an eighth of what they may."""
IMAGE_TIME_LIMIT: Final = 120.0
"""Seconds: an image's pixels cost time, not its bytes, and 50 million take 16 seconds."""
MAX_TIME_LIMIT: Final = 1800.0

_CRASHED_ADVICE: Final = "Download again: the model file may be damaged. The folder has the file."


class WorkerProcess(ChildOwner):
    """The worker. Thread-safe: it handles one request at a time, and the others wait for their turn."""

    def __init__(self, launch: Launch, *, idle_seconds: float = 120.0, memory_limit: int = 0) -> None:
        """`memory_limit`: bytes; 0 for the default."""
        super().__init__(launch, "worker.request_loop", memory_limit=memory_limit)
        self._idle_seconds = idle_seconds
        self._turn = threading.Lock()
        """Held by the thread whose request is being handled."""
        self._ready_child: ChildProcess | None = None
        """The child that has reported that it is ready."""
        self._request_started = False
        self._numbers = itertools.count(1)
        self.cannot_start: Message = NO_MESSAGE
        """Why the last start failed; empty once one succeeded."""

    def run(
        self, request: Mapping[str, Any], control: Control = NO_CONTROL, *, timeout: float | None = None
    ) -> dict[str, Any]:
        """Handle a request. Returns its result. Blocks; not for the main thread.

        `timeout`: seconds for the work itself, without waiting for a turn and for the start; by default, the request
        decides (`time_limit`). Raises ImageError, ImportFailedError, WorkerError, CancelledError; if the file needs
        more time or memory than it may, ConversionLimitError for a model and ImageError for an image.
        """
        timeout = time_limit(request) if timeout is None else timeout
        with self._take_turn(control):
            # A warm worker may exit when idle, or be ended by the OS while nobody looked. That says nothing about
            # this request, so it is sent once more. A request during which the worker dies is not.
            for may_retry in (self.running, False):
                try:
                    return self._send_and_wait(request, control, timeout)
                except CancelledError:
                    self.stop()
                    raise
                except (TimeoutError, OutOfMemoryError, ConversionLimitError) as error:
                    self.stop()
                    raise _limit_error(request, out_of_time=isinstance(error, TimeoutError)) from error
                except ExitedError as error:
                    why, was_stopped = error.reason, self._child is None
                    if may_retry and not self._request_started and not was_stopped:
                        continue
                    if self._request_started and not was_stopped and request.get("do") == "image":
                        raise ImageError("Blender crashed while reading the image ({reason}).", reason=why) from error
                    if self._request_started and not was_stopped and request.get("do") == "model":
                        raise WorkerError(
                            "The background Blender exited unexpectedly ({reason}).",
                            advice=_CRASHED_ADVICE,
                            action=Action.DOWNLOAD_AGAIN,
                            reason=why,
                        ) from error
                    raise WorkerError("The background Blender exited unexpectedly ({reason}).", reason=why) from error
            raise AssertionError("unreachable")

    def prestart(self) -> None:
        """Start the worker for a request that will come soon. Does not wait for it."""
        if not self._turn.acquire(blocking=False):
            return  # busy, hence warm
        try:
            self._start().send({"do": "ping", "id": 0})
        except (WorkerError, ExitedError) as error:
            _log.warning("%s", error)
        finally:
            self._turn.release()

    @contextlib.contextmanager
    def _take_turn(self, control: Control) -> Iterator[None]:
        while not self._turn.acquire(timeout=POLL_INTERVAL):
            control.check()
        try:
            control.check()
            yield
        finally:
            self._turn.release()

    def _start(self) -> ChildProcess:
        try:
            return self._ensure_child(str(self._idle_seconds))
        except WorkerError as error:
            self.cannot_start = error.message
            raise

    def _await_ready(self, child: ChildProcess, control: Control) -> None:
        if child is self._ready_child:
            return
        try:
            version = child.wait_for("ready", control)
        except (ExitedError, TimeoutError) as error:
            reason = error.reason if isinstance(error, ExitedError) else Message("no reply")
            failure = WorkerError("The background Blender did not start ({reason}).", reason=reason)
            self.cannot_start = failure.message
            _log.warning("%s Its output:\n%s", failure.message, child.stderr_tail())
            self.stop()
            raise failure from error
        self._ready_child = child
        self.cannot_start = NO_MESSAGE
        _log.info("worker Blender %s is ready (pid %d)", version, child.pid)

    def _send_and_wait(self, request: Mapping[str, Any], control: Control, timeout: float) -> dict[str, Any]:
        """Returns the result of a request. Raises the error that the worker replied, or as `ChildProcess.messages`."""
        self._request_started = False
        child = self._start()
        self._await_ready(child, control)
        number = next(self._numbers)
        child.send({**request, "id": number, "timeout": timeout})
        for message in child.messages(timeout, control):
            match message:
                case {"id": reply_to} if reply_to != number:
                    continue  # the reply to a ping, or to a request that was cancelled
                case {"result": dict(result)}:
                    return result
                case {"error": {"code": code, "message": text, **more}}:
                    template, arguments = Message.from_json(text)
                    kind = _ERRORS.get(code, WorkerError)
                    advice = Message.from_json(more["advice"]).template if "advice" in more else None
                    action = Action(more["action"]) if "action" in more else None
                    raise kind(template, advice=advice, action=action, **arguments)
                case {"progress": fraction}:
                    self._request_started = True
                    control.report(float(fraction))
        raise AssertionError("unreachable")


def time_limit(request: Mapping[str, Any]) -> float:
    """Returns how many seconds the worker may take for a request: more for a larger model file."""
    if request.get("do") in {"image", "thumbnail", "check", "views"}:
        return IMAGE_TIME_LIMIT
    try:
        size = Path(request["source"]).stat().st_size if "source" in request else 0
    except OSError:
        size = 0
    return min(TIME_LIMIT + TIME_LIMIT_PER_MB * size / 1e6, MAX_TIME_LIMIT)


def _limit_error(request: Mapping[str, Any], *, out_of_time: bool) -> ImageTo3DError:
    """Returns the error for a request that was ended. Trying again by itself does not help."""
    match request.get("do"), out_of_time:
        case "model", True:
            return ConversionLimitError("Converting the model took too long, and was stopped.")
        case "model", False:
            return ConversionLimitError("Converting the model needs too much memory, and was stopped.")
        case "image", True:
            return ImageError("Reading the image took too long, and was stopped.")
        case "image", False:
            return ImageError("Reading the image needs too much memory, and was stopped.")
    if out_of_time:
        return WorkerError("The background Blender took too long and was ended.")
    return WorkerError("The background Blender needed too much memory and was ended.")
