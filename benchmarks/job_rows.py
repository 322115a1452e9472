# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures what it costs Blender's main thread to bring the rows of the job list up to date.

Drawing them needs a window: tests/window/test_batches.py measures that.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

JOBS = 500
IMAGES = 1000
REPEATS = 20


def measure() -> dict[str, float]:
    """Returns the milliseconds for 500 jobs and a batch of 1,000 images that is expanded, by what has changed."""
    from bl_ext.user_default.image_to_3d import job_rows, job_view
    from bl_ext.user_default.image_to_3d.jobs.batch import Batch, BatchItem
    from bl_ext.user_default.image_to_3d.jobs.job import InputImage, Job, State

    def job(number: int, job_id: str, batch: str = "") -> Job:
        image = InputImage("chair.png", "", "")
        return Job(job_id, f"chair {number}", image, {}, Path("nowhere"), "CUSTOM", batch=batch, created=number)

    def milliseconds(change: Callable[[int], object]) -> float:
        found = []
        for number in range(REPEATS):
            started = time.perf_counter()
            change(number)
            job_rows.refresh()
            found.append((time.perf_counter() - started) * 1e3)
        return median(found)

    items = tuple(BatchItem(f"b{number}", "chair.png") for number in range(IMAGES))
    jobs = [job(number, f"s{number}") for number in range(JOBS)]
    result = {}
    for each in jobs:
        job_view.put(each)
    result["500 jobs, progress"] = milliseconds(lambda _: job_view.put(replace(jobs[0], progress=0.5)))
    result["500 jobs, a new one"] = milliseconds(lambda n: job_view.put(job(JOBS + n, f"new{n}")))
    job_view.put_batch(Batch("batch", "shots", Path("nowhere"), items, "CUSTOM", "", created=0.5))
    result["expanding or collapsing 1,000 images"] = milliseconds(lambda _: job_rows.toggle("batch"))
    job_rows.toggle("batch")
    result["1,000 images expanded, one has its job"] = milliseconds(lambda n: job_view.put(job(n, f"b{n}", "batch")))
    done = replace(job(0, "b0", "batch"), state=State.PLACED)
    result["1,000 images expanded, one has its model"] = milliseconds(
        lambda n: job_view.put(replace(done, id=f"b{n}", objects=(f"chair.{n}",)))
    )
    job_view.clear()
    job_rows.forget()
    return result
