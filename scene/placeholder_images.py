# SPDX-License-Identifier: GPL-3.0-or-later
"""Images for placeholders, made by the worker in a thread: small, and without a plain background.

A placeholder has its image a moment after its job was started, also while the job is queued. Main thread only, but for
the thread itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..atomic_file import make_private
from ..errors import ImageError, ImageTo3DError
from ..log import logger
from .data_location import data_folder

if TYPE_CHECKING:
    from ..jobs.job import Job
    from ..jobs.thread_pool import ThreadPool
    from ..worker.worker_process import WorkerProcess

FOLDER_NAME: Final = "placeholders"
KEEP_DAYS: Final = 30.0
"""Images older than this are deleted; a placeholder then shows the image in its job's folder."""
SIDE: Final = 512
"""Pixels; Blender decodes such an image in a few milliseconds."""
_pool: ThreadPool | None = None
"""Created on first use: importing it takes longer than enabling the add-on should."""
_wanted: list[tuple[str, Path, tuple[Path, ...]]] = []
"""The job's id, the file to write, and where the image is."""
_made: deque[str] = deque()
"""Ids of jobs whose images are there. The pool's thread appends to it."""
_round = 0
"""Incremented by `forget`: what was wanted before is not made any more."""


def path(job_id: str) -> Path:
    """Returns where the image of a job's placeholder is, if it has been made."""
    return data_folder() / FOLDER_NAME / f"{job_id}.png"


def want(job: Job, image: Path) -> None:
    """Have the image of a job's placeholder made at the next `work`. `image`: the one that the job is started with."""
    # It can be a temporary file that is deleted as soon as the job has its copy.
    sources = (image, job.image_path or image)
    _wanted.append((job.id, path(job.id), sources))


def busy() -> bool:
    """Whether an image is being made, or there is one that `take` has not returned yet."""
    return bool(_wanted or _made) or (_pool is not None and not _pool.idle)


def work(worker: WorkerProcess) -> None:
    """Start making what is wanted. Returns at once."""
    global _pool
    if _wanted and _pool is None:
        from ..jobs.thread_pool import ThreadPool

        _pool = ThreadPool("placeholder images", 1)
    while _wanted and _pool is not None:
        wanted = _wanted.pop(0)
        _pool.submit(partial(_make_wanted, worker, _round, *wanted))


def take() -> list[str]:
    """Returns the ids of the jobs whose images were made since the last call."""
    made = []
    while _made:
        made.append(_made.popleft())
    return made


def forget() -> None:
    """Make no further images."""
    global _round
    _round += 1
    _wanted.clear()
    take()


def _make_wanted(worker: WorkerProcess, wanted_in: int, job_id: str, target: Path, sources: Sequence[Path]) -> None:
    if wanted_in != _round:
        return
    try:
        _make(worker, target, sources)
    except (ImageTo3DError, OSError) as error:
        logger(__name__).info("%s: no image for its placeholder could be made: %s", job_id, error)
    else:
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
