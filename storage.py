# SPDX-License-Identifier: GPL-3.0-or-later
"""How much room the results take, and clearing away what is old. Done in a thread; the outcome waits to be fetched."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import ImageTo3DError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Storage:
    """The last that was found out. `text` is a sentence, empty where nothing is known."""

    text: str = ""
    failed: bool = False
    at_work: bool = False


_storage = Storage()


def now() -> Storage:
    """What is known now."""
    return _storage


def measure(places: Sequence[Path]) -> None:
    """Find out how much room the results in these places take."""
    _begin(lambda: _size(places))


def clear(places: Sequence[Path], *, older_than_days: float | None, over_gigabytes: float | None) -> None:
    """Remove what is over and older than that, or the oldest while all take more than that; None: no such limit.

    The limits are for all places together.
    """

    def work() -> str:
        from .jobs import cleanup

        count, size = cleanup.clear(places, older_than_days=older_than_days, over_gigabytes=over_gigabytes)
        return f"Removed {count} results ({_readable(size)}). {_size(places)}"

    _begin(work)


def _begin(work: Callable[[], str]) -> None:
    global _storage
    if not _storage.at_work:
        _storage = Storage(_storage.text, at_work=True)
        threading.Thread(target=_do, args=(work,), name="image_to_3d storage", daemon=True).start()


def _do(work: Callable[[], str]) -> None:
    global _storage
    try:
        _storage = Storage(work())
    except ImageTo3DError as error:
        _storage = Storage(str(error), failed=True)
    except Exception:
        _log.exception("looking after the results failed")
        _storage = Storage("The results could not be looked at; Blender's log says why.", failed=True)


def _size(places: Sequence[Path]) -> str:
    from .jobs import cleanup

    found = [result for place in places for result in cleanup.results_in(place)]
    over = sum(result.size for result in found if result.removable)
    total = sum(result.size for result in found)
    return f"{len(found)} results take {_readable(total)}; {_readable(over)} of it could be cleared"


def _readable(size: int) -> str:
    from .jobs import cleanup

    return f"{size / cleanup.GIGABYTE:.1f} GB" if size >= cleanup.GIGABYTE else f"{size / 1e6:.1f} MB"
