# SPDX-License-Identifier: GPL-3.0-or-later
"""Prices are learned from balances around single jobs, and never from anything else that moved the balance."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from image_to_3d.api.money import Money
from image_to_3d.errors import SpendingLimitError
from image_to_3d.jobs import spending
from image_to_3d.jobs.estimates import settings_key
from image_to_3d.jobs.job import InputImage, Job, State, new_id
from image_to_3d.jobs.journal import Journal
from image_to_3d.jobs.spending import BalanceReading, MeasuredPrice
from image_to_3d.jobs.wallet import wallet_of

WALLET = wallet_of(("MODELSLAB", "https://modelslab.com/api/v6"), "a key that nobody may see")
NOON = time.mktime((*time.localtime()[:3], 12, 0, 0, 0, 0, -1))


class Ledger:
    """Jobs and balances of one wallet in a real journal. Times are seconds since noon today."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = Journal(folder, [], "me")

    def balance(self, at: float, amount: float, currency: str = "USD", wallet: str = WALLET) -> list[MeasuredPrice]:
        with self.journal.transaction() as database:
            reading = BalanceReading(NOON + at - 0.1, NOON + at, Money(amount, currency))
            return spending.add_balance(database, wallet, reading)

    def reserve(self, resolution: int = 256, limit: float | None = None, wallet: str = WALLET) -> Job:
        job_id = new_id()
        image = InputImage("a.png", "image.png", "")
        parameters = {"resolution": resolution}
        job = Job(job_id, "a", image, parameters, self.folder / job_id, "MODELSLAB", state=State.PREPARING)
        with self.journal.transaction() as database:
            spending.reserve(database, wallet, job, limit)
        self.journal.write(job)
        return job

    def sent(self, job: Job, at: float) -> Job:
        job = replace(job, state=State.WAITING, sent=NOON + at)
        self.journal.write(job)
        return job

    def done(self, job: Job, at: float) -> None:
        with self.journal.transaction() as database:
            downloading = replace(job, state=State.DOWNLOADING)
            spending.follow(database, downloading, State.WAITING, NOON + at)

    def run(self, start: float, end: float, **changes: int) -> Job:
        job = self.sent(self.reserve(**changes), start)
        self.done(job, end)
        return job

    def price(self, resolution: int = 256) -> Money | None:
        with self.journal.transaction() as database:
            return spending.learned_price(database, WALLET, settings_key({"resolution": resolution}))

    def spent(self, at: float = 1000.0) -> float:
        with self.journal.transaction() as database:
            return spending.spent_today(database, WALLET, NOON + at)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path)
    yield ledger
    ledger.journal.close()


def test_the_balance_before_and_after_a_single_job_tells_its_price(ledger: Ledger) -> None:
    assert ledger.balance(0, 43.60) == []
    job = ledger.run(1, 40)
    assert [(each.job_id, each.money) for each in ledger.balance(41, 43.55)] == [(job.id, Money(0.05, "USD"))]
    assert ledger.balance(42, 43.55) == [], "it is told once"
    assert ledger.price() is None, "one job is not enough"


def test_the_median_of_three_single_jobs_is_the_price_of_these_settings(ledger: Ledger) -> None:
    ledger.balance(0, 43.60)
    for number, amount in enumerate((43.55, 43.50, 43.30)):  # something else was bought during the last one
        ledger.run(10 + 50 * number, 50 + 50 * number)
        ledger.balance(51 + 50 * number, amount)
    assert ledger.price() == Money(0.05, "USD")
    assert ledger.price(resolution=512) is None


@pytest.mark.parametrize("start", [-20.0, 10.0, 39.0])
def test_a_job_of_any_blender_that_ran_in_between_makes_it_unknown(ledger: Ledger, start: float) -> None:
    ledger.balance(0, 43.60)
    ledger.run(1, 40)
    ledger.run(start, start + 35)
    assert ledger.balance(80, 43.50) == []


def test_a_job_that_never_got_done_may_be_charged_meanwhile(ledger: Ledger) -> None:
    ledger.sent(ledger.reserve(), -60)
    ledger.balance(0, 43.60)
    ledger.run(1, 40)
    assert ledger.balance(41, 43.50) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Money(43.60, "USD"), Money(43.60, "USD")),
        (Money(0.0, "USD"), Money(0.0, "USD")),
        (Money(43.60, "USD"), Money(53.55, "USD")),
        (Money(43.60, "USD"), Money(40.10, "EUR")),
    ],
    ids=["unchanged", "subscriber", "top-up", "another currency"],
)
def test_a_balance_that_did_not_fall_in_its_currency_tells_nothing(ledger: Ledger, before: Money, after: Money) -> None:
    ledger.balance(0, *before)
    ledger.run(1, 40)
    assert ledger.balance(41, *after) == []


