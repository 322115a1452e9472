# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever happens on the wire, the client ends soon with an error that says whether a job may have been paid."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_to_3d.api.client import Client
from image_to_3d.control import Control
from image_to_3d.errors import (
    CancelledError,
    CertificateError,
    ConnectionFailedError,
    ConnectionLostError,
    ImageTo3DError,
    OutcomeUnknownError,
    ServiceBrokenError,
)
from raw_server import CERTIFICATE, FOREIGN_CERTIFICATE, Connection, RawServer, nobody_there

KEY = "kA93jfQz7LmTb0XvSecret"
IMAGE = {"image": "https://files.example/chair.png"}
OK = b"HTTP/1.1 200 OK\r\n"
REPLY = json.dumps({"status": "processing", "id": 5}).encode()

Fault = Callable[[Connection], None]


def impatient(url: str) -> Client:
    return Client(f"{url}/api/v6", KEY, timeouts=(5, 0.25))


def patient(url: str) -> Client:
    """For what must succeed however busy the machine is."""
    return Client(f"{url}/api/v6", KEY, timeouts=(30, 30))


def send(data: bytes) -> Fault:
    return lambda connection: connection.send(data)


def endless(start: bytes, more: bytes) -> Fault:
    def flood(connection: Connection) -> None:
        connection.send(start)
        while True:
            connection.send(more * 200)

    return flood


