# SPDX-License-Identifier: GPL-3.0-or-later
"""What jobs cost, as remembered in the journal: prices learned from balances, and what was spent today.

The service names no price, so the balance before and after a job tells it, if no other paid job ran in between: of this
or of another Blender that shares the journal. All functions are for a transaction of the journal.
"""

from __future__ import annotations

import itertools
import sqlite3
import statistics
import time
from typing import Final, NamedTuple

from ..api.money import Money
from ..errors import SpendingLimitError
from .estimates import ENOUGH, REMEMBERED, settings_key
from .job import Job, State

CLOSE: Final = 300.0
"""Seconds: a balance that was asked longer before the request, or after the model was done, teaches nothing."""
IN_FLIGHT: Final = 3600.0
"""Seconds for which a request may still be charged. A job that was done later was continued by a later Blender."""
_BALANCES_KEPT: Final = 3 * 86400.0
_CHARGES_KEPT: Final = 366 * 86400.0
_DIGITS: Final = 6
"""Decimals to which a difference of balances is rounded: they are stored in binary."""
_RESERVING: Final = (State.PREPARING, State.UPLOADING, State.SUBMITTING)
_CHARGED: Final = frozenset({State.SUBMITTING, State.WAITING})


class BalanceReading(NamedTuple):
    """A balance, and when it was asked for and read, in seconds since the epoch."""

    asked: float
    at: float
    money: Money


class MeasuredPrice(NamedTuple):
    """What a job cost."""

    job_id: str
    settings: str
    money: Money


def reserve(database: sqlite3.Connection, wallet: str, job: Job, limit: float | None) -> None:
    """Remember that a job is going to be paid from a wallet. `limit`: the most that may be spent on one day.

    Raises SpendingLimitError if the job may exceed it.
    """
    settings = settings_key(job.parameters)
    if limit is not None:
        _require_within(database, wallet, job, settings, limit)
    database.execute(
        "INSERT OR REPLACE INTO charges (job, delivery, wallet, settings) VALUES (?, ?, ?, ?)",
        (job.id, job.delivery, wallet, settings),
    )


def follow(database: sqlite3.Connection, job: Job, previous_state: str, now: float) -> None:
    """Remember when a job was sent and when it was done. Called at each write of a job."""
    key = (job.id, job.delivery)
    database.execute("UPDATE charges SET sent = ? WHERE job = ? AND delivery = ? AND sent != ?1", (job.sent, *key))
    if job.state is State.DOWNLOADING and previous_state in _CHARGED:
        database.execute("UPDATE charges SET done = ? WHERE job = ? AND delivery = ? AND done = 0", (now, *key))


def add_balance(database: sqlite3.Connection, wallet: str, reading: BalanceReading) -> list[MeasuredPrice]:
    """Remember a balance. Returns the prices of the jobs that it tells."""
    database.execute("INSERT INTO balances VALUES (?, ?, ?, ?, ?)", (wallet, reading.asked, reading.at, *reading.money))
    database.execute("DELETE FROM balances WHERE at < ?", (reading.at - _BALANCES_KEPT,))
    database.execute("DELETE FROM charges WHERE sent > 0 AND sent < ?", (reading.at - _CHARGES_KEPT,))
    rows = database.execute(
        "SELECT job, delivery, settings, sent FROM charges"
        " WHERE wallet = ? AND sent > ? AND price IS NULL AND done > ? AND done <= ?",
        (wallet, reading.asked - CLOSE - IN_FLIGHT, reading.asked - CLOSE, reading.asked),
    ).fetchall()
    measured = []
    for job, delivery, settings, sent in rows:
        money = _difference(database, wallet, (job, delivery, sent), reading)
        if money is not None:
            measured.append(MeasuredPrice(job, settings, money))
            database.execute(
                "UPDATE charges SET price = ?, currency = ? WHERE job = ? AND delivery = ?", (*money, job, delivery)
            )
    return measured


def learned_price(database: sqlite3.Connection, wallet: str, settings: str) -> Money | None:
    """Returns what the latest jobs with these settings cost, else the service's own price; None if neither is known."""
    currency = _currency(database, wallet)
    rows = database.execute(
        "SELECT price FROM charges WHERE wallet = ? AND settings = ? AND price IS NOT NULL AND currency = ?"
        " ORDER BY sent DESC LIMIT ?",
        (wallet, settings, currency, REMEMBERED),
    ).fetchall()
    if len(rows) >= ENOUGH:
        return Money(statistics.median(price for (price,) in rows), currency)
    listed = database.execute("SELECT amount, currency FROM list_prices WHERE wallet = ?", (wallet,)).fetchone()
    return Money(*listed) if listed is not None else None


