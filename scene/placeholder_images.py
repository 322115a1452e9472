# SPDX-License-Identifier: GPL-3.0-or-later
"""Images for placeholders, made by the worker in a thread: small, and without a plain background.

A placeholder has its image a moment after its job was started, also while the job is queued. Main thread only, but for
the thread itself.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..atomic_file import make_private
from ..errors import ImageError, ImageTo3DError
from ..log import logger
from .data_location import data_folder

if TYPE_CHECKING:
    from ..jobs.job import Job
    from ..worker.worker_process import WorkerProcess

FOLDER_NAME: Final = "placeholders"
KEEP_DAYS: Final = 30.0
"""Images older than this are deleted; a placeholder then shows the image in its job's folder."""
SIDE: Final = 512
"""Pixels; Blender decodes such an image in a few milliseconds."""
_lock = threading.Lock()
_wanted: list[tuple[str, Path, tuple[Path, ...]]] = []
"""The job's id, the file to write, and where the image is."""
_made: list[str] = []
"""Ids of jobs whose images are there."""
_thread: threading.Thread | None = None


def path(job_id: str) -> Path:
    """Returns where the image of a job's placeholder is, if it has been made."""
    return data_folder() / FOLDER_NAME / f"{job_id}.png"


def want(job: Job, image: Path) -> None:
    """Have the image of a job's placeholder made at the next `work`. `image`: the one that the job is started with."""
    # It can be a temporary file that is deleted as soon as the job has its copy.
    sources = (image, job.image_path or image)
    with _lock:
        _wanted.append((job.id, path(job.id), sources))


def busy() -> bool:
    """Whether an image is being made, or there is one that `take` has not returned yet."""
    return bool(_wanted or _made or _thread is not None)


def work(worker: WorkerProcess) -> None:
    """Start making what is wanted. Returns at once."""
    global _thread
    with _lock:
        if _wanted and _thread is None:
            _thread = threading.Thread(target=_run, args=(worker,), name="image_to_3d placeholder images", daemon=True)
            _thread.start()


def take() -> list[str]:
    """Returns the ids of the jobs whose images were made since the last call."""
    with _lock:
        made = list(_made)
        _made.clear()
    return made


def forget() -> None:
    """Make no further images."""
    with _lock:
        _wanted.clear()
        _made.clear()


def _run(worker: WorkerProcess) -> None:
    global _thread
    while True:
        with _lock:
            if not _wanted:
                _thread = None
                return
            job_id, target, sources = _wanted.pop(0)
        try:
            _make(worker, target, sources)
        except (ImageTo3DError, OSError) as error:
            logger(__name__).info("%s: no image for its placeholder could be made: %s", job_id, error)
            continue
        except Exception:  # a bug of ours must not keep the monitor running for ever
            logger(__name__).exception("%s: no image for its placeholder could be made", job_id)
            continue
        with _lock:
            _made.append(job_id)


def _make(worker: WorkerProcess, target: Path, sources: Sequence[Path]) -> None:
    from ..jobs import spool

    make_private(target.parent)
    spool.clean_up_once(target.parent, KEEP_DAYS)
    for source in sources:
        request = {"do": "thumbnail", "source": str(source), "target": str(target), "longest": SIDE, "cut_out": True}
        try:
            spool.wait(source)
            worker.run(request)
        except ImageError:
            if source == sources[-1]:
                raise
        else:
            return