BROKEN_ANSWERS: dict[str, Fault] = {
    "closed without an answer": lambda c: None,
    "reset": lambda c: c.reset(),
    "silence": lambda c: c.stall(),
    "silence after the headers": lambda c: (c.send(OK + b"Content-Length: 9\r\n\r\n"), c.stall())[1],
    "silence in the body": lambda c: (c.send(OK + b"Content-Length: 99\r\n\r\n" + REPLY), c.stall())[1],
    "reset in the body": lambda c: (c.send(OK + b"Content-Length: 999\r\n\r\n{"), time.sleep(0.05), c.reset())[2],
    "headers byte by byte": lambda c: c.drip(OK + b"X-Header: 1\r\n" * 1000, 0.05),
    "body byte by byte": lambda c: (c.send(OK + b"Content-Length: 9999\r\n\r\n"), c.drip(b" " * 9999, 0.05))[1],
    "status line byte by byte": lambda c: c.drip(b"HTTP/1.1 200 " + b"O" * 5000, 0.05),
    "no http at all": send(b"220 smtp.example ESMTP\r\n"),
    "bytes": send(bytes(range(256)) * 10),
    "a status of letters": send(b"HTTP/1.1 OK 200\r\n\r\n"),
    "half a status line": send(b"HTTP/1."),
    "half the headers": send(OK + b"Content-Le"),
    "too many headers": send(OK + b"".join(b"X-%d: 1\r\n" % i for i in range(500)) + b"\r\n"),
    "a header without end": endless(OK + b"X: ", b"x" * 1000),
    "continue without end": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "chunks of no length": send(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
    "a chunk of negative length": endless(OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", b" " * 1000),
    "a chunk length without end": endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1" * 1000),
    "chunks that stop": send(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{\"st"),
    "trailers without end": endless(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n"),
    "a body without end": endless(OK + b"\r\n", b" " * 1000),
    "a body without end in chunks": endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"3e8\r\n" + b" " * 1000 + b"\r\n"),  # noqa: E501
    "a length without end": send(OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n{}"),
    "a packed body that stops": send(OK + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x00"),
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN_ANSWERS.values(), ids=BROKEN_ANSWERS)
def test_a_broken_answer_to_a_submit_leaves_the_outcome_unknown(fault: Fault) -> None:
    with RawServer(fault) as server, pytest.raises(OutcomeUnknownError) as raised:
        impatient(server.url).submit(IMAGE)
    assert server.connections == 1
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("fault", BROKEN_ANSWERS.values(), ids=BROKEN_ANSWERS)
def test_a_broken_answer_to_a_question_can_be_asked_again(fault: Fault) -> None:
    tracemalloc.start()
    try:
        with RawServer(fault) as server, pytest.raises((ConnectionLostError, ServiceBrokenError)) as raised:
            impatient(server.url).fetch("5")
        assert tracemalloc.get_traced_memory()[1] < 64 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert raised.value.transient
    assert KEY not in str(raised.value)


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"\r\n" + REPLY,
        OK + b"Content-Length: -1\r\n\r\n" + REPLY,
        OK + b"Content-Length: nonsense\r\n\r\n" + REPLY,
        OK + b"Content-Length: %d\r\n\r\n" % len(REPLY) + REPLY + b"and more",
        OK + b"Content-Type: text/html\r\n\r\n" + REPLY,
        OK + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(REPLY), REPLY),
        OK
        + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n%x;a=b\r\n" % len(REPLY)
        + REPLY
        + b"\r\n0\r\nX: y\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"\r\n" + REPLY,
        b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK + b"\r\n" + REPLY,
        b"HTTP/1.0 200 OK\r\n\r\n" + REPLY,
        b"HTTP/1.1 200\r\n\r\n" + REPLY,
        OK + b"No colon here\r\nX: \xff\xfe\r\n\r\n" + REPLY,
        OK + b"Set-Cookie: \x00\r\nRetry-After: \xff\r\nDate: never\r\n\r\n" + REPLY,
    ],
)
def test_an_odd_but_whole_answer_is_read(answer: bytes) -> None:
    with RawServer(send(answer)) as server:
        assert patient(server.url).submit(IMAGE).id == "5"


def mangled(chance: Random, answer: bytes) -> bytes:
    """An answer damaged as a broken proxy, or an ill-meaning server, might."""
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(answer) + 1)
        odd = chance.choice(
            [b"\r\n", b"\n", b"\0", b":", b" ", b"\xff", b"-1", b"9" * 30, b"chunked", b"gzip", b"\r\n\r\n"]
        )
        answer = chance.choice(
            [
                answer[:place] + odd + answer[place:],
                answer[:place] + odd + answer[place + len(odd) :],
                answer[:place] + answer[place + chance.randrange(1, 9) :],
                answer[:place],
                answer[:place] + chance.randbytes(chance.randrange(1, 20)) + answer[place:],
                answer.replace(
                    b"Content-Length", chance.choice([b"Content-Encoding", b"Transfer-Encoding", b"Location"])
                ),
                answer.replace(b"200", chance.choice([b"100", b"101", b"204", b"302", b"999", b"-20", b"2e2"])),
            ]
        )
    return answer


@settings(deadline=None, database=None, max_examples=30)
@given(st.integers(0, 2**64))
def test_any_bytes_on_the_wire_give_a_reply_or_an_error(seed: int) -> None:
    chance = Random(seed)
    read_all = [
        OK + b"Content-Length: %d\r\nContent-Type: application/json\r\n\r\n" % len(REPLY) + REPLY,
        OK + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(REPLY) + REPLY + b"\r\n0\r\n\r\n",
        OK + b"Content-Encoding: gzip\r\nRetry-After: 5\r\n\r\n" + gzip.compress(REPLY),
    ]
    with RawServer(lambda c: c.send(mangled(chance, chance.choice(read_all)))) as server:
        client = impatient(server.url)
        for _ in range(20):
            with contextlib.suppress(ImageTo3DError):
                assert client.fetch("5").id


def test_a_reply_that_comes_while_the_request_still_goes_out_is_read() -> None:
    def refuse(connection: Connection) -> None:
        connection.socket.recv(1000)
        connection.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n{}")
        while connection.socket.recv(65536):
            pass

    with RawServer(refuse, read=False) as server, pytest.raises(ImageTo3DError, match="413"):
        patient(server.url).upload(b"x" * 2_000_000, "image/png")


@pytest.mark.parametrize("method", ["submit", "fetch", "balance", "upload"])
def test_where_nobody_answers_nothing_was_sent(method: str) -> None:
    client = impatient(nobody_there())
    calls: dict[str, Callable[[], object]] = {
        "submit": lambda: client.submit(IMAGE),
        "fetch": lambda: client.fetch("5"),
        "balance": client.balance,
        "upload": lambda: client.upload(b"x", "image/png"),
    }
    with pytest.raises(ConnectionFailedError, match=r"127\.0\.0\.1") as raised:
        calls[method]()
    assert raised.value.transient


def test_a_name_that_does_not_exist_means_that_nothing_was_sent() -> None:
    with pytest.raises(ConnectionFailedError, match=r"nowhere\.invalid.*can't be resolved"):
        impatient("http://nowhere.invalid").submit(IMAGE)


@pytest.mark.parametrize(
    "host", ["x" * 64 + ".example", "a..b.example", "xn--a.example", "%00.example", "ex\u00e4mple.invalid"]
)
def test_a_name_that_cannot_exist_is_a_readable_error(host: str) -> None:
    with pytest.raises(ImageTo3DError):
        impatient(f"http://{host}").submit(IMAGE)


def test_a_service_that_takes_no_connection_means_that_nothing_was_sent() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        for _ in range(8):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(full.getsockname())
            waiting.append(one)
        with pytest.raises(ConnectionFailedError, match="did not answer"):
            Client(f"http://127.0.0.1:{full.getsockname()[1]}", KEY, timeouts=(0.3, 5)).submit(IMAGE)
        for one in waiting:
            one.close()


def test_a_host_that_answers_at_one_of_its_addresses_only_is_reached() -> None:
    with RawServer(lambda c: c.answer(REPLY)) as server:
        assert patient(f"http://localhost:{server.port}").submit(IMAGE).id == "5"


# TLS


def test_a_certificate_that_nobody_vouches_for_is_never_accepted() -> None:
    with RawServer(lambda c: c.answer(REPLY), tls=CERTIFICATE) as server:
        with pytest.raises(CertificateError, match=r"self.signed") as raised:
            impatient(server.url).submit(IMAGE)
        assert server.requests == []
    assert KEY not in str(raised.value)


def test_a_certificate_for_another_host_is_never_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(FOREIGN_CERTIFICATE))
    with RawServer(lambda c: c.answer(REPLY), tls=FOREIGN_CERTIFICATE) as server:
        with pytest.raises(CertificateError):
            impatient(server.url).submit(IMAGE)
        assert server.requests == []