def learned_prices(database: sqlite3.Connection) -> dict[tuple[str, str], Money]:
    """Returns all learned prices by wallet and settings; the service's own ones have no settings."""
    rows = database.execute("SELECT DISTINCT wallet, settings FROM charges WHERE price IS NOT NULL").fetchall()
    rows += database.execute("SELECT wallet, '' FROM list_prices").fetchall()
    found = ((key, learned_price(database, *key)) for key in rows)
    return {key: price for key, price in found if price is not None}


def set_list_price(database: sqlite3.Connection, wallet: str, price: Money | None) -> None:
    """Remember the price that the service itself names; None: it names none."""
    database.execute("DELETE FROM list_prices WHERE wallet = ?", (wallet,))
    if price is not None:
        database.execute("INSERT INTO list_prices VALUES (?, ?, ?)", (wallet, *price))


def spent_today(database: sqlite3.Connection, wallet: str, now: float, besides: tuple[str, int] = ("", 0)) -> float:
    """Returns what was spent since midnight, jobs that are about to be sent included, in the wallet's currency.

    The larger of two sums counts: the jobs' prices as far as they are known, and by how much the balance fell.
    `besides`: a job that is left out, with its delivery.
    """
    midnight = time.mktime((*time.localtime(now)[:3], 0, 0, 0, 0, 0, -1))
    currency = _currency(database, wallet)
    rows = database.execute(
        "SELECT c.settings, sum(CASE WHEN c.currency = ?2 THEN c.price END), sum(c.price IS NULL) FROM charges c"
        " LEFT JOIN jobs j ON j.id = c.job WHERE c.wallet = ?1 AND NOT (c.job = ?3 AND c.delivery = ?4)"
        " AND (c.sent >= ?5 OR (c.sent = 0 AND j.state IN (?6, ?7, ?8))) GROUP BY c.settings",
        (wallet, currency, *besides, midnight, *_RESERVING),
    ).fetchall()
    total = sum(
        (measured or 0.0) + unknown * _amount_in(currency, learned_price(database, wallet, settings))
        for settings, measured, unknown in rows
    )
    amounts = database.execute(
        "SELECT amount FROM balances WHERE wallet = ? AND currency = ? AND at >= ? ORDER BY at",
        (wallet, currency, midnight),
    ).fetchall()
    fell = sum(max(before - after, 0.0) for (before,), (after,) in itertools.pairwise(amounts))
    return round(max(float(total), float(fell)), _DIGITS)


def _require_within(database: sqlite3.Connection, wallet: str, job: Job, settings: str, limit: float) -> None:
    spent = spent_today(database, wallet, time.time(), (job.id, job.delivery))
    currency = _currency(database, wallet)
    price = _amount_in(currency, learned_price(database, wallet, settings))
    if spent + price > limit + 10**-_DIGITS or (not price and spent >= limit):
        raise SpendingLimitError(
            "The daily limit of {limit} is reached. New jobs start tomorrow.", limit=str(Money(limit, currency))
        )


def _difference(
    database: sqlite3.Connection, wallet: str, charge: tuple[str, int, float], after: BalanceReading
) -> Money | None:
    """Returns by how much the balance fell because of one charge: a job, its delivery, and when it was sent.

    None if there is no balance from before, if something else may have been charged in between, or if money came in.
    """
    job, delivery, sent = charge
    before = database.execute(
        "SELECT asked, amount, currency FROM balances WHERE wallet = ? AND at <= ? AND at > ? ORDER BY at DESC LIMIT 1",
        (wallet, sent, sent - CLOSE),
    ).fetchone()
    if before is None or before[2] != after.money.currency:
        return None
    asked, amount, currency = before
    other = database.execute(
        "SELECT 1 FROM charges WHERE wallet = ? AND NOT (job = ? AND delivery = ?) AND sent > ? AND sent <= ?"
        " AND (done = 0 OR done >= ?)",
        (wallet, job, delivery, asked - IN_FLIGHT, after.at, asked),
    ).fetchone()
    price = round(amount - after.money.amount, _DIGITS)
    return Money(price, currency) if other is None and price > 0 else None


def _currency(database: sqlite3.Connection, wallet: str) -> str:
    """Returns the currency of a wallet's latest balance, else of the service's own price; "" if neither is known."""
    for query in (
        "SELECT currency FROM balances WHERE wallet = ? ORDER BY at DESC LIMIT 1",
        "SELECT currency FROM charges WHERE wallet = ? AND price IS NOT NULL ORDER BY sent DESC LIMIT 1",
        "SELECT currency FROM list_prices WHERE wallet = ?",
    ):
        row = database.execute(query, (wallet,)).fetchone()
        if row is not None:
            return str(row[0])
    return ""


def _amount_in(currency: str, price: Money | None) -> float:
    """Returns an amount; 0 if it is unknown, or in another currency."""
    return price.amount if price is not None and price.currency == currency else 0.0
