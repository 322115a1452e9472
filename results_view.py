# SPDX-License-Identifier: GPL-3.0-or-later
"""The earlier results for the interface: read in a thread before they are shown, a page at a time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import bpy
from bpy.props import IntProperty, StringProperty

from . import redraw
from .bl_ids import RESULT_PAGE, RESULT_SEARCH, VARIATIONS
from .log import logger

if TYPE_CHECKING:
    from .jobs.history import History, Page, Result

PAGE_SIZE: Final = 24
_WATCH_SECONDS: Final = 0.2

_history: History | None = None
_thread: threading.Thread | None = None
_stop = threading.Event()
_stale = True
"""Whether a result may have come or gone since the folders were read."""
_drawn: tuple[tuple[Result, ...], int, str] | None = None
"""The results, the page and the search that `_page` belongs to."""
_page: Page | None = None


def load(folders: Sequence[Path]) -> None:
    """Have the results folders read in a thread, if results may have come or gone since the last time."""
    global _history, _thread, _stale
    if _history is None:
        from .jobs.history import History  # not when the add-on is enabled

        _history = History()
    if not _stale or reading():
        return
    _stale = False
    _stop.clear()
    arguments = (_history, tuple(folders))
    _thread = threading.Thread(target=_read, args=arguments, name="image_to_3d results", daemon=True)
    _thread.start()
    if not bpy.app.background:
        bpy.app.timers.register(_watch, first_interval=_WATCH_SECONDS, persistent=True)


def page(number: int, search: str) -> Page | None:
    """Returns a page of what is known so far; None before the first `load`. Cheap."""
    global _drawn, _page
    if _history is None:
        return None
    results = _history.results
    if _page is None or _drawn is None or _drawn[0] is not results or _drawn[1:] != (number, search):
        _drawn, _page = (results, number, search), _history.page(number, PAGE_SIZE, search)
    return _page


def find(job_id: str) -> Result | None:
    """Returns a job's result; None if it is not known, or not yet. Cheap."""
    return _history.find(job_id) if _history is not None else None


def reading() -> bool:
    """Whether the results folders are being read."""
    return _thread is not None and _thread.is_alive()


def changed() -> None:
    """A result came or went: the next `load` reads the results folders again."""
    global _stale
    _stale = True


def wait(seconds: float | None = None) -> None:
    """Wait until the results folders are read. None: however long that takes, for scripts and tests."""
    if _thread is not None:
        _thread.join(seconds)


def _read(history: History, folders: tuple[Path, ...]) -> None:
    try:
        history.refresh(folders, cancelled=_stop.is_set, first=PAGE_SIZE)
    except Exception:
        logger(__name__).exception("the results folders can't be read")


def _watch() -> float | None:
    """App timer: show what was read."""
    running = reading()
    if _history is not None and (not running or _drawn is None or _drawn[0] is not _history.results):
        redraw.sidebars(bpy.context.window_manager)
    return _WATCH_SECONDS if running else None


def _first_page(manager: Any, _context: bpy.types.Context) -> None:
    setattr(manager, RESULT_PAGE, 0)


def _properties() -> dict[str, Any]:
    """Returns what the window manager knows of the results: nothing of it is stored in a file."""
    return {
        RESULT_SEARCH: StringProperty(
            name="Search",
            description="Show only results with these words in their names",
            options={"SKIP_SAVE", "TEXTEDIT_UPDATE"},
            update=_first_page,
        ),
        RESULT_PAGE: IntProperty(name="Page", min=0, options={"SKIP_SAVE", "HIDDEN"}),
        VARIATIONS: IntProperty(
            name="Variations", description="Number of models", default=3, min=1, max=16, options={"SKIP_SAVE"}
        ),
    }


def register() -> None:
    for name, shown in _properties().items():
        setattr(bpy.types.WindowManager, name, shown)


def unregister() -> None:
    global _history, _stale, _drawn, _page
    _stop.set()
    if bpy.app.timers.is_registered(_watch):
        bpy.app.timers.unregister(_watch)
    for name in _properties():
        if hasattr(bpy.types.WindowManager, name):
            delattr(bpy.types.WindowManager, name)
    _history, _stale, _drawn, _page = None, True, None, None
