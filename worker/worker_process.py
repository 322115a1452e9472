# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's side of the second Blender: start it, talk to it, stop it.

Requests and replies are JSON, one a line, over the child's stdin and stdout. The child ends itself
when its stdin closes, so it never outlives the Blender that started it.
"""

from __future__ import annotations

import collections
import contextlib
import itertools
import json
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from ..errors import (
    CancelledError,
    ImageError,
    ImageTo3DError,
    ImportFailedError,
    Message,
    WorkerError,
    one_line,
)

_log = logging.getLogger(__name__)

START: Final = Path(__file__).absolute().with_name("bootstrap.py")
SECRETS: Final = ("MODELSLAB_API_KEY",)
"""Environment variables that the second Blender has no use for and must not see."""
START_SECONDS: Final = 60.0
"""Longest start of a second Blender: a cold disk, a slow machine."""
GLANCE: Final = 0.1
"""Seconds between two looks at whether somebody cancelled."""

_ERRORS: Final[Mapping[str, type[ImageTo3DError]]] = {
    error.code: error for error in (ImageError, ImportFailedError, WorkerError)
}


@dataclass(frozen=True, slots=True)
class Launch:
    """What starts a second Blender, up to and without the script it is to run."""

    command: tuple[str, ...]

    @classmethod
    def for_blender(cls, binary: str) -> Launch:
        """With Blender's own program (`bpy.app.binary_path`)."""
        return cls(
            (
                binary,
                "--background",
                "--factory-startup",
                "-noaudio",
                "--offline-mode",
                "--python-exit-code",
                "1",
                "--python",
            )
        )

    @classmethod
    def for_wheel(cls, executable: str = sys.executable) -> Launch:
        """With a Python that has the bpy module."""
        return cls((executable, "-P"))


