# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of chosen images before anything is paid for: warnings, and a preview of what will be sent.

The worker does the work, in a thread of ours; the panel and the batch dialog show what is known so far.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .atomic_file import make_private
from .errors import NO_MESSAGE, ImageTo3DError, Message
from .log import logger

if TYPE_CHECKING:
    from .worker.worker_process import WorkerProcess

PREVIEW_SIDE: Final = 512
"""Pixels."""
KEEP_DAYS: Final = 1.0
"""Previews that an earlier Blender left are deleted after this."""


@dataclass(frozen=True, slots=True)
class ImageCheck:
    """What is known of an image. `running`: nothing yet."""

    running: bool = True
    warnings: tuple[Message, ...] = ()
    preview: Path | None = None
    title: Message = NO_MESSAGE
    """The worst warning in a few words; empty if there is none."""
    size: tuple[int, int] | None = None
    """Width and height in pixels; None if the image can't be read."""


Key = tuple[str, bool, bool]
"""An image's path, and whether it is cut out and cropped."""

_lock = threading.Lock()
_checks: dict[Key, ImageCheck] = {}
_wanted: list[tuple[Key, Path | None]] = []
"""Images to check, the next one last, with the file for the preview."""
_thread: threading.Thread | None = None


def result(image: str, *, cut_out: bool = False, crop: bool = False) -> ImageCheck | None:
    """Returns what is known of an image with these options; None if nobody asked."""
    return _checks.get((image, cut_out, crop))


def start(
    worker: WorkerProcess, images: Iterable[str], *, previews: Path | None, cut_out: bool = False, crop: bool = False
) -> None:
    """Check images in a thread; the latest request is served first. Returns at once.

    `previews`: the folder for previews of what will be sent; None makes none.
    """
    global _thread
    with _lock:
        for image in images:
            key = (image, cut_out, crop)
            if key not in _checks:
                _checks[key] = ImageCheck()
                _wanted.append((key, previews))
        if _wanted and _thread is None:
            _thread = threading.Thread(target=_run, args=(worker,), name="image_to_3d image check", daemon=True)
            _thread.start()


def doubtful(images: Sequence[str]) -> tuple[int, list[tuple[str, Message]]]:
    """Returns how many of the images have been checked, and those with a warning: the path, and the worst warning."""
    found = [(image, check) for image in images if (check := result(image)) is not None and not check.running]
    return len(found), [(image, check.warnings[0]) for image, check in found if check.warnings]


def stop() -> None:
    """Check no further images. What is known stays known."""
    with _lock:
        for key, _ in _wanted:
            _checks.pop(key, None)
        _wanted.clear()


def running() -> bool:
    """Whether an image is being checked."""
    return _thread is not None


def forget(image: str = "") -> None:
    """Forget what is known of an image, or of all of them: it may have changed."""
    with _lock:
        for key in [key for key in _checks if image in ("", key[0])]:
            preview = _checks.pop(key).preview
            if preview is not None:
                with contextlib.suppress(OSError):  # a later start deletes what is old
                    preview.unlink()
        if not image:
            _wanted.clear()


def _run(worker: WorkerProcess) -> None:
    global _thread
    while True:
        with _lock:
            if not _wanted:
                _thread = None
                return
            key, previews = _wanted.pop()
        try:
            found = _check(worker, key, previews)
        except Exception:  # a bug of ours must not keep the monitor running forever
            logger(__name__).exception("%s could not be checked", key[0])
            found = ImageCheck(False)
        with _lock:
            if key in _checks:
                _checks[key] = found


def _check(worker: WorkerProcess, key: Key, previews: Path | None) -> ImageCheck:
    from .jobs import spool

    image, cut_out, crop = key
    # A name of its own for each check: Blender keeps the thumbnail of a path.
    target = previews / f"{time.time_ns()}.png" if previews is not None else None
    request = {
        "do": "check",
        "source": image,
        "target": str(target or ""),
        "longest": PREVIEW_SIDE,
        "cut_out": cut_out,
        "crop": crop,
    }
    try:
        if previews is not None:
            make_private(previews)
            spool.clean_up_once(previews, KEEP_DAYS)
        reply = worker.run(request)
    except ImageTo3DError as error:
        return ImageCheck(False, (error.message,), title=Message("Unreadable Image"))
    except OSError as error:
        logger(__name__).warning("%s could not be checked: %s", image, error)
        return ImageCheck(False)
    warnings = tuple(Message.from_json(warning) for warning in reply["warnings"])
    width, height = reply["size"]
    return ImageCheck(False, warnings, target, Message.from_json(reply["title"]), (width, height))
