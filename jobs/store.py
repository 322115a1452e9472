# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs as they are at this moment, and the events that tell the host of every change."""

from __future__ import annotations

import queue
import threading

from .job import Changed, Event, Job, Removed


class JobStore:
    """All jobs on the list. `changed` guards it: a lock held for moments only, never while anything is waited for."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.jobs_by_id: dict[str, Job] = {}

    def get(self, job_id: str) -> Job | None:
        with self.changed:
            return self.jobs_by_id.get(job_id)

    def all(self) -> tuple[Job, ...]:
        """All jobs, oldest first."""
        with self.changed:
            return tuple(self.jobs_by_id.values())

    def put(self, job: Job) -> None:
        """A job is new, or is as this from now on."""
        with self.changed:
            self.jobs_by_id[job.id] = job
            self.events.put(Changed(job))
            self.changed.notify_all()

    def remove(self, job_id: str) -> None:
        with self.changed:
            del self.jobs_by_id[job_id]
            self.events.put(Removed(job_id))
            self.changed.notify_all()
