# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection that was not made is never taken for one, and every wait for the network ends soon, on every system.

What other systems do differently is imitated on real sockets: a connect that fails at once, a `shutdown` that wakes
nobody, Windows' error numbers.
"""

from __future__ import annotations

import errno
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import model_files
import pytest
import requests.utils
from image_to_3d.api.client import Client
from image_to_3d.api.download import download
from image_to_3d.api.http import socket_errors
from image_to_3d.api.http.urls import address_filter
from image_to_3d.control import Control
from image_to_3d.errors import CancelledError, ConnectionFailedError, ImageTo3DError, OutcomeUnknownError
from raw_server import CERTIFICATE, Connection, RawServer

KEY = "kA93jfQz7LmTb0XvSecret"
IMAGE = {"image": "https://files.example/chair.png"}
REPLY = json.dumps({"status": "processing", "id": 5}).encode()
WAIT = 20.0
"""The client's timeouts in seconds: a test that takes as long has failed."""
SOON = 3.0

Names = Callable[..., None]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """Sets what the name server answers from now on: `names(service_example=["127.0.0.1"])`."""
    real, answers = socket.getaddrinfo, dict[str, list[str]]()

    def resolve(host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
        found = answers.get(host, [host])
        return [entry for address in found for entry in real(address, port, *arguments, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return lambda **new: answers.update({name.replace("_", "."): found for name, found in new.items()})


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Addresses at which a connect fails at once with an error number, while SO_ERROR stays 0."""
    codes: dict[str, int] = {}
    real = socket.socket.connect_ex

    def connect_ex(self: socket.socket, address: Any) -> int:
        return codes.get(address[0]) or real(self, address)

    monkeypatch.setattr(socket.socket, "connect_ex", connect_ex)
    return codes


@pytest.fixture
def server() -> Iterator[RawServer]:
    with RawServer(lambda c: c.answer(REPLY)) as server:
        yield server


def a_client(url: str, read: float = WAIT) -> Client:
    return Client(f"{url}/api/v6", KEY, timeouts=(WAIT, read))


AT_ONCE = [errno.ENETUNREACH, errno.ECONNREFUSED, errno.EADDRNOTAVAIL, errno.EACCES, 10013, 10049]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("code", AT_ONCE)
def test_a_connect_that_fails_at_once_has_sent_nothing(
    server: RawServer, failing: dict[str, int], scheme: str, code: int
) -> None:
    failing["127.0.0.1"] = code
    with pytest.raises(ConnectionFailedError, match="can't be reached") as raised:
        a_client(server.url.replace("http", scheme)).submit(IMAGE)
    assert raised.value.transient
    assert "Unknown error" not in str(raised.value)
    assert server.connections == 0


@pytest.mark.parametrize("code", AT_ONCE)
def test_the_next_address_is_tried_when_the_first_fails_at_once(
    server: RawServer, failing: dict[str, int], names: Names, code: int
) -> None:
    failing["127.0.0.2"] = code
    names(service_example=["127.0.0.2", "127.0.0.1"])
    assert a_client(f"http://service.example:{server.port}").submit(IMAGE).id == "5"


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_a_connection_that_was_never_made_has_sent_nothing_even_if_the_system_reports_no_error(
    names: Names, tls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket.socket, "connect_ex", lambda *_: 0)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))
    with RawServer(lambda c: c.answer(REPLY), tls=CERTIFICATE if tls else None) as server:
        with pytest.raises(ConnectionFailedError):
            a_client(server.url).submit(IMAGE)
        assert server.connections == 0


def test_a_connection_that_breaks_before_the_first_byte_has_sent_nothing(
    server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def send(*_: Any) -> int:
        raise ConnectionResetError(errno.ECONNRESET, "reset")

    monkeypatch.setattr(socket.socket, "send", send)
    monkeypatch.setattr(socket.socket, "sendall", send)
    with pytest.raises(ConnectionFailedError, match="before anything was sent"):
        a_client(server.url, read=0.5).submit(IMAGE)


def test_a_connection_that_breaks_after_the_first_byte_may_have_sent_the_request(
    server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, sent = socket.socket.send, list[int]()

    def send(self: socket.socket, data: Any, *flags: int) -> int:
        if not data or threading.current_thread() is not threading.main_thread():
            return real(self, data, *flags)
        if sent:
            raise ConnectionResetError(errno.ECONNRESET, "reset")
        sent.append(real(self, bytes(data[:1])))
        return sent[0]

    monkeypatch.setattr(socket.socket, "send", send)
    with pytest.raises(OutcomeUnknownError):
        a_client(server.url, read=0.5).submit(IMAGE)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (10013, "a firewall or virus scanner forbids it"),
        (10049, "its address can't be reached from this computer"),
        (10050, "the network is down"),
        (10051, "the network is unreachable"),
        (10053, "the connection was closed"),
        (10054, "the connection was closed"),
        (10060, "it did not answer"),
        (10061, "it refuses the connection"),
        (10065, "there is no route to it"),
        (11001, "its name can't be resolved"),
    ],
)
def test_windows_error_numbers_have_plain_words(code: int, words: str) -> None:
    assert socket_errors.reason_of(OSError(code, "")) == words


def test_another_error_number_has_the_systems_words() -> None:
    assert socket_errors.reason_of(OSError(errno.EMFILE, "")) == "Too many open files"


# Waits

STALLS: dict[str, Callable[[Connection], object]] = {
    "before the reply": lambda c: c.stall(),
    "in the headers": lambda c: (c.send(b"HTTP/1.1 200 OK\r\nContent-"), c.stall()),
    "in the body": lambda c: (c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), c.stall()),
}


@pytest.fixture
def shutdown_wakes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, where it does not end a `recv` that waits in another thread."""
    monkeypatch.setattr(socket.socket, "shutdown", lambda *_: None)


def cancelled_after(seconds: float) -> Control:
    end = time.monotonic() + seconds
    return Control(lambda: time.monotonic() > end)


@pytest.mark.usefixtures("shutdown_wakes_nobody")
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("stall", STALLS.values(), ids=STALLS)
def test_cancel_is_quick_where_nobody_can_wake_a_waiting_thread(
    stall: Callable[[Connection], None], tls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))
    with RawServer(stall, tls=CERTIFICATE if tls else None) as server:
        started = time.monotonic()
        with pytest.raises(CancelledError):
            a_client(server.url).fetch("5", control=cancelled_after(0.3))
        assert time.monotonic() - started < SOON


@pytest.mark.usefixtures("shutdown_wakes_nobody")
def test_cancel_is_quick_while_tls_is_set_up() -> None:
    with RawServer(lambda c: c.stall(), read=False) as server:
        started = time.monotonic()
        with pytest.raises(CancelledError):
            a_client(server.url.replace("http", "https")).fetch("5", control=cancelled_after(0.3))
        assert time.monotonic() - started < SOON


@pytest.mark.usefixtures("shutdown_wakes_nobody")
def test_cancel_is_quick_while_the_service_does_not_take_the_image() -> None:
    with RawServer(lambda c: c.stall(), read=False) as server:
        started = time.monotonic()
        with pytest.raises(CancelledError):
            a_client(server.url).upload(b"x" * 3_700_000, "image/png", cancelled_after(0.3))
        assert time.monotonic() - started < SOON


@pytest.mark.usefixtures("shutdown_wakes_nobody")
def test_cancel_is_quick_while_a_file_is_downloaded(tmp_path: Path) -> None:
    model = model_files.glb(20_000)

    def half(connection: Connection) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(model) + model[: len(model) // 2])
        connection.stall()

    with RawServer(half) as server:
        started = time.monotonic()
        with pytest.raises(CancelledError):
            download(
                [server.url], tmp_path / "model.glb", format="glb", control=cancelled_after(0.3),
                service_origin=server.url, stall=WAIT,
            )  # fmt: skip
        assert time.monotonic() - started < SOON


@pytest.mark.usefixtures("shutdown_wakes_nobody")
def test_closing_the_client_is_quick_where_nobody_can_wake_a_waiting_thread() -> None:
    with RawServer(lambda c: c.stall()) as server:
        client, errors = a_client(server.url), list[ImageTo3DError]()

        def submit() -> None:
            try:
                client.submit(IMAGE)
            except ImageTo3DError as error:
                errors.append(error)

        thread = threading.Thread(target=submit)
        thread.start()
        while not server.requests:
            time.sleep(0.01)
        client.close()
        thread.join(SOON)
        assert not thread.is_alive()
    assert isinstance(errors[0], OutcomeUnknownError)


def test_cancel_is_quick_while_a_name_is_looked_up_behind_a_proxy(
    server: RawServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def slow(host: Any, *arguments: Any, **options: Any) -> Any:
        if host == "files.example":
            time.sleep(5)
        return real(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    monkeypatch.setenv("http_proxy", server.url)
    started = time.monotonic()
    with pytest.raises(CancelledError):
        download(["http://files.example/x"], tmp_path / "x.glb", format="glb", control=cancelled_after(0.3))
    assert time.monotonic() - started < SOON


def test_cancel_is_quick_while_the_system_looks_up_whether_a_proxy_is_used(
    server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on macOS, whose exceptions from the proxy can be networks."""

    def slow(_host: str) -> bool:
        time.sleep(5)
        return True

    monkeypatch.setattr(requests.utils, "proxy_bypass", slow)
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.delenv("no_proxy", raising=False)
    started = time.monotonic()
    with pytest.raises(CancelledError):
        a_client("http://service.example").fetch("5", control=cancelled_after(0.3))
    assert time.monotonic() - started < SOON


# The address filter


def test_the_address_that_counts_is_the_one_requests_went_to_and_not_what_dns_says_next(
    server: RawServer, names: Names
) -> None:
    names(service_example=["127.0.0.1"])
    client = a_client(f"http://service.example:{server.port}")
    client.fetch("5")
    names(service_example=["8.8.8.8"])
    assert client.peer() == "127.0.0.1"
    assert address_filter(client.origin, client.peer)("files.example", "127.0.0.1")


def test_a_public_service_gains_nothing_by_giving_its_own_name_a_private_address(names: Names) -> None:
    names(service_example=["192.168.1.1"])
    allowed = address_filter("https://service.example", lambda: "8.8.8.8")
    assert not allowed("service.example", "192.168.1.1")
    assert not allowed("service.example", "127.0.0.1")
    assert allowed("files.example", "9.9.9.9")


def test_after_a_restart_the_address_is_found_by_connecting_without_sending(names: Names) -> None:
    names(service_example=["127.0.0.1"])
    with RawServer(lambda c: c.answer(REPLY)) as server:
        client = a_client(f"http://service.example:{server.port}")
        assert client.peer() == "127.0.0.1"
        assert server.requests == []


def test_placeholder_addresses_of_a_vpn_pass_where_the_service_has_one_too() -> None:
    allowed = address_filter("https://service.example", lambda: "198.18.0.5")
    assert allowed("files.example", "198.18.0.9")
    assert not allowed("files.example", "192.168.1.1")
    assert not address_filter("https://service.example", lambda: "8.8.8.8")("files.example", "198.18.0.9")
