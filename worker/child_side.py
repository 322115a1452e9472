# SPDX-License-Identifier: GPL-3.0-or-later
"""The child's side of `child_process`: JSON lines on stdout, and an exit when the parent closes stdin or dies."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from typing import IO, Any


class JsonStdout:
    """Our stdout: call it with a message. What Blender and its add-ons print goes to stderr instead."""

    def __init__(self) -> None:
        sys.stdout.flush()
        self._pipe: IO[bytes] = os.fdopen(os.dup(1), "wb", buffering=0)
        os.dup2(2, 1)

    def __call__(self, message: Mapping[str, Any]) -> None:
        self._pipe.write(json.dumps(message).encode() + b"\n")


def read_stdin(handle: Callable[[bytes], None]) -> None:
    """Call `handle` with each line of stdin, in a thread. Exit the process when stdin closes, whatever it is doing."""

    def read() -> None:
        with contextlib.suppress(OSError):
            while line := sys.stdin.buffer.readline():
                handle(line)
        os._exit(0)

    threading.Thread(target=read, name="stdin", daemon=True).start()


def lower_priority() -> None:
    """Run at low CPU priority, and let the OOM killer pick this process first."""
    if sys.platform == "win32":
        return  # its priority was set when it was started
    with contextlib.suppress(OSError):
        os.nice(5)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("800")
