# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault is handled. Each is provoked for real, by a service on loopback that fails, disconnects, lies and stalls.

docs/faults.md lists them with what the add-on does; `test_fault_table` checks that both agree.
"""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import model_files
import pytest
from image_to_3d.errors import Action, KeyMissingError, OnlineAccessError
from image_to_3d.jobs.commands import Command
from image_to_3d.jobs.config import CUSTOM
from image_to_3d.jobs.job import Job, Notice, State
from image_to_3d.jobs.queue import Queue
from image_to_3d.jobs.serialization import from_json
from image_to_3d.jobs.serialization import to_json as to_stored_json
from image_to_3d.worker.worker_process import Launch, WorkerProcess
from queues import EAGER, FAST, KEY, a_config, a_request, no_loopback_service, rest, states_seen, until
from raw_server import RawServer
from repairs import repairs_of
from scripted_service import (
    Reply,
    Request,
    ScriptedService,
    answers,
    cube_glb,
    html,
    ranged,
    resets,
    takes_and_resets,
    to_json,
)
from systems import needs_posix

MakeQueue = Callable[..., Queue]


def run(queue: Queue, **request: Any) -> Job:
    """Add a job and wait until it ends."""
    queue.add(a_request(**request))
    [job] = rest(queue)
    return job


# --- submitting -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "code", "action", "words"),
    [
        pytest.param(to_json({"status": "error", "message": "bad image"}), "refused", Action.RETRY, "bad image",
                     id="an error with HTTP 200 and no id"),
        pytest.param(to_json({"status": "error", "message": {"init_image": ["The init image field is required."]}}),
                     "refused", Action.RETRY, "init image field is required", id="a message of lists"),
        pytest.param(to_json({"status": "failed", "messege": "could not read it"}), "refused", Action.RETRY,
                     "could not read it", id="a misspelt message"),
        pytest.param(to_json({"status": "ERROR", "errors": ["one", "two"]}, 400), "refused", Action.RETRY, "one",
                     id="a list of errors with HTTP 400"),
        pytest.param(to_json({"status": "error", "message": "Invalid API key"}, 401), "key_rejected",
                     Action.OPEN_PREFERENCES, "", id="HTTP 401"),
        pytest.param(to_json({"status": "error", "message": "forbidden"}, 403), "key_rejected",
                     Action.OPEN_PREFERENCES, "", id="HTTP 403"),
        pytest.param(to_json({"status": "error", "message": "Payment required"}, 402), "no_credit", Action.RETRY, "",
                     id="HTTP 402"),
        pytest.param(to_json({"status": "error", "message": "Your subscription is exhausted"}), "no_credit",
                     Action.RETRY, "", id="no credit said in words only"),
        pytest.param(html(404, "Not Found"), "refused", Action.RETRY, "404", id="a gateway's 404 page"),
    ],
)  # fmt: skip
def test_a_refused_submit_fails_with_the_reason_and_is_not_charged(
    queue: Queue, service: ScriptedService, reply: Reply, code: str, action: Action, words: str
) -> None:
    service.next("submit", answers(reply))
    job = run(queue)
    assert (job.state, job.error and job.error.code) == (State.FAILED, code)
    assert job.error is not None
    assert job.error.action is action
    assert words in str(job.error)
    assert not job.sent
    queue.command(job.id, Command.RETRY)
    assert rest(queue)[0].state is State.READY
    assert len(service.submits) == 1


@pytest.mark.parametrize(
    "limit",
    [
        pytest.param(to_json({"status": "error", "message": "slow down", "retry_after": 1}, 429), id="in the body"),
        pytest.param(
            to_json({"status": "error", "message": "slow down"}, 429, **{"Retry-After": "1"}), id="in a header"
        ),
        pytest.param(to_json({"status": "error", "message": "Rate limit, try again in 1 second"}), id="in words"),
        pytest.param(html(429, "Too Many Requests"), id="without a time"),
    ],
)
def test_too_many_requests_pause_the_queue_which_continues_by_itself(
    queue: Queue, service: ScriptedService, limit: Reply
) -> None:
    service.next("submit", answers(limit))
    queue.add(a_request())
    until(lambda: queue.paused() is not None)
    assert queue.paused()[1]  # type: ignore[index]
    until(lambda: queue.jobs()[0].state is State.QUEUED)
    [job] = rest(queue)
    assert job.state is State.READY
    assert len(service.submits) == 1
    assert service.count("upload") == 1, "what is uploaded already is not uploaded again"


def lost_in_the_list(service: ScriptedService) -> None:
    """The service's list holds the caller's own id beside id and links."""
    service.list_shows = lambda work: {
        "id": int(work.id),
        "output": service.links(work),
        "track_id": work.body.get("track_id"),
    }


def takes_and(reply: Reply) -> Callable[[Request], Reply]:
    def handler(request: Request) -> Reply:
        request.service.take(request.body)
        return reply

    return handler


def takes_and_stalls(request: Request) -> None:
    request.service.take(request.body)
    time.sleep(4)


UNANSWERED = [
    pytest.param(takes_and_resets, id="connection reset"),
    pytest.param(takes_and_stalls, id="no answer in time"),
    pytest.param(takes_and(html(502)), id="HTTP 502"),
    pytest.param(takes_and(to_json({"status": "error", "message": "server error"}, 500)), id="HTTP 500 with a reply"),
    pytest.param(takes_and(html(200, "Welcome")), id="a web page with HTTP 200"),
    pytest.param(takes_and((200, {"Content-Length": "500"}, b'{"status": "proc')), id="an answer cut short"),
    pytest.param(takes_and(to_json({"status": "processing", "message": "soon"})), id="nothing to ask for it by"),
]


@pytest.mark.parametrize("fault", UNANSWERED)
def test_a_submit_without_a_reply_is_found_in_the_list_and_not_sent_again(
    queue: Queue, service: ScriptedService, fault: Callable[[Request], Reply | None]
) -> None:
    lost_in_the_list(service)
    service.next("submit", fault)
    job = run(queue)
    assert (job.state, job.service_id) == (State.READY, service.submits[0].id)
    assert len(service.submits) == 1


@pytest.mark.parametrize("fault", UNANSWERED)
def test_the_artist_decides_about_a_submit_that_is_not_found(
    queue: Queue, service: ScriptedService, fault: Callable[[Request], Reply | None]
) -> None:
    service.next("list", *[answers(to_json({"status": "success", "data": []}))] * 20)
    service.next("submit", fault)
    job = run(queue)
    assert job.state is State.UNCONFIRMED
    assert job.error is not None
    assert job.error.action is Action.CHECK_AGAIN
    assert len(service.submits) == 1, "it was paid twice"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        pytest.param(takes_and(html(502)), ["127.0.0.1 did not confirm it", "HTTP 502"], id="HTTP 502"),
        pytest.param(takes_and(to_json({"status": "error", "message": "server error"}, 500)),
                     ["127.0.0.1 did not confirm it", "server error", "HTTP 500"], id="HTTP 500 with a reply"),
        pytest.param(takes_and(html(200, "Welcome")), ["127.0.0.1 did not confirm it", "a web page", "HTTP 200"],
                     id="a web page with HTTP 200"),
        pytest.param(takes_and_resets, ["no complete reply was received"], id="connection reset"),
    ],
)  # fmt: skip
def test_an_unconfirmed_job_says_what_the_service_replied(
    queue: Queue, service: ScriptedService, fault: Callable[[Request], Reply | None], told: list[str]
) -> None:
    service.next("list", *[answers(to_json({"data": []}))] * 8)
    service.next("submit", fault)
    job = run(queue)
    for _ in range(2):
        assert job.state is State.UNCONFIRMED
        assert "is not in your account's list yet" in str(job.error)
        assert all(words in str(job.error) for words in told), str(job.error)
        assert KEY not in str(job.error)
        assert from_json(json.loads(json.dumps(to_stored_json(job)))) == job
        queue.command(job.id, Command.CHECK_AGAIN)
        [job] = rest(queue)
    assert len(service.submits) == 1


def test_a_list_that_cannot_be_read_does_not_hide_what_the_service_replied(
    queue: Queue, service: ScriptedService
) -> None:
    service.next("list", *[answers(html(503))] * 20)
    service.next("submit", takes_and(html(502)))
    job = run(queue)
    assert job.state is State.UNCONFIRMED
    assert "HTTP 502" in str(job.error)
    assert "list can't be read" in str(job.error)


def test_a_lost_submit_is_identified_even_if_the_list_has_only_ids(queue: Queue, service: ScriptedService) -> None:
    service.take({"output_format": "glb"})
    service.take({"output_format": "glb"})
    service.next("submit", takes_and_resets)
    job = run(queue)
    assert (job.state, job.service_id) == (State.READY, service.submits[2].id)


def test_two_lost_submits_are_not_confused(make_queue: MakeQueue, service: ScriptedService) -> None:
    queue = make_queue()
    service.next("submit", takes_and_resets, takes_and_resets)
    queue.add(a_request(0))
    queue.add(a_request(1))
    jobs = rest(queue)
    assert [job.state for job in jobs] == [State.UNCONFIRMED] * 2
    assert len(service.submits) == 2


def test_check_again_finds_a_model_that_appears_in_the_list_later(queue: Queue, service: ScriptedService) -> None:
    service.next("list", *[answers(to_json({"data": []}))] * 4)
    service.next("submit", takes_and_resets)
    job = run(queue)
    assert job.state is State.UNCONFIRMED
    queue.command(job.id, Command.CHECK_AGAIN)
    assert rest(queue)[0].state is State.READY
    assert len(service.submits) == 1


def test_only_the_artist_can_send_a_request_again(queue: Queue, service: ScriptedService) -> None:
    service.next("list", *[answers(html(500))] * 20)
    service.next("submit", resets)
    job = run(queue)
    assert job.state is State.UNCONFIRMED
    assert service.count("submit") == 1
    queue.command(job.id, Command.SEND_AGAIN)
    assert rest(queue)[0].state is State.READY
    assert service.count("submit") == 2


def test_an_unconfirmed_job_can_be_removed_and_its_folder_stays(queue: Queue, service: ScriptedService) -> None:
    service.next("list", *[answers(to_json({"data": []}))] * 20)
    service.next("submit", resets)
    job = run(queue)
    queue.dismiss(job.id)
    assert not queue.jobs()
    assert job.folder.is_dir()
    until(lambda: json.loads((job.folder / "job.json").read_text())["listed"] is False)


def test_a_redirected_submit_is_not_followed_and_the_key_is_not_sent_elsewhere(
    queue: Queue, service: ScriptedService
) -> None:
    other = ScriptedService()
    service.next("submit", answers((307, {"Location": f"{other.base_url}/3d/image_to_3d"}, b"")))
    job = run(queue)
    assert (job.state, job.error and job.error.code) == (State.FAILED, "unsafe_address")
    assert not other.requests
    other.close()


def test_a_fetch_url_at_another_host_is_not_used(queue: Queue, service: ScriptedService) -> None:
    other = ScriptedService()

    def other_file_label(request: Request) -> Reply:
        work = request.service.take(request.body)
        return to_json({"status": "processing", "id": int(work.id), "fetch_result": f"{other.base_url}/3d/fetch/1"})

    service.next("submit", other_file_label)
    assert run(queue).state is State.READY
    assert not other.requests
    other.close()


# --- reaching the service --------------------------------------------------------------------------------


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_service_that_is_down_is_retried_and_then_reported(make_queue: MakeQueue) -> None:
    queue = make_queue(base_url=f"http://127.0.0.1:{a_free_port()}/api/v6")
    queue.add(a_request())
    until(lambda: queue.paused() is not None)
    [job] = rest(queue)
    assert (job.state, job.error and job.error.code) == (State.FAILED, "connection")
    assert job.error is not None
    assert job.error.action is Action.RETRY


@pytest.mark.parametrize("back", [True, False], ids=["the network comes back", "it stays down"])
def test_a_submit_that_could_not_connect_was_not_sent(
    make_queue: MakeQueue, service: ScriptedService, monkeypatch: pytest.MonkeyPatch, back: bool
) -> None:
    """The network goes down after the upload: the connect fails at once, and the socket itself reports no error."""
    real, failed = socket.socket.connect_ex, list[Any]()

    def connect_ex(self: socket.socket, address: Any) -> int:
        if not service.count("upload") or (back and len(failed) == 3):
            return real(self, address)
        failed.append(address)
        return errno.ENETUNREACH

    monkeypatch.setattr(socket.socket, "connect_ex", connect_ex)
    queue = make_queue()
    job = run(queue)
    assert State.RECONCILING not in states_seen(queue, job.id)
    assert not job.sent or service.submits
    if back:
        assert (job.state, len(service.submits)) == (State.READY, 1)
    else:
        assert (job.state, len(service.submits)) == (State.FAILED, 0)
        assert job.error is not None
        assert job.error.code == "connection"
    assert len(failed) >= 3


def test_a_host_name_that_cannot_be_resolved_is_reported(make_queue: MakeQueue) -> None:
    queue = make_queue(base_url="http://no-such-host.invalid/api/v6")
    job = run(queue)
    assert (job.state, job.error and job.error.code) == (State.FAILED, "connection")


def test_an_untrusted_certificate_is_never_accepted(make_queue: MakeQueue, tmp_path: Path) -> None:
    with tls_server(tmp_path) as port:
        queue = make_queue(base_url=f"https://localhost:{port}/api/v6")
        job = run(queue)
    assert (job.state, job.error and job.error.code) == (State.FAILED, "certificate")


def test_the_company_s_certificate_is_trusted_where_the_environment_names_it(
    make_queue: MakeQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tls_server(tmp_path) as port:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        job = run(make_queue(base_url=f"https://localhost:{port}/api/v6"))
    assert job.error is not None
    assert job.error.code == "connection_lost", "TLS was set up; this server says no more"


def test_trusted_certificates_that_cannot_be_read_are_named(
    make_queue: MakeQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "moved.pem"))
    job = run(make_queue(base_url=f"https://localhost:{a_free_port()}/api/v6"))
    assert (job.state, job.error and job.error.code) == (State.FAILED, "certificate")
    assert "moved.pem" in str(job.error)
    assert "REQUESTS_CA_BUNDLE" in str(job.error)


def behind(monkeypatch: pytest.MonkeyPatch, proxy: str) -> str:
    """Sets the proxy, and returns the base URL of a service that is reached through it only."""
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("https_proxy", proxy)
    return "https://service.example/api/v6"


def test_a_dead_proxy_is_reported_as_the_proxy(make_queue: MakeQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    port = a_free_port()
    queue = make_queue(base_url=behind(monkeypatch, f"http://anna:hunter2@127.0.0.1:{port}"))
    queue.add(a_request())
    until(lambda: queue.paused() is not None)
    [job] = rest(queue)
    assert (job.state, job.error and job.error.code) == (State.FAILED, "connection")
    assert f"The proxy 127.0.0.1:{port} can't be reached" in str(job.error)
    kept = [*job.folder.iterdir(), *(job.folder.parents[1] / "user").glob("journal.sqlite*")]
    assert {"job.json", "journal.sqlite"} <= {path.name for path in kept}
    assert not [path.name for path in kept if b"hunter2" in path.read_bytes()]


@pytest.mark.parametrize(
    ("reply", "code", "words"),
    [
        pytest.param("407 Proxy Authentication Required", "proxy", "user name and a password", id="a login"),
        pytest.param("403 Forbidden", "connection", "does not connect to service.example (HTTP 403)", id="forbidden"),
    ],
)
def test_a_proxy_that_does_not_let_through_says_so(
    make_queue: MakeQueue, monkeypatch: pytest.MonkeyPatch, reply: str, code: str, words: str
) -> None:
    with RawServer(lambda caller: caller.answer(b"", reply)) as proxy:
        job = run(make_queue(base_url=behind(monkeypatch, proxy.url)))
        assert all(KEY.encode() not in caller.request for caller in proxy.requests)
        assert f"127.0.0.1:{proxy.port}" in str(job.error)
    assert (job.state, job.error and job.error.code) == (State.FAILED, code)
    assert words in str(job.error)
    assert not job.sent


def test_a_socks_proxy_is_reported_at_once(make_queue: MakeQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    job = run(make_queue(base_url=behind(monkeypatch, "socks5://127.0.0.1:1080")))
    assert (job.state, job.error and job.error.code) == (State.FAILED, "proxy")
    assert "SOCKS" in str(job.error)


def test_a_job_continues_when_a_connection_lost_before_the_submit_is_back(
    make_queue: MakeQueue, service: ScriptedService
) -> None:
    queue = make_queue()
    service.next("upload", resets, resets)
    job = run(queue)
    assert job.state is State.READY
    assert len(service.submits) == 1


@contextmanager
def tls_server(folder: Path) -> Iterator[int]:
    """A server with a self-signed certificate."""
    import ssl
    import threading

    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                try:
                    connection, _ = listener.accept()
                    with connection:
                        connection.settimeout(2)
                        context.wrap_socket(connection, server_side=True).close()
                except OSError:
                    continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        over.set()
        thread.join(5)


# --- uploading ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", [answers(html(503)), answers(to_json({"status": "success", "output": []})), resets, answers(html(200))]
)
def test_a_failed_upload_is_repeated(
    queue: Queue, service: ScriptedService, fault: Callable[[Request], Reply | None]
) -> None:
    service.next("upload", fault)
    assert run(queue).state is State.READY
    assert service.count("upload") == 2
    assert len(service.submits) == 1


def test_an_image_that_the_service_refuses_is_reported(queue: Queue, service: ScriptedService) -> None:
    service.next("upload", answers(to_json({"status": "error", "message": "Invalid base64 string"})))
    job = run(queue)
    assert job.state is State.FAILED
    assert "Invalid base64 string" in str(job.error)
    assert not service.submits


def test_a_file_that_is_not_an_image_is_reported_and_nothing_is_sent(queue: Queue, service: ScriptedService) -> None:
    job = run(queue, image=b"this is a letter, not an image" * 10)
    assert (job.state, job.error and job.error.code) == (State.FAILED, "image")
    assert service.count("upload") == service.count("submit") == 0


# --- polling --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(answers(html(500)), id="HTTP 500"),
        pytest.param(answers(html(502)), id="HTTP 502"),
        pytest.param(answers(to_json({"status": "error", "message": "overloaded"}, 503)), id="HTTP 503 with a reply"),
        pytest.param(answers((200, {}, b"{{{{")), id="broken JSON"),
        pytest.param(answers((200, {}, b"")), id="an empty answer"),
        pytest.param(answers(html(200)), id="a web page"),
        pytest.param(resets, id="connection reset"),
        pytest.param(answers((200, {"Content-Length": "999"}, b'{"sta')), id="an answer cut short"),
        pytest.param(lambda _: time.sleep(3), id="no answer in time"),
        pytest.param(answers(to_json({"status": "error", "message": "wait", "retry_after": 0.2}, 429)), id="HTTP 429"),
        pytest.param(answers(to_json({"status": "success", "output": []})), id="done, but no files named"),
    ],
)
def test_a_fault_while_polling_loses_nothing(
    queue: Queue, service: ScriptedService, fault: Callable[[Request], Reply | None]
) -> None:
    service.next("fetch", fault, fault)
    job = run(queue)
    assert job.state is State.READY
    assert len(service.submits) == 1


def test_a_failed_generation_ends_the_job_and_a_retry_submits_again(queue: Queue, service: ScriptedService) -> None:
    service.eta = None
    service.next(
        "submit",
        lambda request: to_json({"status": "processing", "id": request.service.take(request.body).id, "output": []}),
    )
    service.next("fetch", answers(to_json({"status": "failed", "message": "the mesh could not be made"})))
    job = run(queue)
    assert job.state is State.FAILED
    assert "the mesh could not be made" in str(job.error)
    queue.command(job.id, Command.RETRY)
    assert rest(queue)[0].state is State.READY
    assert len(service.submits) == 2


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("failed", "the mesh could not be made"),
        ("failed", "no credit was charged"),
        ("failed", "try again in 5 minutes"),
        ("error", "the mesh could not be made"),
        ("error", "GPU memory exhausted"),
    ],
)
def test_a_failed_generation_counts_more_than_the_links_that_were_announced(
    queue: Queue, service: ScriptedService, status: str, reason: str
) -> None:
    service.next("fetch", answers(to_json({"status": status, "message": reason})))
    job = run(queue)
    assert job.state is State.FAILED
    assert reason in str(job.error)
    assert job.links == ()
    assert service.count("file") == 0
    queue.command(job.id, Command.RETRY)
    assert rest(queue)[0].state is State.READY
    assert len(service.submits) == 2


@pytest.mark.parametrize("status_code", [200, 404])
def test_a_job_that_the_service_no_longer_knows_is_downloaded_from_its_announced_links(
    queue: Queue, service: ScriptedService, status_code: int
) -> None:
    service.next("fetch", answers(to_json({"status": "error", "message": "Request not found"}, status_code)))
    assert run(queue).state is State.READY
    assert len(service.submits) == 1


def test_success_without_any_file_is_polled_for_a_while_and_then_reported(
    queue: Queue, service: ScriptedService
) -> None:
    service.eta = None
    service.next(
        "submit", lambda request: to_json({"status": "processing", "id": request.service.take(request.body).id})
    )
    service.next("fetch", *[answers(to_json({"status": "success", "output": []}))] * 100)
    job = run(queue)
    assert (job.state, job.error and job.error.code) == (State.FAILED, "result_missing")
    assert len(service.submits) == 1


def test_a_job_that_never_ends_times_out_and_can_be_checked_again(
    make_queue: MakeQueue, service: ScriptedService
) -> None:
    import dataclasses

    queue = make_queue(timing=dataclasses.replace(FAST, give_up=0.5))
    service.polls_until_done = 10**6
    job = run(queue)
    assert (job.state, job.error and job.error.code) == (State.FAILED, "too_long")
    assert job.error is not None
    assert job.error.action is Action.CHECK_AGAIN
    service.polls_until_done = 0
    queue.command(job.id, Command.CHECK_AGAIN)
    assert rest(queue)[0].state is State.READY
    assert len(service.submits) == 1


def test_a_key_rejected_while_polling_loses_nothing(queue: Queue, service: ScriptedService) -> None:
    service.next("fetch", answers(to_json({"status": "error", "message": "Invalid API key"}, 401)))
    job = run(queue)
    assert (job.state, job.error and job.error.code) == (State.FAILED, "key_rejected")
    queue.command(job.id, Command.RETRY)
    assert rest(queue)[0].state is State.READY
    assert len(service.submits) == 1


def test_a_job_waits_while_online_access_is_disabled(
    make_queue: MakeQueue, service: ScriptedService, tmp_path: Path
) -> None:
    # A name of this computer that does not look like loopback.
    host = socket.gethostname()
    url = service.base_url.replace("127.0.0.1", host)
    try:
        if socket.gethostbyname(host) != "127.0.0.1":
            pytest.skip("this machine's own name does not lead to loopback")
    except OSError:
        pytest.skip("this machine's own name leads nowhere")
    queue = make_queue(base_url=url)
    service.polls_until_done = 10**6
    queue.add(a_request())
    until(lambda: queue.jobs()[0].state is State.WAITING)
    queue.configure(a_config(tmp_path, url, online=False))
    until(lambda: "Online access" in str(queue.jobs()[0].note))
    polls = service.count("fetch")
    time.sleep(0.5)
    assert service.count("fetch") <= polls + 1
    with pytest.raises(OnlineAccessError):
        queue.add(a_request(1))
    service.polls_until_done = 0
    queue.configure(a_config(tmp_path, url))
    [job] = rest(queue)
    assert job.service_id


def test_queued_jobs_wait_while_the_key_is_missing(
    make_queue: MakeQueue, service: ScriptedService, tmp_path: Path
) -> None:
    queue = make_queue(limit=1)
    service.polls_until_done = 10**6
    for number in range(4):
        queue.add(a_request(number))
    until(lambda: len(service.submits) == 1)
    queue.configure(a_config(tmp_path, service.base_url, keys={CUSTOM: ""}, limit=4))
    until(lambda: "key" in str(queue.jobs()[0].note) and queue.paused() is not None)
    service.polls_until_done = 0
    queue.configure(a_config(tmp_path, service.base_url, limit=4))
    assert [job.state for job in rest(queue)] == [State.READY] * 4
    assert len(service.submits) == 4


def test_a_running_job_waits_while_the_key_is_missing(queue: Queue, service: ScriptedService, tmp_path: Path) -> None:
    service.polls_until_done = 10**6
    queue.add(a_request())
    until(lambda: queue.jobs()[0].state is State.WAITING)
    queue.configure(a_config(tmp_path, service.base_url, keys={CUSTOM: ""}))
    until(lambda: "key" in str(queue.jobs()[0].note))
    with pytest.raises(KeyMissingError):
        queue.add(a_request(1))
    service.polls_until_done = 0
    queue.configure(a_config(tmp_path, service.base_url))
    assert rest(queue)[0].state is State.READY
    assert len(service.submits) == 1


# --- downloading ------------------------------------------------------------------------------------------------


def cut_at(share: float, how: Callable[[Request], None] | None = None) -> Callable[[Request], None]:
    """Send part of the file with the complete length announced, then disconnect."""

    def handler(request: Request) -> None:
        content = request.service.model
        start = 0
        if "range" in request.headers:
            start = int(request.headers["range"][6:].split("-")[0])
        part = content[start : start + max(int((len(content) - start) * share), 1)]
        status = "206 Partial Content" if start else "200 OK"
        head = f'HTTP/1.1 {status}\r\nContent-Length: {len(content) - start}\r\nAccept-Ranges: bytes\r\nETag: "1"\r\n'
        if start:
            head += f"Content-Range: bytes {start}-{len(content) - 1}/{len(content)}\r\n"
        request.connection.sendall(head.encode() + b"\r\n" + part)
        if how:
            how(request)

    return handler


def stalls(request: Request) -> None:
    time.sleep(3)


DOWNLOAD_FAULTS = [
    pytest.param([answers(html(404)), answers(html(404))], id="404 for a short while"),
    pytest.param([cut_at(0.5, resets)], id="connection reset in the middle"),
    pytest.param([cut_at(0.5)], id="connection closed in the middle"),
    pytest.param([cut_at(0.5, stalls)], id="stall in the middle"),
    pytest.param([cut_at(0.3, resets), cut_at(0.5, resets), cut_at(0.5, resets)], id="broken three times in a row"),
    pytest.param(
        [answers((200, {"Content-Type": "model/gltf-binary"}, cube_glb()[:300]))], id="truncated, right length"
    ),
    pytest.param([answers(html(200))], id="a web page instead of the model"),
    pytest.param([answers((200, {}, b""))], id="an empty file"),
    pytest.param([answers((200, {}, b"\x89PNG\r\n\x1a\n" + bytes(200)))], id="an image instead of the model"),
    pytest.param([answers(html(503)), answers(html(500))], id="server errors"),
    pytest.param([answers(html(403)), answers(html(410))], id="expired links"),
    pytest.param([lambda request: request.connection.sendall(b"what is this\r\n\r\n")], id="no HTTP at all"),
    pytest.param([answers((302, {"Location": "file:///etc/passwd"}, b""))], id="a redirect to a file"),
    pytest.param([answers((302, {"Location": "ftp://127.0.0.1/x"}, b""))], id="a redirect to another scheme"),
    pytest.param([lambda request: (302, {"Location": request.path}, b"")] * 12, id="a redirect in a circle"),
    pytest.param([answers((200, {"Content-Length": "-5"}, b"x"))], id="a negative length"),
    pytest.param([answers((200, {"Content-Encoding": "gzip"}, b"\x1f\x8b" + bytes(50)))], id="broken compression"),
]


@pytest.mark.parametrize("faults", DOWNLOAD_FAULTS)
def test_a_fault_while_downloading_ends_with_the_complete_file(
    queue: Queue, service: ScriptedService, faults: list[Callable[[Request], Reply | None]]
) -> None:
    service.next("file", *faults)
    job = run(queue)
    if job.state is State.FAILED:  # some faults are not retried automatically: then with a click
        assert job.error is not None
        assert job.error.action is Action.DOWNLOAD_AGAIN
        service._orders["file"].clear()
        queue.command(job.id, Command.DOWNLOAD_AGAIN)
        [job] = rest(queue)
    assert job.state is State.READY, job.error
    assert job.model_path
    assert job.model_path.read_bytes() == service.model
    assert len(service.submits) == 1
    assert not [path for path in job.folder.iterdir() if path.name.startswith("~model")]


def test_an_interrupted_download_resumes_where_it_stopped(queue: Queue, service: ScriptedService) -> None:
    service.model = cube_glb(padding=300_000)
    service.next("file", cut_at(0.5))
    assert run(queue).state is State.READY
    asked = [headers.get("range") for what, _, _, headers in service.requests if what == "file"]
    assert asked[0] is None
    assert any(part and not part.startswith("bytes=0-") for part in asked[1:])


def test_a_server_without_range_requests_is_asked_from_the_start(queue: Queue, service: ScriptedService) -> None:
    service.next(
        "file",
        cut_at(0.5, resets),
        lambda request: (200, {"Content-Type": "text/plain"}, request.service.model),
    )
    job = run(queue)
    assert job.state is State.READY
    assert job.model_path
    assert job.model_path.read_bytes() == service.model


def test_a_mirror_is_used_when_the_first_link_is_dead(queue: Queue, service: ScriptedService) -> None:
    dead = f"http://127.0.0.1:{a_free_port()}/files/model.glb"
    mirror = f"{service.origin}/files/mirror/model.glb"
    reply = to_json({"status": "success", "id": 1, "output": [dead], "proxy_links": {"0": mirror}})
    service.next("fetch", answers(reply))
    assert run(queue).state is State.READY


def test_new_links_are_requested_when_all_have_expired(queue: Queue, service: ScriptedService) -> None:
    old = to_json({"status": "success", "id": 1, "output": [f"{service.origin}/gone/model.glb"]})
    service.next("fetch", answers(old))
    service.next(
        "submit", lambda request: to_json({"status": "processing", "id": request.service.take(request.body).id})
    )
    assert run(queue).state is State.READY
    assert service.count("fetch") >= 2


def test_a_file_announced_as_enormous_is_not_downloaded(queue: Queue, service: ScriptedService) -> None:
    def enormous(request: Request) -> None:
        request.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n" + b"glTF" * 100)
        time.sleep(1)

    service.next("file", *[enormous] * 50)
    job = run(queue)
    assert (job.state, job.error and job.error.code) == (State.FAILED, "result_too_large")
    assert sum(path.stat().st_size for path in job.folder.iterdir()) < 100_000


def test_a_missing_video_does_not_cost_the_model(queue: Queue, service: ScriptedService) -> None:
    links = [f"{service.origin}/gone/turn.mp4", f"{service.origin}/files/model.glb"]
    service.next("fetch", answers(to_json({"status": "success", "id": 1, "output": links})))
    job = run(queue, parameters={"render": True})
    assert (job.state, job.video_file) == (State.READY, "")


# --- importing ---------------------------------------------------------------------------------------------------


def test_a_model_that_blender_cannot_import_stays_in_its_folder(queue: Queue, service: ScriptedService) -> None:
    service.model = cube_glb().replace(struct.pack("<3H", 0, 1, 3), struct.pack("<3H", 0, 60000, 3))
    job = run(queue)
    assert (job.state, job.error and job.error.code) == (State.FAILED, "import_failed")
    assert job.error is not None
    assert job.error.action is Action.DOWNLOAD_AGAIN
    assert job.model_path
    assert job.model_path.is_file()
    job.model_path.write_bytes(cube_glb())
    queue.command(job.id, Command.IMPORT_AGAIN)
    assert rest(queue)[0].state is State.READY
    assert len(service.submits) == 1


def test_a_model_that_is_damaged_inside_can_be_downloaded_again(queue: Queue, service: ScriptedService) -> None:
    service.model = cube_glb().replace(struct.pack("<3H", 0, 1, 3), struct.pack("<3H", 0, 60000, 3))
    job = run(queue)
    assert (job.state, job.error and job.error.action) == (State.FAILED, Action.DOWNLOAD_AGAIN)
    service.model = cube_glb()
    queue.command(job.id, Command.DOWNLOAD_AGAIN)
    assert rest(queue)[0].state is State.READY
    assert len(service.submits) == 1


@pytest.mark.parametrize("link", ["model.zip", "model.obj", "model"])
def test_a_model_in_a_zip_archive_is_unpacked(queue: Queue, service: ScriptedService, link: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("out/thing.obj", model_files.obj())
        archive.writestr("out/thing.mtl", model_files.mtl())
        archive.writestr("out/thing.png", model_files.png())
    service.model = packed.getvalue()
    reply = to_json({"status": "success", "id": 1, "output": [f"{service.origin}/files/{link}"]})
    service.next("fetch", answers(reply))
    job = run(queue, parameters={"output_format": "obj"})
    assert (job.state, job.model_file) == (State.READY, "model.obj")
    assert job.companions == (("part-1.mtl", "thing.mtl"), ("part-2.png", "thing.png"))
    assert (job.folder / "model.zip").read_bytes() == service.model, "what was delivered is kept"


def test_a_companion_that_cannot_be_downloaded_does_not_cost_the_model(queue: Queue, service: ScriptedService) -> None:
    service.model = model_files.obj()
    links = [f"{service.origin}/files/model.obj", "http://127.0.0.1:9/thing.mtl", "http://127.0.0.1:9/thing.png"]
    service.next("fetch", answers(to_json({"status": "success", "id": 1, "output": links})))
    job = run(queue, parameters={"output_format": "obj"})
    assert (job.state, job.model_file, job.companions) == (State.READY, "model.obj", ())
    assert repairs_of(job.details) == ["its materials are missing"]


@needs_posix
def test_a_worker_killed_while_working_is_replaced(
    make_queue: MakeQueue, service: ScriptedService, worker: WorkerProcess
) -> None:
    worker.run({"do": "ping"})
    queue = make_queue()
    job = queue.add(a_request())
    seen: list[State] = []
    until(lambda: seen.extend(states_seen(queue, job.id)) or State.IMPORTING in seen)  # type: ignore[func-returns-value]
    if pid := worker.pid:
        os.kill(pid, signal.SIGKILL)
    assert rest(queue)[0].state is State.READY


def test_without_a_background_blender_the_model_can_still_be_imported(tmp_path: Path, service: ScriptedService) -> None:
    nowhere = WorkerProcess(Launch((str(tmp_path / "no-blender"), "--python")))
    queue = Queue(
        tmp_path / "user",
        a_config(tmp_path, service.base_url),
        nowhere,
        no_loopback_service,
        timing=FAST,
        retry_policy=EAGER,
    )
    job = run(queue)
    assert (job.state, job.blend_file) == (State.READY, "")
    assert job.model_path
    assert job.model_path.is_file()
    queue.stop()


# --- the disk -------------------------------------------------------------------------------------------------------


def test_an_unwritable_results_folder_is_reported_and_nothing_is_sent(
    make_queue: MakeQueue, service: ScriptedService, tmp_path: Path
) -> None:
    (tmp_path / "blocked").write_text("a file where the folder should be")
    queue = make_queue(results=tmp_path / "blocked" / "results")
    job = run(queue)
    assert (job.state, job.error and job.error.code) == (State.FAILED, "storage")
    assert not service.submits


@needs_posix
def test_a_disk_that_fills_up_while_downloading_loses_nothing(tmp_path: Path, service: ScriptedService) -> None:
    service.files["/files/big.glb"] = bytes(5_000_000)
    service.model = bytes(5_000_000)
    script = (
        "import resource, sys, pathlib\n"
        f"sys.path.insert(0, {str(Path(__file__).parents[1] / 'support')!r})\n"
        "from queues import *\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))\n"
        f"queue = a_queue(pathlib.Path({str(tmp_path)!r}), {service.base_url!r}, a_worker())\n"
        "queue.add(a_request())\n"
        "[job] = rest(queue)\n"
        "sys.stdout.write(f'{job.state} {job.error.code} {job.error.action} {job.service_id}')\n"
        "queue.stop()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    state, code, action, service_id = done.stdout.split()
    assert (state, code, action) == ("failed", "storage", "DOWNLOAD_AGAIN")
    assert service_id == service.submits[0].id


@needs_posix
def test_nothing_is_submitted_when_the_journal_cannot_be_written(tmp_path: Path, service: ScriptedService) -> None:
    script = (
        "import resource, sys, pathlib\n"
        f"sys.path.insert(0, {str(Path(__file__).parents[1] / 'support')!r})\n"
        "from queues import *\n"
        f"queue = a_queue(pathlib.Path({str(tmp_path)!r}), {service.base_url!r}, a_worker())\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
        "queue.add(a_request())\n"
        "[job] = rest(queue)\n"
        "sys.stdout.write(f'{job.state} {job.error.code}')\n"
        "queue.stop()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "failed storage"
    assert not service.submits


def test_a_results_folder_deleted_meanwhile_is_created_again(queue: Queue, service: ScriptedService) -> None:
    service.polls_until_done = 8
    queue.add(a_request())
    until(lambda: queue.jobs()[0].state is State.WAITING)
    shutil.rmtree(queue.jobs()[0].folder, ignore_errors=True)  # the queue may be writing there
    assert rest(queue)[0].state is State.READY


def test_a_damaged_journal_is_rebuilt_and_the_jobs_continue(
    make_queue: MakeQueue, service: ScriptedService, tmp_path: Path
) -> None:
    service.polls_until_done = 10**6
    first = make_queue()
    first.add(a_request())
    until(lambda: first.jobs()[0].state is State.WAITING)
    first.stop()
    for path in (tmp_path / "user").glob("journal.sqlite*"):
        path.write_bytes(b"scrambled" * 500)
    service.polls_until_done = 0
    second = make_queue()
    second.adopt()
    until(lambda: len(second.jobs()) == 1)
    assert rest(second)[0].state is State.READY
    assert len(service.submits) == 1
    notices = []
    while not second.events.empty():
        event = second.events.get()
        if isinstance(event, Notice):
            notices.append(event)
    assert any(notice.warning and "damaged" in str(notice.message) for notice in notices)


# --- time -------------------------------------------------------------------------------------------------------------


def test_a_clock_change_has_no_effect(queue: Queue, service: ScriptedService, monkeypatch: pytest.MonkeyPatch) -> None:
    service.polls_until_done = 6
    queue.add(a_request())
    until(lambda: queue.jobs()[0].state is State.WAITING)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 3 * 3600)
    time.sleep(0.2)
    monkeypatch.setattr(time, "time", lambda: real() - 30 * 86400)
    [job] = rest(queue)
    assert job.state is State.READY


@needs_posix
def test_suspending_the_computer_has_no_effect(tmp_path: Path, service: ScriptedService) -> None:
    service.polls_until_done = 5
    script = Path(__file__).parents[1] / "support" / "queue_process.py"
    with subprocess.Popen(
        [sys.executable, str(script), str(tmp_path), service.base_url, "0", "2"], stdout=subprocess.PIPE, text=True
    ) as sleeper:
        assert sleeper.stdout is not None
        for line in sleeper.stdout:
            if line.startswith("waiting"):
                break
        sleeper.send_signal(signal.SIGSTOP)
        time.sleep(4)
        sleeper.send_signal(signal.SIGCONT)
        said = sleeper.stdout.read()
        assert sleeper.wait(60) == 0
    assert said.count("placed ") == 2
    assert len(service.submits) == 2


# --- untrusted input ------------------------------------------------------------------------


def test_texts_from_the_service_are_shortened_and_sanitized(queue: Queue, service: ScriptedService) -> None:
    nasty = "\x1b[31mred\x07 \u202egnp.exe\r\n" + "x" * 100_000
    service.next("submit", answers(to_json({"status": "error", "message": nasty})))
    job = run(queue)
    assert job.error is not None
    assert len(str(job.error.message)) < 400
    assert str(job.error.message).isprintable()


def test_names_from_the_service_are_never_used_as_file_names(
    queue: Queue, service: ScriptedService, tmp_path: Path
) -> None:
    links = [f"{service.origin}/files/..%2f..%2f..%2fevil.glb", f"{service.origin}/files/%2e%2e/%2e%2e/etc/x.mp4"]
    service.files["/files/%2e%2e/%2e%2e/etc/x.mp4"] = b"\0\0\0\x20ftypisom" + bytes(100)
    service.next("fetch", answers(to_json({"status": "success", "id": 1, "output": links})))
    job = run(queue)
    assert job.state is State.READY
    assert not list(tmp_path.rglob("evil*"))
    being_written = set(job.folder.glob("~*-job.json"))
    assert {path.name for path in {*job.folder.iterdir()} - being_written} <= {
        "job.json", "reply.json", "image.png", "model.glb", "model.blend", "video.mp4",
    }  # fmt: skip


def test_an_endless_reply_is_cut_off(queue: Queue, service: ScriptedService) -> None:
    def endless(request: Request) -> None:
        request.connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"status": "')
        piece = b"x" * 65536
        try:
            for _ in range(1000):
                request.connection.sendall(piece)
        except OSError:
            return

    service.next("fetch", endless)
    job = run(queue)
    assert job.state is State.READY


def test_wrong_range_replies_do_not_make_a_damaged_model(queue: Queue, service: ScriptedService) -> None:
    def lies(request: Request) -> Reply:
        status, head, _ = ranged(request, request.service.model)
        return status, head, b"\0" * 10

    service.next("file", cut_at(0.5, resets), lies)
    job = run(queue)
    if job.state is State.FAILED:
        queue.command(job.id, Command.DOWNLOAD_AGAIN)
        [job] = rest(queue)
    assert job.state is State.READY
    assert job.model_path
    assert job.model_path.read_bytes() == service.model


# --- wrong settings ------------------------------------------------------------------------------


def test_a_blocked_service_does_not_block_other_services(
    queue: Queue, service: ScriptedService, tmp_path: Path
) -> None:
    other = ScriptedService(polls_until_done=10**6)
    queue.configure(a_config(tmp_path, other.base_url))
    stuck = queue.add(a_request(0))
    until(lambda: queue.jobs()[0].state is State.WAITING)
    queue.configure(a_config(tmp_path, service.base_url))  # another address: the first has no key for now
    until(lambda: "another server than" in str(queue.jobs()[0].note))
    job = queue.add(a_request(1))
    until(lambda: queue.job(job.id).state is State.READY, 20)  # type: ignore[union-attr]
    other.polls_until_done = 0
    queue.configure(a_config(tmp_path, other.base_url))
    until(lambda: queue.job(stuck.id).state is State.READY, 20)  # type: ignore[union-attr]
    other.close()


def test_a_wrong_service_url_can_be_corrected_and_the_job_retried(
    make_queue: MakeQueue, service: ScriptedService, tmp_path: Path
) -> None:
    wrong = f"http://127.0.0.1:{a_free_port()}/api/v6"
    queue = make_queue(base_url=wrong)
    job = run(queue)
    assert job.state is State.FAILED
    queue.configure(a_config(tmp_path, service.base_url))
    queue.command(job.id, Command.RETRY)
    assert rest(queue)[0].state is State.READY


def test_another_results_folder_can_be_chosen_when_the_first_is_missing(
    make_queue: MakeQueue, service: ScriptedService, tmp_path: Path
) -> None:
    (tmp_path / "blocked").write_text("a file where the folder should be")
    queue = make_queue(results=tmp_path / "blocked" / "results")
    job = run(queue)
    assert (job.state, job.error and job.error.code) == (State.FAILED, "storage")
    queue.configure(a_config(tmp_path, service.base_url, results=tmp_path / "elsewhere"))
    queue.command(job.id, Command.RETRY)
    [job] = rest(queue)
    assert job.state is State.READY
    assert job.folder.parent == tmp_path / "elsewhere"


def test_a_paid_result_moves_when_its_folder_becomes_unwritable(
    make_queue: MakeQueue, service: ScriptedService, tmp_path: Path
) -> None:
    queue = make_queue(results=tmp_path / "first")
    service.polls_until_done = 6
    queue.add(a_request())
    until(lambda: queue.jobs()[0].state is State.WAITING)
    folder = queue.jobs()[0].folder

    def removed() -> bool:
        shutil.rmtree(folder, ignore_errors=True)  # the queue may be writing job.json there
        return not folder.exists()

    until(removed)
    folder.write_text("a file where the folder should be")
    [job] = rest(queue)
    assert (job.state, job.error and job.error.code) == (State.FAILED, "storage")
    queue.configure(a_config(tmp_path, service.base_url, results=tmp_path / "second"))
    queue.command(job.id, Command.DOWNLOAD_AGAIN)
    [job] = rest(queue)
    assert job.state is State.READY
    assert job.folder.parent == tmp_path / "second"
    assert len(service.submits) == 1


def test_a_cancelled_job_that_may_be_charged_stays_on_the_list_after_a_restart(
    make_queue: MakeQueue, service: ScriptedService
) -> None:
    service.polls_until_done = 10**6
    first = make_queue()
    job = first.add(a_request())
    until(lambda: first.jobs()[0].state is State.WAITING)
    first.cancel(job.id)
    first.stop()
    service.polls_until_done = 0
    second = make_queue()
    second.adopt()
    until(lambda: len(second.jobs()) == 1)
    second.command(job.id, Command.RETRY)
    assert rest(second)[0].state is State.READY
    assert len(service.submits) == 1


def test_a_complete_model_is_not_downloaded_again_for_its_companion_files(
    queue: Queue, service: ScriptedService
) -> None:
    obj = b"mtllib chair.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"
    service.files |= {"/files/m/chair.obj": obj, "/files/m/chair.mtl": b"newmtl a\nKd 1 0 0\n"}
    links = [f"{service.origin}/files/m/chair.obj", f"{service.origin}/files/m/chair.mtl"]
    service.next("fetch", *[answers(to_json({"status": "success", "id": 1, "output": links}))] * 4)
    service.next("file", lambda request: ranged(request, obj), *[resets] * 3)
    job = run(queue, parameters={"output_format": "obj"})
    assert job.state is State.READY
    models = [path for what, path, _, _ in service.requests if path.endswith("chair.obj")]
    assert len(models) == 1
