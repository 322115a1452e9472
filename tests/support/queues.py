# SPDX-License-Identifier: GPL-3.0-or-later
"""Real queues with short delays, for tests with the scripted service. The worker is a real background Blender."""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import package_stub  # noqa: F401  makes `image_to_3d` importable
from image_to_3d.jobs.config import CUSTOM, Config
from image_to_3d.jobs.job import Changed, Job, State
from image_to_3d.jobs.queue import Queue
from image_to_3d.jobs.request import JobRequest
from image_to_3d.jobs.retry import RetryPolicy
from image_to_3d.jobs.serialization import NO_OWNER, read_job_file
from image_to_3d.jobs.step_context import Timing
from image_to_3d.worker.child_process import Launch
from image_to_3d.worker.worker_process import WorkerProcess

KEY = "key-0123456789-that-nobody-may-see"
FAST = Timing(
    min_poll_interval=0.05,
    max_poll_interval=0.2,
    give_up=60,
    list_checks=(0.05, 0.1, 0.2),
    mirror_rounds=(0.1, 0.2),
    connect=2.0,
    read=1.5,
    stall=1.5,
)
EAGER = RetryPolicy(
    first_wait=0.05,
    growth=1.5,
    max_wait=0.3,
    before_accepted=1.5,
    after_accepted=4.0,
    recheck_interval=0.1,
    rate_limit=0.3,
    without_files=1.0,
    new_links=3,
)


def no_loopback_service(service: str, _config: Config) -> tuple[str, str]:
    raise AssertionError(f"this test has no service {service}")


def a_config(folder: Path, base_url: str, **changes: Any) -> Config:
    known: dict[str, Any] = {
        "service": CUSTOM,
        "results": folder / "results",
        "keys": {CUSTOM: KEY},
        "base_url": base_url,
    }
    return Config(**(known | changes))


def a_worker() -> WorkerProcess:
    return WorkerProcess(Launch.for_wheel())


class Borrowed:
    """A worker shared by several queues: stopping a queue leaves it running."""

    def __init__(self, worker: WorkerProcess) -> None:
        self._worker = worker

    def __getattr__(self, name: str) -> Any:
        return (lambda: None) if name == "stop" else getattr(self._worker, name)


def a_queue(folder: Path, base_url: str, worker: WorkerProcess | Borrowed, **changes: Any) -> Queue:
    timing, retry_policy = changes.pop("timing", FAST), changes.pop("retry_policy", EAGER)
    loopback = changes.pop("loopback", no_loopback_service)
    config = a_config(folder, base_url, **changes)
    return Queue(
        folder / "user",
        config,
        cast(WorkerProcess, worker),
        loopback,
        timing=timing,
        retry_policy=retry_policy,
    )


def an_image(seed: int = 0) -> bytes:
    """Returns a small PNG, a different one for each `seed`."""
    width = height = 8
    rows = b"".join(
        b"\0" + bytes((seed * 37 + x * y) % 256 for x in range(width) for _ in range(3)) for y in range(height)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def a_request(number: int = 0, **changes: Any) -> JobRequest:
    known: dict[str, Any] = {"image": an_image(number), "name": f"image {number}"}
    return JobRequest(**(known | changes))


def until(what: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until a condition is true. The timeout is a bound, not a measurement."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, f"it did not happen within {seconds} s"
        time.sleep(0.01)


def rest(queue: Queue, seconds: float = 120.0) -> list[Job]:
    """Returns all jobs, once the queue has no more work."""
    until(lambda: queue.running() == 0, seconds)
    return list(queue.jobs())


def until_journaled(queue: Queue, job: Job) -> Job:
    """Wait until a job that was just added is in the journal: its job.json then names its owner."""

    def is_journaled() -> bool:
        current = queue.job(job.id) or job
        if not current.running:
            return True
        try:
            return read_job_file(current.folder)[1] != NO_OWNER
        except (OSError, ValueError):
            return False

    until(is_journaled)
    return queue.job(job.id) or job


def states_seen(queue: Queue, job_id: str) -> list[State]:
    """Returns the states of a job in its events, without repetitions."""
    seen: list[State] = []
    while not queue.events.empty():
        event = queue.events.get()
        if isinstance(event, Changed) and event.job.id == job_id and seen[-1:] != [event.job.state]:
            seen.append(event.job.state)
    return seen
