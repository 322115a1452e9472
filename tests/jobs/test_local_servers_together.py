# SPDX-License-Identifier: GPL-3.0-or-later
"""Local servers and everything else: several Blenders, changed settings, proxies, secrets, large models."""

from __future__ import annotations

import logging
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from dialect_servers import Lemonade, answer_json, running
from image_to_3d.errors import OnlineAccessError, ParameterError
from image_to_3d.jobs.job import State
from image_to_3d.jobs.queue import Queue
from image_to_3d.worker.worker_process import WorkerProcess
from local_jobs import MODEL, local, notes, now, until_asked
from loopback_services import Loopback
from queues import Borrowed, a_config, a_queue, a_request, rest, until
from raw_server import RawServer
from slow_local_server import Machine, machine
from systems import needs_posix
from victim import kept_jobs

pytestmark = pytest.mark.heavy

PROCESS = Path(__file__).parents[1] / "support" / "local_queue_process.py"
TOKEN = "token-that-nobody-may-see"


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no signals")
def test_a_job_whose_blender_was_killed_is_made_by_the_next_one(tmp_path: Path, slow: Machine) -> None:
    command = [sys.executable, str(PROCESS), str(tmp_path), slow.address]
    blender = subprocess.Popen([*command, "2"])
    until_asked(slow)
    time.sleep(1.5)  # the second one is ready, too
    blender.kill()
    blender.wait(10)
    until(lambda: slow.server.left == 1)  # the bridge ends with its Blender
    slow.server.seconds = 0.3
    assert subprocess.run([*command, "0"], timeout=90, check=False).returncode == 0
    jobs = kept_jobs(tmp_path)
    assert [job.state for job in jobs] == [State.READY] * 2
    assert len(slow.server.received) == 3
    assert [note for job in jobs for note in notes(job)] == [
        "The connection to the server was lost, so the image was sent again."
    ]


def test_quitting_blender_while_a_model_is_made_counts_as_no_loss(
    tmp_path: Path, worker: WorkerProcess, slow: Machine
) -> None:
    for quits in range(4):
        services = Loopback(tmp_path / "services")
        queue = a_queue(tmp_path, "", Borrowed(worker), loopback=services, **local(slow.address))
        if quits == 0:
            queue.add(a_request())
        queue.adopt()
        if quits == 3:
            slow.server.seconds = 0.0
            until(lambda queue=queue: [job.state for job in queue.jobs()] == [State.READY])  # type: ignore[misc]
            (job,) = queue.jobs()
        else:
            until_asked(slow, quits + 1)
        queue.stop()
        services.stop()
        until(lambda: slow.server.at_once == 0)
    assert notes(job) == []
    assert len(slow.server.received) == 4


def test_a_job_that_is_continued_after_days_is_sent_again(tmp_path: Path, worker: WorkerProcess, slow: Machine) -> None:
    for start in range(2):
        services = Loopback(tmp_path / "services")
        queue = a_queue(tmp_path, "", Borrowed(worker), loopback=services, **local(slow.address))
        if start == 0:
            queue.add(a_request())
            until_asked(slow)
        else:
            queue.adopt()
            until(lambda queue=queue: [job.state for job in queue.jobs()] == [State.READY])  # type: ignore[misc]
        queue.stop()
        services.stop()
        slow.server.seconds = 0.0
        for name in ("jobs", "uploads", "results"):  # what is a day old is deleted
            shutil.rmtree(tmp_path / "services" / "local" / name)
    assert len(slow.server.received) == 2


def test_two_blenders_at_one_server_take_turns(tmp_path: Path, worker: WorkerProcess) -> None:
    services = [Loopback(tmp_path / "services") for _ in range(2)]
    with machine(MODEL, seconds=0.3) as server:
        queues = [a_queue(tmp_path, "", Borrowed(worker), loopback=each, **local(server.address)) for each in services]
        try:
            for number in range(4):
                for queue in queues:
                    queue.add(a_request(number))
            jobs = [job for queue in queues for job in rest(queue)]
        finally:
            for queue in queues:
                queue.stop()
            for each in services:
                each.stop()
    assert [job.state for job in jobs] == [State.READY] * 8
    assert len(server.server.received) == 8
    assert server.server.most_at_once == 1


def test_a_running_job_goes_on_when_the_settings_change_and_the_next_uses_them(
    make_local_queue: Callable[..., Queue],
    slow: Machine,
    tmp_path: Path,
) -> None:
    queue = make_local_queue(slow.address, model="old")
    running_job = queue.add(a_request(1))
    until_asked(slow)
    waiting_job = queue.add(a_request(2))
    until(lambda: now(queue, waiting_job).state is State.WAITING)
    with machine(MODEL) as other:
        queue.configure(a_config(tmp_path, "", **local(other.address, model="new")))
        next_job = queue.add(a_request(3))
        time.sleep(1.0)
        slow.server.seconds = 0.0
        until(lambda: now(queue, running_job).state is State.READY)
        until(lambda: now(queue, next_job).state is State.READY)
        assert [request.json["model"] for request in other.server.received] == ["new"]
    # One that was not begun waits for its server, and is made when that is set again.
    assert "belongs to another server" in str(now(queue, waiting_job).note)
    queue.configure(a_config(tmp_path, "", **local(slow.address, model="newest")))
    until(lambda: now(queue, waiting_job).state is State.READY)
    assert [request.json["model"] for request in slow.server.received] == ["old", "newest"]


