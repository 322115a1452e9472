# SPDX-License-Identifier: GPL-3.0-or-later
"""Admission: whether a queued job may start now, as the preferences and the jobs of all Blenders allow."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ..errors import ImageTo3DError, Message, SpendingLimitError
from .balance_watch import BalanceWatch
from .config import ServiceClients
from .job import SLOT_STATES, Job, State
from .retry import RetryPolicy
from .scheduler import Scheduler
from .store import JobStore

_CLAIM_RETRY: Final = {False: 0.01, True: 1.0}
"""Seconds until the next try if all slots are taken. Where no other Blender has jobs, a free one is being saved."""


class Admission:
    """Claims slots for queued jobs; holds the queues of services that can't be used, or whose limit is reached."""

    def __init__(
        self,
        store: JobStore,
        clients: ServiceClients,
        scheduler: Scheduler,
        balances: BalanceWatch,
        policy: RetryPolicy,
    ) -> None:
        self._store = store
        self._clients = clients
        self._scheduler = scheduler
        self._balances = balances
        self._policy = policy

    def pause_unusable_services(self) -> None:
        """Pause the queues of services that can't be used now. The caller holds the lock."""
        for account in self._scheduler.waiting_accounts():
            try:
                self._clients.config.require_usable(*account)
            except ImageTo3DError as error:
                self._scheduler.pause(account, self._policy.recheck_interval, error.message)

    def claim(self, claimed: Job) -> bool:
        """Whether a job has a slot at its service now; else it is queued again. Blocks. Raises StorageError.

        `claimed`: the job in the state that it then has.
        """
        config = self._clients.config
        try:
            has_slot = self._store.claim(
                claimed, config.slots(claimed.service), config.wallet(claimed.account), config.daily_limit
            )
        except SpendingLimitError as error:
            with self._store.lock:
                self._scheduler.hold(claimed.account, self._policy.recheck_interval, error.message)
                self._requeue(claimed, 0.0, error.message)
            return False
        if not has_slot:
            with self._store.lock:
                self._requeue(claimed, _CLAIM_RETRY[self._store.others_own_jobs])
            return False
        with self._store.lock:
            self._scheduler.admitted(claimed.account)
            alone = not any(
                other.state in SLOT_STATES and other.account == claimed.account for other in self._store.jobs.values()
            )
        if alone:  # else the balance tells no price
            self._balances.ask(claimed.account)
        return True

    def _requeue(self, claimed: Job, delay: float, note: Message | None = None) -> None:
        current = self._store.get(claimed.id)
        if current is not None and current.state is State.QUEUED:
            self._scheduler.requeue_front(current, delay)
            if note is not None and note != current.note:
                self._store.put(replace(current, note=note))
