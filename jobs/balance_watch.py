# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the accounts' balances around jobs, in a thread of its own: no job waits for it, or fails because of it."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from ..api.money import Money
from ..errors import ImageTo3DError, ServiceBrokenError
from . import spending
from .config import FREE, ServiceClients
from .forecast import BalanceRead, Learned
from .scheduler import Account
from .spending import BalanceReading, MeasuredPrice
from .store import JobStore
from .thread_pool import ThreadPool

if TYPE_CHECKING:
    from ..api.client import Client

_log = logging.getLogger(__name__)

INTERVAL: Final = 2.0
"""Seconds between two requests for one balance, at least."""
AFTER_FAILURE: Final = 300.0
"""Seconds for which a balance that could not be read is not asked for again."""


class BalanceWatch:
    """Asks for balances, and has the journal learn prices from them. Thread-safe."""

    def __init__(self, store: JobStore, clients: ServiceClients, stopping: threading.Event) -> None:
        self._store = store
        self._clients = clients
        self._stopping = stopping
        self._pool = ThreadPool("balance", 1)
        self._lock = threading.Lock()
        self._waiting: set[Account] = set()
        self._next: dict[Account, float] = {}
        """By account: monotonic time of its next request, at the earliest."""
        self._failed_until: dict[Account, float] = {}
        self._priced: set[str] = set()
        """Wallets for which the service was asked for its price."""

    @property
    def busy(self) -> bool:
        """Whether a balance is being read."""
        return not self._pool.idle

    def ask(self, account: Account) -> None:
        """Read an account's balance soon. Returns at once. Several calls may have one request."""
        with self._lock:
            failed = time.monotonic() < self._failed_until.get(account, 0.0)
            if account[0] in FREE or failed or account in self._waiting:
                return
            self._waiting.add(account)
        self._pool.submit(partial(self._read, account))

    def _read(self, account: Account) -> None:
        self._stopping.wait(max(self._next.get(account, 0.0) - time.monotonic(), 0.0))
        with self._lock:
            self._waiting.discard(account)  # what is asked from now on is not answered by this request
        if self._stopping.is_set():
            return
        self._next[account] = time.monotonic() + INTERVAL
        wallet = self._clients.config.wallet(account)
        try:
            client, asked = self._clients.client(*account), time.time()
            balance = client.balance()
            if balance.amount is None:
                raise ServiceBrokenError("The service gives no number for the balance.")
            if wallet != self._clients.config.wallet(account):
                return
            money = Money(balance.amount, balance.currency)
            spent = self._learn(wallet, BalanceReading(asked, time.time(), money))
            self._store.events.put(BalanceRead(wallet, money, Money(spent, money.currency)))
            if wallet not in self._priced:
                self._priced.add(wallet)
                self._ask_for_price(wallet, client)
        except ImageTo3DError as error:
            _log.info("the balance can't be read: %s", error)
            self._failed_until[account] = time.monotonic() + AFTER_FAILURE

    def _learn(self, wallet: str, reading: BalanceReading) -> float:
        """Store a balance, and report what it teaches. Returns what was spent since midnight."""
        with self._store.journal().transaction() as database:
            measured = spending.add_balance(database, wallet, reading)
            spent = spending.spent_today(database, wallet, reading.at)
            keys = {(wallet, each.settings) for each in measured}
            prices = {key: price for key in keys if (price := spending.learned_price(database, *key)) is not None}
        if prices:
            self._store.events.put(Learned(prices=prices))
        for each in measured:
            self._put_on_job(each)
        return spent

    def _put_on_job(self, measured: MeasuredPrice) -> None:
        amount, currency = measured.money
        changed = self._store.update(measured.job_id, lambda job: replace(job, price=amount, currency=currency))
        if changed is not None:
            self._store.save(changed.id)

    def _ask_for_price(self, wallet: str, client: Client) -> None:
        try:
            price = client.price()
        except ImageTo3DError as error:
            _log.info("the service's own price is not known: %s", error)
            return
        with self._store.journal().transaction() as database:
            spending.set_list_price(database, wallet, price)
        if price is not None:
            self._store.events.put(Learned(prices={(wallet, ""): price}))