def test_a_token_is_sent_to_the_server_and_kept_nowhere(
    make_local_queue: Callable[..., Queue],
    slow: Machine,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    slow.server.seconds = 0.5
    queue = make_local_queue(slow.address, token=TOKEN)
    job = queue.add(a_request())
    until_asked(slow)
    listed = subprocess.run(["ps", "axeww"], capture_output=True, check=False).stdout  # arguments and environments
    until(lambda: now(queue, job).state is State.READY)
    slow.server.faults.append(
        lambda handler: answer_json(handler, 401, {"error": f"{handler.headers['Authorization']} is wrong"})
    )
    refused = queue.add(a_request(1))
    until(lambda: now(queue, refused).state is State.FAILED)
    queue.stop()
    assert [request.headers["Authorization"] for request in slow.server.received] == [f"Bearer {TOKEN}"] * 2
    assert "token" in str(now(queue, refused).error)
    assert TOKEN not in str(now(queue, refused))
    assert TOKEN not in caplog.text
    assert TOKEN.encode() not in listed
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        assert TOKEN.encode() not in path.read_bytes(), path


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[RawServer]:
    """A proxy that everything in the environment points to."""
    with RawServer(lambda connection: connection.answer(b"no", "502 Bad Gateway")) as server:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, server.url)
            monkeypatch.setenv(name.upper(), server.url)
            monkeypatch.delenv("no_proxy", raising=False)
            monkeypatch.delenv("NO_PROXY", raising=False)
        yield server


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_local_job_uses_no_proxy(tmp_path: Path, worker: WorkerProcess, proxy: RawServer, host: str) -> None:
    services = Loopback(tmp_path / "services")  # with this environment
    with running(Lemonade(MODEL)) as address:
        there = address.replace("127.0.0.1", host)
        queue = a_queue(tmp_path, "", Borrowed(worker), loopback=services, **local(there), online=False)
        try:
            queue.add(a_request())
            (job,) = rest(queue)
        finally:
            queue.stop()
            services.stop()
    assert job.state is State.READY, job.error
    assert proxy.connections == 0


def test_a_server_on_another_machine_needs_online_access(
    tmp_path: Path, make_local_queue: Callable[..., Queue]
) -> None:
    address = "http://192.168.1.20:8080"
    queue = make_local_queue(address)
    queue.configure(a_config(tmp_path, "", **local(address), online=False))
    with pytest.raises(OnlineAccessError):
        queue.add(a_request())
    config = a_config(tmp_path, "", **local(address), online=True)
    assert config.require_ready() == address  # nothing is sent


@needs_posix  # Windows reaches no server at this address
def test_a_model_on_another_machine_stops_while_online_access_is_disabled(
    make_local_queue: Callable[..., Queue], slow: Machine, tmp_path: Path
) -> None:
    address = slow.address.replace("127.0.0.1", "0.0.0.0")  # which is this computer, but no loopback address
    queue = make_local_queue(address)
    job = queue.add(a_request())
    until_asked(slow)
    queue.configure(a_config(tmp_path, "", **local(address), online=False))
    until(lambda: slow.server.left == 1)
    time.sleep(1.0)
    assert len(slow.server.received) == 1
    assert str(now(queue, job).note) == "Online access is disabled."
    slow.server.seconds = 0.0
    queue.configure(a_config(tmp_path, "", **local(address), online=True))
    until(lambda: now(queue, job).state is State.READY)
    assert notes(now(queue, job)) == []


@pytest.mark.parametrize("address", ["http://artist:secret@127.0.0.1:8080", "artist:secret@127.0.0.1"])
def test_an_address_with_a_password_is_refused_and_not_repeated(tmp_path: Path, address: str) -> None:
    with pytest.raises(ParameterError) as refused:
        a_config(tmp_path, "", **local(address)).require_ready()
    assert "secret" not in str(refused.value)


@dataclass
class BelowPath(Lemonade):
    """Behind a web server that has it below a path."""

    def get(self, handler: BaseHTTPRequestHandler) -> None:
        handler.path = handler.path.removeprefix("/gpu")
        super().get(handler)

    def post(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        assert handler.path.startswith("/gpu/")
        handler.path = handler.path.removeprefix("/gpu")
        super().post(handler, body)


def test_an_address_can_have_a_path(make_local_queue: Callable[..., Queue]) -> None:
    with running(BelowPath(MODEL)) as address:
        queue = make_local_queue(f"{address}/gpu")
        queue.add(a_request())
        (job,) = rest(queue)
    assert job.state is State.READY, job.error