class ChildProcess(subprocess.Popen[bytes]):
    """A second Blender. What it says on stderr is drained, and its last lines are kept for the log."""

    def __init__(self, command: Sequence[str], **options: Any) -> None:
        super().__init__(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        self._said: collections.deque[str] = collections.deque(maxlen=30)
        self._drain = threading.Thread(target=self._listen, name="image_to_3d worker stderr", daemon=True)
        self._drain.start()

    def _listen(self) -> None:
        assert self.stderr is not None
        with contextlib.suppress(OSError, ValueError):  # closed under us: it has ended
            while line := self.stderr.readline(4096):
                text = line.decode("utf-8", "replace").rstrip()
                self._said.append(text)
                _log.debug("%d: %s", self.pid, text)

    def stderr_tail(self) -> str:
        """The last lines it wrote to stderr."""
        self._drain.join(0.5)
        return "\n".join(self._said)

    def end(self) -> None:
        """Kill it and let go of its pipes. Harmless where it has ended already."""
        self.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(5.0)
        for pipe in (self.stdin, self.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def environment() -> dict[str, str]:
    """Ours, without what the second Blender must not see."""
    return {name: value for name, value in os.environ.items() if name not in SECRETS}


def spawn(launch: Launch, module: str, args: Sequence[str] = ()) -> ChildProcess:
    """Start a second Blender that runs `main(args)` of our `module` ("worker.request_loop").

    Raises WorkerError where the system can't start it.
    """
    command = [*launch.command, str(START), "--", module, *args]
    options: dict[str, Any] = {"env": environment()}
    if sys.platform == "win32":
        options["creationflags"] = subprocess.CREATE_NO_WINDOW | subprocess.BELOW_NORMAL_PRIORITY_CLASS
    else:
        options["start_new_session"] = True  # a Ctrl-C in the terminal is for the artist's Blender only
    try:
        return ChildProcess(command, **options)
    except (OSError, ValueError) as error:
        raise WorkerError(f"A second Blender could not be started: {one_line(error)}.") from error


class WorkerProcess:
    """A second Blender that is started when needed, kept warm for a while, and replaced when it dies.

    Safe to use from several threads: it does one request at a time, and the others wait.
    """

    def __init__(self, launch: Launch, *, idle_seconds: float = 120.0) -> None:
        self._launch = launch
        self._idle_seconds = idle_seconds
        self._turn = threading.Lock()
        """Held by the thread whose request is being done."""
        self._guard = threading.Lock()
        """Protects the fields below; held for moments only."""
        self._child: ChildProcess | None = None
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._ready = False
        self._used = 0.0
        self._numbers = itertools.count(1)
        self.cannot_start = ""
        """Why the last start failed; empty once one worked."""

    @property
    def running(self) -> bool:
        """Whether there is a second Blender at this moment."""
        child = self._child
        return child is not None and child.poll() is None

    @property
    def pid(self) -> int:
        """The second Blender's process id; 0 where there is none."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else 0

    def run(
        self,
        request: Mapping[str, Any],
        *,
        cancelled: Callable[[], bool] = lambda: False,
        progress: Callable[[float], None] | None = None,
        timeout: float = 600.0,
    ) -> dict[str, Any]:
        """Have `request` done and return its answer. Blocks; not for the main thread.

        `timeout`: seconds for the work itself, without waiting for a turn and for the start.
        Raises ImageError, ImportFailedError, WorkerError, CancelledError.
        """
        with self._my_turn(cancelled):
            for last in (False, True):
                fresh = not self.running
                try:
                    return self._ask(request, cancelled, progress, timeout)
                except _Exited as gone:
                    # A warm one may end itself (idle) or have been ended by the system while nobody looked:
                    # that says nothing about this request. One that dies at its work is not asked twice.
                    stopped = self._child is None
                    if gone.at_work and not stopped and request.get("do") == "image":
                        raise ImageError(f"Blender's reader ended on the image{gone.how}.") from gone
                    if last or fresh or gone.at_work or stopped:
                        raise WorkerError(f"The second Blender ended unexpectedly{gone.how}.") from gone
            raise AssertionError("unreachable")

    def warm(self) -> None:
        """See that a second Blender is up (or coming up) for a request that will come soon. Does not wait for it."""
        if not self._turn.acquire(blocking=False):
            return  # busy, hence warm
        try:
            child = self._start()
            self._send(child, {"do": "ping", "id": 0})
        except (WorkerError, _Exited) as error:
            _log.warning("%s", error)
        finally:
            self._turn.release()

    def stop_if_idle(self) -> None:
        """End the second Blender if nobody has needed it for `idle_seconds`. Cheap; call it now and then."""
        if self._turn.acquire(blocking=False):
            try:
                if self.running and time.monotonic() - self._used > self._idle_seconds:
                    self.stop()
            finally:
                self._turn.release()

    def stop(self) -> None:
        """End the second Blender at once; a request under way ends with WorkerError."""
        with self._guard:
            child, self._child = self._child, None
        if child is not None:
            child.end()

    @contextlib.contextmanager
    def _my_turn(self, cancelled: Callable[[], bool]) -> Iterator[None]:
        while not self._turn.acquire(timeout=GLANCE):
            if cancelled():
                raise CancelledError("Cancelled while waiting for the second Blender.")
        try:
            if cancelled():
                raise CancelledError("Cancelled.")
            yield
        finally:
            self._used = time.monotonic()
            self._turn.release()

    def _start(self) -> ChildProcess:
        """The running child, or a new one."""
        with self._guard:
            if self._child is not None:
                if self._child.poll() is None:
                    return self._child
                self._child.end()
                self._child = None
            try:
                child = spawn(self._launch, "worker.request_loop", [str(self._idle_seconds)])
            except WorkerError as error:
                self.cannot_start = str(error.message)
                raise
            lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
            threading.Thread(
                target=_read, args=(child.stdout, lines), name="image_to_3d worker stdout", daemon=True
            ).start()
            self._child, self._lines, self._ready, self._used = child, lines, False, time.monotonic()
            return child

    def _ask(
        self,
        request: Mapping[str, Any],
        cancelled: Callable[[], bool],
        progress: Callable[[float], None] | None,
        timeout: float,
    ) -> dict[str, Any]:
        child = self._start()
        if not self._ready:
            self._await_ready(child, cancelled)
        number = next(self._numbers)
        self._send(child, {**request, "id": number, "timeout": timeout})
        at_work = False
        try:
            for message in self._messages(child, cancelled, time.monotonic() + timeout):
                if message.get("id") != number:
                    continue  # the answer to a ping, or to a request that was given up
                at_work = True
                if "done" in message:
                    done: dict[str, Any] = message["done"]
                    return done
                if "error" in message:
                    error = _ERRORS.get(str(message.get("kind")), WorkerError)
                    text = Message.from_json(message["error"])
                    raise error(text.template, **text.arguments)
                if "progress" in message and progress is not None:
                    progress(float(message["progress"]))
        except _Exited as gone:
            gone.at_work = at_work
            raise
        raise AssertionError("unreachable")

    def _await_ready(self, child: ChildProcess, cancelled: Callable[[], bool]) -> None:
        try:
            for message in self._messages(child, cancelled, time.monotonic() + START_SECONDS):
                if "ready" in message:
                    self._ready = True
                    self.cannot_start = ""
                    _log.info("second Blender %s is ready (pid %d)", message["ready"], child.pid)
                    return
        except (_Exited, WorkerError) as error:
            self.cannot_start = f"A second Blender did not start{error.how if isinstance(error, _Exited) else ''}."
            _log.warning("%s It said:\n%s", self.cannot_start, child.stderr_tail())
            raise WorkerError(self.cannot_start) from error

    def _messages(
        self, child: ChildProcess, cancelled: Callable[[], bool], deadline: float
    ) -> Iterator[dict[str, Any]]:
        """What the child says, as it comes. Ends it and raises when cancelled, overdue or dead."""
        lines = self._lines
        while True:
            try:
                line = lines.get(timeout=GLANCE)
            except queue.Empty:
                line = None
            if cancelled():
                self.stop()
                raise CancelledError("Cancelled.")
            if line is None:
                if time.monotonic() > deadline:
                    self.stop()
                    raise WorkerError("The second Blender took too long and was ended.")
            elif not line:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(1.0)
                raise _Exited(child.returncode)
            else:
                try:
                    message = json.loads(line)
                except ValueError:
                    _log.debug("%d: %s", child.pid, one_line(line))  # Blender's own, before we had its stdout
                    continue
                if isinstance(message, dict):
                    yield message

    def _send(self, child: ChildProcess, message: Mapping[str, Any]) -> None:
        assert child.stdin is not None
        try:
            child.stdin.write(json.dumps(message).encode() + b"\n")
            child.stdin.flush()
        except (OSError, ValueError) as error:
            raise _Exited(child.poll()) from error


class _Exited(Exception):
    """The child has ended. `at_work`: it had begun the request."""

    def __init__(self, code: int | None) -> None:
        self.at_work = False
        self.how = "" if code is None else f" (signal {-code})" if code < 0 else f" (exit code {code})"
        super().__init__(self.how)


def _read(pipe: IO[bytes], lines: queue.SimpleQueue[bytes]) -> None:
    """Thread: the child's lines, then b"" when it has ended."""
    with contextlib.suppress(OSError, ValueError):  # closed under us: it was ended
        for line in pipe:
            lines.put(line)
    lines.put(b"")