def test_a_balance_that_was_not_asked_close_enough_tells_nothing(ledger: Ledger) -> None:
    ledger.balance(0, 43.60)
    ledger.run(spending.CLOSE + 1, spending.CLOSE + 40)
    assert ledger.balance(spending.CLOSE + 41, 43.55) == []
    ledger.run(1000, 1040)  # no balance from before at all
    assert ledger.balance(1041, 43.50) == []


def test_the_balance_of_another_key_tells_nothing(ledger: Ledger) -> None:
    other = wallet_of(("MODELSLAB", "https://modelslab.com/api/v6"), "another key")
    ledger.balance(0, 43.60)
    ledger.run(1, 40)
    assert ledger.balance(41, 43.55, wallet=other) == []
    assert "nobody" not in WALLET


def test_the_learned_price_counts_before_the_services_own(ledger: Ledger) -> None:
    with ledger.journal.transaction() as database:
        spending.set_list_price(database, WALLET, Money(0.08, "USD"))
    assert ledger.price() == Money(0.08, "USD")
    learn(ledger)
    assert ledger.price() == Money(0.05, "USD")
    assert ledger.price(resolution=512) == Money(0.08, "USD")
    with ledger.journal.transaction() as database:
        key = (WALLET, settings_key({"resolution": 256}))
        assert spending.learned_prices(database) == {key: Money(0.05, "USD"), (WALLET, ""): Money(0.08, "USD")}


def learn(ledger: Ledger) -> None:
    """Three jobs at $0.05 each."""
    ledger.balance(0, 43.60)
    for number in range(3):
        ledger.run(10 + 50 * number, 50 + 50 * number)
        ledger.balance(51 + 50 * number, 43.55 - 0.05 * number)


def test_jobs_that_run_count_toward_the_daily_limit_with_the_learned_price(ledger: Ledger) -> None:
    learn(ledger)
    assert ledger.spent() == 0.15
    reserved = ledger.reserve(limit=0.25)
    assert ledger.spent() == 0.20
    ledger.sent(ledger.reserve(limit=0.25), 300)
    with pytest.raises(SpendingLimitError, match=r"The daily limit of \$0\.25 is reached\. New jobs start tomorrow"):
        ledger.reserve(limit=0.25)
    ledger.journal.write(replace(reserved, state=State.CANCELLED))
    ledger.reserve(limit=0.25)


def test_without_a_known_price_what_the_balance_fell_by_counts(ledger: Ledger) -> None:
    ledger.balance(0, 10.0)
    for start in (1.0, 2.0):  # at the same time: no price can be learned
        ledger.sent(ledger.reserve(limit=1.0), start)
    ledger.balance(50, 9.4)
    ledger.balance(60, 30.0)  # a top-up
    ledger.balance(70, 29.5)
    assert ledger.spent() == 1.1
    with pytest.raises(SpendingLimitError):
        ledger.reserve(limit=1.0)
    ledger.reserve(limit=1.2)


def test_what_was_spent_yesterday_does_not_count(ledger: Ledger) -> None:
    day = 86400.0
    ledger.balance(-day, 43.60)
    ledger.run(10 - day, 50 - day)
    ledger.balance(51 - day, 43.00)
    ledger.balance(0, 40.00)
    assert ledger.spent() == 0.0
    ledger.reserve(limit=0.01)


def test_a_job_that_is_queued_again_is_counted_once(ledger: Ledger) -> None:
    learn(ledger)
    job = ledger.reserve()
    for _ in range(3):
        with ledger.journal.transaction() as database:
            spending.reserve(database, WALLET, job, 0.20)
    assert ledger.spent() == 0.20


def test_a_request_that_is_sent_again_is_counted_twice(ledger: Ledger) -> None:
    learn(ledger)
    job = ledger.sent(ledger.reserve(), 300)
    again = replace(job.to_submit_again(), state=State.PREPARING)
    with ledger.journal.transaction() as database:
        spending.reserve(database, WALLET, again, None)
    ledger.sent(again, 400)
    assert ledger.spent() == 0.25
