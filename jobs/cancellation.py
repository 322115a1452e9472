# SPDX-License-Identifier: GPL-3.0-or-later
"""Cancels jobs at the free services, whose processes can be told. A paid service has no cancel call."""

from __future__ import annotations

import logging
from functools import partial

from ..errors import ImageTo3DError
from .config import FREE, ServiceClients
from .job import Job, State
from .store import JobStore
from .thread_pool import ThreadPool

_log = logging.getLogger(__name__)


class Cancellation:
    """Sends the cancel calls, in a pool's threads."""

    def __init__(self, store: JobStore, clients: ServiceClients, pool: ThreadPool) -> None:
        self._store = store
        self._clients = clients
        self._pool = pool

    def send_if_unwanted(self, job: Job) -> None:
        """Have a free service stop working on a job that was cancelled or has left the list. Returns at once."""
        if job.service in FREE and job.service_id and self._is_unwanted(job.id):
            self._pool.submit(partial(self._send, job))

    def _is_unwanted(self, job_id: str) -> bool:
        current = self._store.get(job_id)
        return current is None or current.state is State.CANCELLED

    def _send(self, job: Job) -> None:
        try:
            if self._is_unwanted(job.id):  # else it was continued meanwhile
                self._clients.cancel(job.service, job.service_id)
        except ImageTo3DError as error:
            _log.info("%s could not be cancelled at its service: %s", job.id, error)
