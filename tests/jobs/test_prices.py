# SPDX-License-Identifier: GPL-3.0-or-later
"""Prices are learned while jobs run, and a daily limit holds new jobs. No job waits for a balance, or fails by it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from image_to_3d.api.money import Money
from image_to_3d.jobs import balance_watch
from image_to_3d.jobs.batch_request import BatchImage, BatchRequest
from image_to_3d.jobs.forecast import BalanceRead, Forecast, Knowledge, Learned
from image_to_3d.jobs.job import Job, State
from image_to_3d.jobs.queue import Queue
from image_to_3d.jobs.serialization import read_job_file
from queues import KEY, a_config, a_request, an_image, rest, until
from scripted_service import Reply, Request, ScriptedService, answers, html, resets, to_json


@pytest.fixture(autouse=True)
def prompt_balances(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(balance_watch, "INTERVAL", 0.0)


@pytest.fixture
def service(service: ScriptedService) -> ScriptedService:
    """Each model costs $0.05."""
    service.price = 0.05
    return service


def learn(queue: Queue, knowledge: Knowledge) -> list[Money]:
    """Add what the queue has learned since. Returns the balances that it has read."""
    balances = []
    while not queue.events.empty():
        match queue.events.get():
            case Learned() as learned:
                knowledge.add(learned)
            case BalanceRead(_, money, _):
                balances.append(money)
    return balances


def forecast(queue: Queue, knowledge: Knowledge, job: Job, count: int = 1) -> Forecast:
    wallet = queue._clients.config.wallet(job.account)
    return knowledge.forecast(job.account, wallet, job.parameters, count, at_once=5)


def run_alone(queue: Queue, service: ScriptedService, number: int = 0) -> Job:
    """Run one job whose image takes longer to send than the balance to read, until no balance is read any more."""

    def slow(request: Request) -> Reply:
        until(lambda: all_read(queue))
        return service._upload(request)

    service.next("upload", slow)
    job = queue.add(a_request(number))
    rest(queue)
    until(lambda: all_read(queue))
    done = queue.job(job.id)
    assert done is not None
    return done


def all_read(*queues: Queue) -> bool:
    return not any(queue.reads_balance() for queue in queues)


def three_jobs(queue: Queue, service: ScriptedService) -> None:
    assert [run_alone(queue, service, number).price for number in range(3)] == [0.05] * 3


def held(queue: Queue) -> str:
    return str(queue.held())


def test_after_three_single_jobs_price_and_time_are_known_also_after_a_restart(
    make_queue: Callable[..., Queue], service: ScriptedService
) -> None:
    queue, knowledge = make_queue(), Knowledge()
    first = run_alone(queue, service)
    assert (first.price, first.currency) == (0.05, "USD")
    until(lambda: read_job_file(first.folder)[0].price == 0.05)
    learn(queue, knowledge)
    assert forecast(queue, knowledge, first) == Forecast()
    run_alone(queue, service, 1)
    run_alone(queue, service, 2)
    assert learn(queue, knowledge)[-1] == Money(43.45, "USD")
    expected = forecast(queue, knowledge, first)
    assert expected.money == Money(0.05, "USD")
    assert expected.seconds is not None
    assert 0 < expected.seconds < 60
    seven = forecast(queue, knowledge, first, 7)
    assert (str(seven.money), seven.seconds) == ("$0.35", 2 * expected.seconds), "five at once"
    queue.stop()
    restarted, remembered = make_queue(), Knowledge()
    restarted.adopt()
    until(lambda: restarted.running() == 0 and not restarted.events.empty())
    learn(restarted, remembered)
    assert forecast(restarted, remembered, first) == expected


def test_jobs_that_run_together_teach_no_price(queue: Queue, service: ScriptedService) -> None:
    for number in range(4):
        queue.add(a_request(number))
    rest(queue)
    until(lambda: all_read(queue))
    assert [job.price for job in queue.jobs()] == [0.0] * 4


def test_a_job_of_another_blender_in_between_teaches_no_price(
    make_queue: Callable[..., Queue], service: ScriptedService
) -> None:
    first, second = make_queue(), make_queue()
    service.polls_until_done = 1000
    job = first.add(a_request(0))
    until(lambda: len(service.submits) == 1)
    second.add(a_request(1))
    until(lambda: len(service.submits) == 2)
    service.polls_until_done = 0
    rest(second)
    rest(first)
    until(lambda: all_read(first, second))
    assert first.job(job.id).price == 0.0  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "reply",
    [
        answers(html(502)),
        answers(to_json({"status": "error", "message": "Not found"}, 404)),
        answers(to_json({"status": "success", "data": {}})),
        resets,
    ],
    ids=["502", "404", "no number", "reset"],
)
def test_a_balance_that_cant_be_read_neither_fails_nor_delays_a_job(
    queue: Queue, service: ScriptedService, reply: Any
) -> None:
    service.next("balance", *[reply] * 20)
    jobs = [run_alone(queue, service, number) for number in range(2)]
    assert [(job.state, job.price, job.error) for job in jobs] == [(State.READY, 0.0, None)] * 2


def test_a_balance_that_never_arrives_does_not_delay_a_job(queue: Queue, service: ScriptedService) -> None:
    def stalls(_request: Any) -> None:
        until(lambda: len(service.submits) == 1 and queue.jobs()[0].state is State.READY, 20)

    service.next("balance", stalls)
    queue.add(a_request())
    assert [job.state for job in rest(queue, 20)] == [State.READY]


def test_the_services_own_price_is_used_and_the_key_in_its_url_is_in_no_log(
    queue: Queue, service: ScriptedService, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    model = {"model_id": "image-to-3d", "price": 0.08, "currency": "USD"}
    service.next(
        "price", answers(to_json({"message": f"no such page, {KEY}"}, 404)), answers(to_json({"data": [model]}))
    )
    job, knowledge = run_alone(queue, service), Knowledge()
    learn(queue, knowledge)
    assert [path for what, path, *_ in service.requests if what == "price"] == [
        f"/api/v7/models?key={KEY}",
        f"/api/v6/model-search?key={KEY}",
    ]
    assert forecast(queue, knowledge, job).money == Money(0.08, "USD")
    assert KEY not in caplog.text


@pytest.mark.parametrize("reply", [resets, answers((302, {"Location": "http://127.0.0.1:9/"}, b""))])
def test_a_price_list_that_cant_be_read_shows_the_key_nowhere(
    queue: Queue, service: ScriptedService, caplog: pytest.LogCaptureFixture, reply: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    service.next("price", reply, reply)
    job = run_alone(queue, service)
    assert (job.state, job.price) == (State.READY, 0.05)
    assert service.count("price") == 1
    assert "list of prices can't be read" in caplog.text
    assert KEY not in caplog.text


def a_batch(queue: Queue, folder: Path, count: int) -> None:
    folder.mkdir()
    for number in range(count):
        (folder / f"chair {number}.png").write_bytes(an_image(number))
    images = [BatchImage(folder / f"chair {number}.png") for number in range(count)]
    queue.add_batch(BatchRequest(images, report=False))


def test_the_daily_limit_holds_the_rest_of_a_batch_until_it_is_raised(
    make_queue: Callable[..., Queue], service: ScriptedService, tmp_path: Path
) -> None:
    queue = make_queue(daily_limit=0.31)
    three_jobs(queue, service)
    a_batch(queue, tmp_path / "chairs", 6)
    until(lambda: held(queue) != "" and queue.is_idle() and len(service.submits) == 6)
    assert held(queue) == "The daily limit of $0.31 is reached. New jobs start tomorrow."
    until(lambda: [job.state for job in queue.jobs()].count(State.READY) == 6, 30)
    waiting = [job for job in queue.jobs() if job.state is State.QUEUED]
    assert len(waiting) == 3
    assert any(str(job.note) == held(queue) for job in waiting)
    queue.cancel(waiting[0].id)
    assert queue.job(waiting[0].id).state is State.CANCELLED  # type: ignore[union-attr]
    queue.configure(queue._clients.config._replace(daily_limit=0.36))
    until(lambda: len(service.submits) == 7)
    until(lambda: held(queue) != "" and queue.is_idle())
    queue.configure(queue._clients.config._replace(daily_limit=None))
    until(lambda: not any(job.running for job in queue.jobs()))
    assert held(queue) == ""
    assert len(service.submits) == 8
    assert all(not job.note for job in queue.jobs() if job.state is State.READY)


def test_two_blenders_share_the_daily_limit(make_queue: Callable[..., Queue], service: ScriptedService) -> None:
    first = make_queue(daily_limit=0.30)
    three_jobs(first, service)
    second = make_queue(daily_limit=0.30)
    for number in range(4):
        first.add(a_request(10 + number))
        second.add(a_request(20 + number))
    until(lambda: held(first) != "" and held(second) != "" and first.is_idle() and second.is_idle())
    until(lambda: sum(job.state is State.READY for job in (*first.jobs(), *second.jobs())) == 6, 30)
    assert len(service.submits) == 6


def test_with_unknown_prices_the_limit_counts_by_how_much_the_balance_fell(
    make_queue: Callable[..., Queue], service: ScriptedService
) -> None:
    service.currency = "EUR"
    queue = make_queue(daily_limit=0.10)
    jobs = [run_alone(queue, service, number) for number in range(2)]
    assert [job.state for job in jobs] == [State.READY] * 2
    queue.add(a_request(2))
    until(lambda: held(queue) != "")
    assert held(queue) == "The daily limit of €0.10 is reached. New jobs start tomorrow."
    assert len(service.submits) == 2


def test_a_limit_at_one_service_holds_no_job_at_another(
    make_queue: Callable[..., Queue], service: ScriptedService, tmp_path: Path
) -> None:
    queue = make_queue(daily_limit=0.15)
    three_jobs(queue, service)
    queue.add(a_request(3))
    until(lambda: held(queue) != "")
    other = ScriptedService()
    try:
        queue.configure(a_config(tmp_path, other.base_url, daily_limit=0.15))
        job = queue.add(a_request(4))
        until(lambda: queue.job(job.id).state is State.READY)  # type: ignore[union-attr]
        assert (len(service.submits), len(other.submits)) == (3, 1)
    finally:
        other.close()
