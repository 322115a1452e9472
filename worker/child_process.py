# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts, reads and ends a background Blender: a child process (subprocess) that runs one of our modules.

The worker and the loopback services are such processes. A child writes one JSON object per line to stdout. It exits
when its stdin closes or the Blender that started it dies (see `child_side`). Its memory is limited (see
`process_limits`), and its temporary files are removed with it.
"""

from __future__ import annotations

import collections
import contextlib
import json
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, cast

from .. import store_build
from ..control import NO_CONTROL, Control
from ..errors import Message, WorkerError, one_line
from . import temp_folder
from .child_side import LIFELINE, MEMORY_LIMIT
from .process_limits import KillOnClose, default_memory_limit, memory_of

_log = logging.getLogger(__name__)

BOOTSTRAP: Final = Path(__file__).absolute().with_name("bootstrap.py")
SECRETS: Final = ("MODELSLAB_API_KEY", "IMAGE_TO_3D_LOCAL_TOKEN")
"""Environment variables that a child does not need and must not see."""
START_TIMEOUT: Final = 60.0
"""Seconds; a cold disk or a slow machine can take that long."""
POLL_INTERVAL: Final = 0.1
"""Seconds between two checks for cancellation or a timeout."""


@dataclass(frozen=True, slots=True)
class Launch:
    """The command that starts a background Blender, without the script to run."""

    command: tuple[str, ...]
    alias: str = ""
    """Starts the same program where its own file may not be executed; "" if there is no other way."""

    @classmethod
    def for_blender(cls, binary: str) -> Launch:
        """With Blender's executable (`bpy.app.binary_path`)."""
        options = ("--background", "--factory-startup", "-noaudio", "--offline-mode", "--python-exit-code", "1")
        return cls((binary, *options, "--python"), alias=store_build.execution_alias(binary, os.environ))

    @classmethod
    def for_wheel(cls, executable: str = sys.executable) -> Launch:
        """With a Python that has the bpy module."""
        return cls((executable, "-P"))

    def start(self, arguments: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start the process. Raises OSError."""
        try:
            return subprocess.Popen([*self.command, *arguments], **options)
        except PermissionError:
            if not self.alias:
                raise
            return subprocess.Popen([self.alias, *self.command[1:], *arguments], **options)


class ExitedError(Exception):
    """The child has exited. `reason`: its signal or exit code."""

    def __init__(self, code: int | None) -> None:
        if code is None:
            self.reason = Message("exit code unknown")
        elif code < 0:
            self.reason = Message("signal {number}", {"number": -code})
        else:
            self.reason = Message("exit code {code}", {"code": code})
        super().__init__(str(self.reason))


class OutOfMemoryError(Exception):
    """The child uses, or used when it exited, more memory than it may."""


class ChildProcess:
    """A running background Blender. stdout and stderr are drained in threads."""

    def __init__(self, launch: Launch, module: str, args: Sequence[str] = (), *, memory_limit: int = 0) -> None:
        """Start a background Blender that runs `main(args)` of our `module` ("worker.request_loop").

        `memory_limit`: bytes; 0 for the default. Raises WorkerError if the OS can't start it.
        """
        self._memory_limit = memory_limit or default_memory_limit()
        self._peak_memory = 0
        self._temp: Path | None = None
        self._lifeline: int | None = None
        """The end of a pipe that stays open as long as this process lives."""
        try:
            self._temp = temp_folder.create(os.getpid())
            self._process = self._start(launch, [str(BOOTSTRAP), "--", module, *args], self._temp)
        except (OSError, ValueError) as error:
            self._clean_up()
            raise WorkerError("A background Blender could not be started: {reason}.", reason=one_line(error)) from error
        self._job_object = KillOnClose(self._process, self._memory_limit)
        self.pid = self._process.pid
        pipes = (self._process.stdin, self._process.stdout, self._process.stderr)
        self._stdin, self._stdout, self._stderr = cast("tuple[IO[bytes], IO[bytes], IO[bytes]]", pipes)
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._last_errors: collections.deque[str] = collections.deque(maxlen=30)
        self._stderr_thread = threading.Thread(target=self._drain_stderr, name="image_to_3d child stderr", daemon=True)
        self._stderr_thread.start()
        threading.Thread(target=self._drain_stdout, name="image_to_3d child stdout", daemon=True).start()

    def _start(self, launch: Launch, arguments: Sequence[str], temp: Path) -> subprocess.Popen[bytes]:
        environment = {n: v for n, v in os.environ.items() if n not in SECRETS}
        environment |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temp))
        options: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        if sys.platform == "win32":
            flags = subprocess.CREATE_NO_WINDOW | subprocess.BELOW_NORMAL_PRIORITY_CLASS
            return launch.start(arguments, env=environment, creationflags=flags, **options)
        theirs, self._lifeline = os.pipe()
        environment |= {LIFELINE: str(theirs), MEMORY_LIMIT: str(self._memory_limit)}
        try:
            # In a session of its own: Ctrl-C in the terminal is for the artist's Blender only.
            return launch.start(arguments, env=environment, start_new_session=True, pass_fds=(theirs,), **options)
        finally:
            os.close(theirs)

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def send(self, message: Mapping[str, Any]) -> None:
        """Write a message to the child's stdin. Raises ExitedError."""
        try:
            self._stdin.write(json.dumps(message).encode() + b"\n")
            self._stdin.flush()
        except (OSError, ValueError) as error:
            raise ExitedError(self._process.poll()) from error

    def messages(self, timeout: float, control: Control = NO_CONTROL) -> Iterator[dict[str, Any]]:
        """Yields the child's messages as they arrive. Lines that are not JSON objects are skipped.

        Raises ExitedError, CancelledError, OutOfMemoryError, and TimeoutError `timeout` seconds after the first call.
        The child keeps running, except in the first case.
        """
        deadline = time.monotonic() + timeout
        while True:
            try:
                line = self._lines.get(timeout=POLL_INTERVAL)
            except queue.Empty:
                control.check()
                self._check_memory()
                if time.monotonic() > deadline:
                    raise TimeoutError from None
                continue
            control.check()
            if not line:
                self._lines.put(b"")  # for the next call
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(1.0)
                if self._peak_memory > 0.8 * self._memory_limit:
                    raise OutOfMemoryError  # what is written in C crashes when it gets no more
                raise ExitedError(self._process.returncode)
            try:
                message = json.loads(line)
            except ValueError:
                _log.debug("%d: %s", self.pid, one_line(line))  # Blender's own output, before the child took stdout
                continue
            if isinstance(message, dict):
                yield message

    def wait_for(self, key: str, control: Control = NO_CONTROL) -> Any:
        """Returns the value of the first message that has `key`. Raises as `messages`, after START_TIMEOUT."""
        return next(message[key] for message in self.messages(START_TIMEOUT, control) if key in message)

    def stderr_tail(self) -> str:
        """Returns the last lines that the child wrote to stderr."""
        self._stderr_thread.join(0.5)
        return "\n".join(self._last_errors)

    def end(self) -> None:
        """Kill the child and close its pipes. Harmless if it has exited already."""
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5.0)
        for pipe in (self._stdin, self._stdout):
            with contextlib.suppress(OSError):
                pipe.close()
        self._job_object.close()
        self._clean_up()

    def _check_memory(self) -> None:
        """Raises OutOfMemoryError if the child occupies more memory than it may."""
        now = memory_of(self.pid)
        self._peak_memory = max(self._peak_memory, now)
        if now > self._memory_limit:
            raise OutOfMemoryError

    def _clean_up(self) -> None:
        lifeline, self._lifeline = self._lifeline, None
        if lifeline is not None:
            os.close(lifeline)
        if self._temp is not None:
            temp_folder.remove(self._temp)

    def _drain_stdout(self) -> None:
        """Thread: queue the child's lines, then b"" when it has exited."""
        with contextlib.suppress(OSError, ValueError):  # closed by `end`
            for line in self._stdout:
                self._lines.put(line)
        self._lines.put(b"")

    def _drain_stderr(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # closed by `end`
            while line := self._stderr.readline(4096):
                text = line.decode("utf-8", "replace").rstrip()
                self._last_errors.append(text)
                _log.debug("%d: %s", self.pid, text)


class ChildOwner:
    """Owns a background Blender that runs `module`: starts it when needed and replaces it when it has exited."""

    def __init__(self, launch: Launch, module: str, *, memory_limit: int = 0) -> None:
        self._launch = launch
        self._module = module
        self._memory_limit = memory_limit
        self._child: ChildProcess | None = None
        self._child_lock = threading.Lock()
        """Held while `_child` is replaced: for moments only."""

    @property
    def running(self) -> bool:
        """Whether the process exists at this moment."""
        return self.pid != 0

    @property
    def pid(self) -> int:
        """The process id; 0 if it is not running."""
        child = self._child
        return child.pid if child is not None and child.running else 0

    def stop(self) -> None:
        """End the process at once. What waits for it fails with WorkerError."""
        with self._child_lock:
            child, self._child = self._child, None
        if child is not None:
            child.end()

    def _ensure_child(self, *args: str) -> ChildProcess:
        """Returns the running child, or a new one. Raises WorkerError."""
        with self._child_lock:
            if self._child is not None and not self._child.running:
                _log.info("%s has exited: %s", self._module, self._child.stderr_tail())
                self._child.end()
                self._child = None
            if self._child is None:
                self._child = ChildProcess(self._launch, self._module, args, memory_limit=self._memory_limit)
            return self._child
