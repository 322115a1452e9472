# SPDX-License-Identifier: GPL-3.0-or-later
"""The second Blender's main loop: read a request, do it, answer. Runs inside the second Blender.

A request is a JSON object with `do` and `id`; an answer repeats the id and holds `done`, or `error`
with the `kind` of error, or `progress` on the way (0 to 1).
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import logging
import os
import queue
import sys
import threading
from collections.abc import Callable, Mapping
from typing import IO, Any, Final

import bpy

from ..errors import (
    ImageTo3DError,
    Message,
    WorkerError,
    one_line,
)
from . import convert_model, images

_log = logging.getLogger(__name__)

SLACK: Final = 30.0
"""Seconds after a request's own time-out at which the process ends itself, should nobody have ended it."""


def main(args: list[str]) -> None:
    """Serve until stdin closes, or nothing was asked for `args[0]` seconds."""
    idle_seconds = float(args[0]) if args else 120.0
    say = JsonStdout()
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    _lower_priority()
    prepare()
    say({"ready": bpy.app.version_string})
    convert_model.warm_up()
    while True:
        try:
            line = requests.get(timeout=idle_seconds)
        except queue.Empty:
            return
        request = json.loads(line)
        say(answer(request, lambda done, number=request["id"]: say({"id": number, "progress": round(done, 3)})))


class JsonStdout:
    """Our stdout, kept for ourselves: what Blender and its add-ons print goes to stderr."""

    def __init__(self) -> None:
        sys.stdout.flush()
        self._pipe: IO[bytes] = os.fdopen(os.dup(1), "wb", buffering=0)
        os.dup2(2, 1)

    def __call__(self, message: Mapping[str, Any]) -> None:
        self._pipe.write(json.dumps(message).encode() + b"\n")


def answer(request: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Do one request; the answer to send."""
    number = request["id"]
    # A C-level watchdog: it works even while an importer holds the interpreter and the host is dead.
    faulthandler.dump_traceback_later(float(request.get("timeout", 60.0)) + SLACK, exit=True)
    try:
        progress(0.0)
        return {"id": number, "done": TASKS[request["do"]](request, progress)}
    except ImageTo3DError as error:
        return {"id": number, "kind": error.code, "error": error.message.to_json()}
    except Exception as error:
        _log.exception("request %s failed", request.get("do"))
        return {
            "id": number,
            "kind": WorkerError.code,
            "error": Message(
                "The second Blender failed: {error}: {reason}.",
                {"error": type(error).__name__, "reason": one_line(error)},
            ).to_json(),
        }
    finally:
        faulthandler.cancel_dump_traceback_later()


def ping(request: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Nothing to do but to be alive."""
    return {"pid": os.getpid(), "version": bpy.app.version_string}


TASKS: Final[Mapping[str, Callable[[Mapping[str, Any], Callable[[float], None]], dict[str, Any]]]] = {
    "ping": ping,
    "image": images.prepare,
    "thumbnail": images.thumbnail,
    "model": convert_model.convert,
}


def prepare() -> None:
    """No undo, no auto-save, no scripts from files: this Blender only converts."""
    edit = bpy.context.preferences.edit
    edit.use_global_undo = False
    edit.undo_steps = 0
    paths = bpy.context.preferences.filepaths
    paths.use_auto_save_temporary_files = False
    paths.use_scripts_auto_execute = False
    paths.use_file_compression = False
    paths.save_version = 0


def _listen(requests: queue.SimpleQueue[bytes]) -> None:
    """Thread: the host's lines. When the host closes the pipe or dies, so do we, whatever we are at."""
    with contextlib.suppress(OSError):
        while line := sys.stdin.buffer.readline():
            requests.put(line)
    os._exit(0)


def _lower_priority() -> None:
    """Leave the machine to the artist's Blender: it goes first for the processor, and last when memory runs out."""
    if sys.platform == "win32":
        return  # its priority was set when it was started
    with contextlib.suppress(OSError):
        os.nice(5)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("800")
