# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's main loop: reads a request, handles it, replies. Runs inside the background Blender.

The protocol is JSON lines on stdin and stdout. Requests are handled one after another; `id` relates replies to them.

    ← {"ready": "4.5.3 LTS"}                                                      once, when requests are accepted
    → {"id": 7, "do": TASK, "timeout": SECONDS, …}                                the other keys belong to the task
    ← {"id": 7, "progress": 0.5}                                                  any number of times, first with 0
    ← {"id": 7, "result": {…}}                                                    or, if the task failed:
    ← {"id": 7, "error": {"code": CODE, "message": {"template": "…", "arguments": {…}}, "advice": …, "action": ACTION}}

CODE is that of an error class in `errors`, ACTION an `Action`. The tasks, with their keys and results:

    ping                                                                          → pid, version
    image      source, folder, stem, limit (bytes), unchanged, cut_out, crop      → see `images.prepare`
    check      source, target, longest (pixels), cut_out, crop                    → see `image_check.check`
    views      sources, target                                                    → see `image_check.compose`
    thumbnail  source, target, longest (pixels), cut_out                          → nothing
    model      source, format, target, name, placement, companions, record,
               thumbnail (a file beside the source for the asset's preview)       → see `convert_model.describe`
    preview    source (a prepared .blend)                                         → preview: the image's name
    check_mesh source (a .blend)                                                  → report: see `MeshReport.to_json`
    mesh tools source, target (.blend files), settings; each tool's module in
               `mesh_tools` says what else                                        → see `blend_exchange.write_result`

docs/architecture.md has an example.
"""

from __future__ import annotations

import faulthandler
import gc
import json
import logging
import os
import queue
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import bpy

from ..errors import ConversionLimitError, ImageTo3DError, WorkerError, one_line
from . import convert_model, image_check, images
from .child_side import JsonStdout, deny_network, lower_priority, read_stdin
from .confinement import confined
from .mesh_tools import check, clean_up, export, lods, printable, remesh, simplify

_log = logging.getLogger(__name__)

GRACE: Final = 30.0
"""Seconds after a request's own timeout at which the process exits, should nobody have ended it."""

Task = Callable[[Mapping[str, Any], Callable[[float], None]], dict[str, Any]]


def main(args: list[str]) -> None:
    """Serve until stdin closes, or there was no request for `args[0]` seconds."""
    idle_seconds = float(args[0]) if args else 120.0
    send = JsonStdout()
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    read_stdin(requests.put)
    lower_priority()
    if not deny_network():
        _log.info("this system can't deny network access to a process: only Python's is denied")
    configure_blender()
    send({"ready": bpy.app.version_string})
    convert_model.warm_up()
    while True:
        try:
            line = requests.get(timeout=idle_seconds)
        except queue.Empty:
            return
        request = json.loads(line)
        number = request["id"]
        send(handle_request(request, lambda done, number=number: send({"id": number, "progress": round(done, 3)})))
        gc.collect()  # importers leave reference cycles that hold the whole file


def handle_request(request: Mapping[str, Any], report: Callable[[float], None]) -> dict[str, Any]:
    """Handle one request. Returns the reply."""
    number = request["id"]
    # A C-level watchdog: it works even while an importer holds the GIL and the host is dead.
    faulthandler.dump_traceback_later(float(request.get("timeout", 60.0)) + GRACE, exit=True)
    try:
        report(0.0)
        with confined(_folders(request)):
            return {"id": number, "result": TASKS[request["do"]](request, report)}
    except ImageTo3DError as known:
        failure = known
    except MemoryError:
        failure = ConversionLimitError("The file needs too much memory.")
    except Exception as error:
        _log.exception("request %s failed", request.get("do"))
        kind, reason = type(error).__name__, one_line(error)
        failure = WorkerError("The background Blender failed ({error}: {reason}).", error=kind, reason=reason)
    finally:
        faulthandler.cancel_dump_traceback_later()
    message, advice = failure.message.to_json(), failure.advice.to_json()
    return {
        "id": number,
        "error": {"code": failure.code, "message": message, "advice": advice, "action": str(failure.action)},
    }


def _folders(request: Mapping[str, Any]) -> list[Path]:
    """Returns the job's folders: those with what the request reads and writes."""
    keys = ("source", "target", "file", "original")
    files = [Path(request[key]).parent for key in keys if request.get(key)]
    files += [Path(source).parent for source in request.get("sources", ())]
    return files + [Path(request[key]) for key in ("folder",) if key in request]


TASKS: Final[Mapping[str, Task]] = {
    "ping": lambda _request, _report: {"pid": os.getpid(), "version": bpy.app.version_string},
    "image": images.prepare,
    "check": image_check.check,
    "views": image_check.compose,
    "thumbnail": images.thumbnail,
    "model": convert_model.convert,
    "preview": convert_model.preview,
    "check_mesh": check.run,
    "clean_up": clean_up.run,
    "remesh_prepare": remesh.prepare,
    "remesh_quads": remesh.make_quads,
    "remesh_finish": remesh.finish,
    "simplify": simplify.run,
    "lods": lods.run,
    "export": export.run,
    "print": printable.run,
}


def configure_blender() -> None:
    """No undo, no auto-save, no scripts from files: this Blender only converts."""
    bpy.context.preferences.edit.use_global_undo = False
    paths = bpy.context.preferences.filepaths
    paths.use_auto_save_temporary_files = False
    paths.use_scripts_auto_execute = False