def test_a_certificate_that_the_computer_trusts_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))
    with RawServer(lambda c: c.answer(REPLY), tls=CERTIFICATE) as server:
        assert patient(server.url).submit(IMAGE).id == "5"


def test_trusted_certificates_that_are_not_there_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/certificates.pem")
    with RawServer(lambda c: c.answer(REPLY), tls=CERTIFICATE) as server:
        with pytest.raises(CertificateError, match=r"/nowhere/certificates\.pem") as raised:
            impatient(server.url).submit(IMAGE)
        assert server.connections == 0
    assert "REQUESTS_CA_BUNDLE" in str(raised.value.advice)


def test_a_service_without_tls_where_it_should_be_gets_nothing() -> None:
    with RawServer(lambda c: c.answer(REPLY), read=False) as server, pytest.raises(ImageTo3DError) as raised:
        impatient(server.url.replace("http:", "https:")).submit(IMAGE)
    assert isinstance(raised.value, CertificateError | ConnectionFailedError)


@pytest.mark.parametrize(
    "fault", [lambda c: None, lambda c: c.reset(), lambda c: c.stall()], ids=["closes", "resets", "is silent"]
)
def test_a_service_that_breaks_off_while_tls_is_set_up_got_nothing(fault: Fault) -> None:
    with RawServer(fault, read=False) as server, pytest.raises(ConnectionFailedError):
        Client(server.url.replace("http:", "https:"), KEY, timeouts=(0.5, 5)).submit(IMAGE)


@pytest.mark.parametrize("fault", ["reset in the body", "body byte by byte", "silence", "closed without an answer"])
def test_a_broken_answer_over_tls_leaves_the_outcome_unknown(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))
    with RawServer(BROKEN_ANSWERS[fault], tls=CERTIFICATE) as server, pytest.raises(OutcomeUnknownError):
        impatient(server.url).submit(IMAGE)


# Ending it


def test_cancelling_ends_a_question_that_hangs() -> None:
    with RawServer(lambda c: c.stall()) as server:
        client = Client(server.url, KEY, timeouts=(60, 60))
        with pytest.raises(CancelledError):
            client.fetch("5", control=Control(lambda: server.connections > 0))


def test_closing_the_client_ends_what_hangs_and_what_comes_after() -> None:
    with RawServer(lambda c: c.stall()) as server:
        client = Client(server.url, KEY, timeouts=(60, 60))
        outcomes: list[type] = []

        def run(call: Callable[[], object]) -> None:
            try:
                call()
            except ImageTo3DError as error:
                outcomes.append(type(error))

        threads = [
            threading.Thread(target=run, args=(call,))
            for call in (lambda: client.submit(IMAGE), lambda: client.fetch("5"))
        ]
        for thread in threads:
            thread.start()
        while len(server.requests) < 2:
            time.sleep(0.01)
        client.close()
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()
        assert sorted(outcomes, key=str) == sorted([OutcomeUnknownError, CancelledError], key=str)
        with pytest.raises(CancelledError):
            client.submit(IMAGE)


def test_no_thread_is_left_over() -> None:
    before = threading.active_count()
    with RawServer(lambda c: c.answer(REPLY)) as server:
        client = patient(server.url)
        for _ in range(10):
            client.fetch("5")
        deadline = time.monotonic() + 5
        while threading.active_count() > before + 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert threading.active_count() <= before + 2
