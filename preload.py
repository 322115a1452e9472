# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports the modules that the first job needs in a thread, so that the artist's click does not wait for them."""

from __future__ import annotations

import functools
import importlib
import threading
from typing import Final

import bpy

_MODULES: Final = (".jobs.queue", ".loopback.launcher", ".worker.worker_process", ".api.client")
_finished: Final = threading.Event()


@functools.cache
def start() -> None:
    """Start importing. Returns at once."""
    if not bpy.app.background:
        threading.Thread(target=_import, name="image_to_3d preload", daemon=True).start()


def finished() -> bool:
    """Whether the modules are imported."""
    return _finished.is_set()


def _import() -> None:
    try:
        for name in _MODULES:
            importlib.import_module(name, __package__)
    finally:
        _finished.set()
