# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until jobs are done, placing included, for scripts and operators that they call. Blocks the main thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from . import engine, job_view
from .jobs.batch import BatchProgress
from .jobs.job import Job
from .mesh_tasks import MeshTask
from .scene import pending_models

_POLL_SECONDS: Final = 0.02
_BLOCKED_SECONDS: Final = 1.0
"""How long a script waits while something (a tool, a render) keeps a ready model out of the scene."""


def finish(job: Job, timeout: float | None = None) -> Job:
    """Wait until the job is done, placing included. Returns the job; one that left the list as it was.

    If something keeps the model out of the scene while the script runs (a tool in use, which ends only after the
    script), the job is ready, and the model arrives later.
    Raises TimeoutError after `timeout` seconds; the job continues.
    """

    def ended() -> bool:
        nonlocal job
        known = job_view.job(job.id)
        job = known or job
        return known is None or not known.running

    _wait_for_jobs(ended, lambda: [job], timeout, job.name)
    return job_view.job(job.id) or job


def wait_for_batch(batch_id: str, until: Callable[[BatchProgress], bool], timeout: float | None = None) -> None:
    """Wait until a batch's progress is as wanted, and nothing of it is waiting to be placed.

    Returns as well if something keeps ready models out of the scene while the script runs.
    Raises TimeoutError after `timeout` seconds; the batch continues.
    """

    def reached() -> bool:
        progress = job_view.batch_progress(batch_id)
        return progress is None or until(progress)

    _wait_for_jobs(reached, lambda: job_view.batch_jobs(batch_id), timeout, "the batch")


def finish_tool(task: MeshTask, timeout: float | None = None) -> None:
    """Wait until a mesh tool has ended and its result is in the scene.

    Returns as well if something keeps the result out of the scene while the script runs.
    Raises TimeoutError after `timeout` seconds; the tool continues.
    """
    _wait(
        lambda: task.done or task.result is not None,
        lambda: not task.done,
        lambda: True,
        timeout,
        task.request.name,
    )


def _wait_for_jobs(
    reached: Callable[[], bool], jobs: Callable[[], list[Job]], timeout: float | None, name: str
) -> None:
    """Apply events until `reached`, and until no model of `jobs` is waiting to be placed, if that is possible now."""
    _wait(reached, lambda: any(engine.is_pending(job.id) for job in jobs()), pending_models.blocked, timeout, name)


def _wait(
    reached: Callable[[], bool],
    pending: Callable[[], bool],
    blocked: Callable[[], bool],
    timeout: float | None,
    name: str,
) -> None:
    """Apply events until `reached` and nothing is `pending`, or until what is pending has been `blocked` for a moment.

    Raises TimeoutError after `timeout` seconds; `name`: of what continues then.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    blocked_since = None
    while True:
        engine.drain(budget=1.0)
        if reached():
            waits = pending()
            blocked_since = (blocked_since or time.monotonic()) if waits and blocked() else None
            if not waits or (blocked_since and time.monotonic() - blocked_since > _BLOCKED_SECONDS):
                engine.drain(budget=1.0)  # that the last one was placed is an event, too
                return
        if deadline is not None and time.monotonic() > deadline:
            raise TimeoutError(f"{name} is not finished after {timeout:g} seconds; it continues.")
        time.sleep(_POLL_SECONDS)
