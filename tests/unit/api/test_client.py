# SPDX-License-Identifier: GPL-3.0-or-later
"""The client sends what the service's contract says, where it says, and the key nowhere else."""

from __future__ import annotations

import base64
import gzip
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from image_to_3d.api.client import UPLOAD_LIMIT_BYTES, Balance, Client
from image_to_3d.control import Control
from image_to_3d.errors import (
    Action,
    ImageError,
    ImageTo3DError,
    KeyMissingError,
    KeyRejectedError,
    NoCreditError,
    OutcomeUnknownError,
    ParameterError,
    ProxyError,
    RateLimitError,
    ResultMissingError,
    ServiceBrokenError,
    ServiceRefusedError,
    UnsafeAddressError,
)
from pytest_httpserver import HTTPServer
from raw_server import Connection, RawServer
from werkzeug import Request, Response

KEY = "kA93jfQz7LmTb0XvSecret"
IMAGE = "https://files.example/temp/chair.png"
GLB = "https://files.example/generations/chair.glb"


@pytest.fixture
def client(httpserver: HTTPServer) -> Iterator[Client]:
    client = Client(httpserver.url_for("/api/v6"), KEY, timeouts=(30, 30))
    yield client
    client.close()


def sent(httpserver: HTTPServer, number: int = -1) -> Any:
    return json.loads(httpserver.log[number][0].get_data())


# Submit


def test_submit_sends_key_image_under_both_names_and_parameters(client: Client, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/v6/3d/image_to_3d", method="POST").respond_with_json(
        {"status": "processing", "id": 5, "eta": 4}
    )
    reply = client.submit(
        {"image": IMAGE, "seed": "3480183101", "render": True, "webhook": None, "mesh_simplify": 0.95}
    )
    assert reply.id == "5"
    assert sent(httpserver) == {
        "key": KEY,
        "image": IMAGE,
        "init_image": IMAGE,
        "seed": 3480183101,
        "render": True,
        "webhook": None,
        "mesh_simplify": 0.95,
    }
    assert httpserver.log[0][0].content_type == "application/json"


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"image": "chair.png"},
        {"image": IMAGE, "resolution": 513},
        {"image": IMAGE, "seeds": 1},
        {"image": IMAGE, "key": "x"},
    ],
)
def test_a_wrong_parameter_is_refused_before_anything_is_sent(
    client: Client, httpserver: HTTPServer, parameters: dict[str, Any]
) -> None:
    with pytest.raises(ParameterError):
        client.submit(parameters)
    assert httpserver.log == []


def test_success_at_once_is_done(client: Client, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/v6/3d/image_to_3d").respond_with_json(
        {"status": "success", "id": 5, "output": [GLB]}
    )
    reply = client.submit({"image": IMAGE})
    assert reply.done
    assert reply.links == ((GLB,),)


def test_success_without_files_is_asked_for_again(client: Client, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/v6/3d/image_to_3d").respond_with_json({"status": "success", "id": 5, "output": []})
    assert not client.submit({"image": IMAGE}).done


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, {"status": "error", "message": "Invalid API key"}, KeyRejectedError),
        (200, {"status": "error", "messege": {"init_image": ["required"]}}, ServiceRefusedError),
        (200, {"status": "error", "message": "No credits left"}, NoCreditError),
        (200, {"status": "failed", "message": "try again in 30 minutes"}, RateLimitError),
        (200, {"status": "error", "message": "Internal server error, try again"}, ServiceRefusedError),
        (400, {"message": "bad"}, ServiceRefusedError),
        (401, "<html>", KeyRejectedError),
        (402, "", NoCreditError),
        (403, {"status": "error"}, KeyRejectedError),
        (404, "<html>", ServiceRefusedError),
        (407, "<html>", ProxyError),
        (429, {"retry_after": 5}, RateLimitError),
    ],
)
def test_a_refused_submit_costs_nothing_and_says_so(
    client: Client, httpserver: HTTPServer, status: int, body: Any, kind: type
) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    httpserver.expect_request("/api/v6/3d/image_to_3d").respond_with_data(text, status=status)
    with pytest.raises(ImageTo3DError) as raised:
        client.submit({"image": IMAGE})
    assert type(raised.value) is kind


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, {"status": "error", "message": "Server error"}),
        (500, {"status": "error", "message": "No credits left"}),
        (502, "<html><body>Bad gateway</body></html>"),
        (503, {"status": "error", "message": "Rate limit"}),
        (504, ""),
        (524, "<html>"),
        (200, "<html>Just a moment...</html>"),
        (200, ""),
        (200, "{}"),
        (200, '{"status": "proc'),
        (202, "[]"),
        (200, {"status": "processing", "message": "Wait"}),
        (200, {"status": "processing", "id": None, "fetch_result": "https://evil.example/collect"}),
        (200, {"status": "success", "output": []}),
        (408, ""),
    ],
)
def test_a_submit_without_a_clear_answer_has_an_unknown_outcome(
    client: Client, httpserver: HTTPServer, status: int, body: Any
) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    httpserver.expect_request("/api/v6/3d/image_to_3d").respond_with_data(text, status=status)
    with pytest.raises(OutcomeUnknownError) as raised:
        client.submit({"image": IMAGE})
    assert raised.value.action is Action.CHECK_AGAIN
    assert not raised.value.transient
    assert len(httpserver.log) == 1


def test_a_job_taken_with_a_gateways_error_code_is_not_lost(client: Client, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/v6/3d/image_to_3d").respond_with_json({"status": "processing", "id": 5}, status=504)
    assert client.submit({"image": IMAGE}).id == "5"


def test_a_url_to_poll_of_another_host_is_ignored(client: Client, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/v6/3d/image_to_3d").respond_with_json(
        {"status": "processing", "id": 5, "fetch_result": "https://evil.example/api/v6/3d/fetch/5"}
    )
    reply = client.submit({"image": IMAGE})
    assert (reply.id, reply.fetch_url) == ("5", "")


# Fetch


def test_fetch_asks_at_the_address_it_was_given(client: Client, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/elsewhere/5", method="POST").respond_with_json({"status": "processing", "output": ""})
    reply = client.fetch("5", httpserver.url_for("/elsewhere/5"))
    assert (reply.done, reply.id) == (False, "5")
    assert sent(httpserver) == {"key": KEY}


@pytest.mark.parametrize(
    "foreign",
    [
        "",
        "https://evil.example/api/v6/3d/fetch/5",
        "https://127.0.0.1:{port}/api/v6/3d/fetch/5",
        "http://127.0.0.1:1/api/v6/3d/fetch/5",
        "http://127.0.0.1:{port}/api/v6/3d/fetch/9",
        "http://127.0.0.1:{port}@evil.example/3d/fetch/5",
        "http://user:word@127.0.0.1:{port}/3d/fetch/9",
        "http://evil.example\\@127.0.0.1:{port}/",
        "ftp://127.0.0.1:{port}/",
        "nonsense",
    ],
)
def test_fetch_makes_the_address_from_the_id_when_the_given_one_is_not_the_services(
    client: Client, httpserver: HTTPServer, foreign: str
) -> None:
    httpserver.expect_request("/api/v6/3d/fetch/5", method="POST").respond_with_json(
        {"status": "success", "output": [GLB], "id": 5}
    )
    assert client.fetch("5", foreign.format(port=httpserver.port)).done
    assert len(httpserver.log) == 1


def test_the_key_goes_to_no_other_port(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/v6/3d/fetch/5").respond_with_json({"status": "processing"})
    with RawServer(lambda c: c.answer(b"{}")) as other:
        Client(httpserver.url_for("/api/v6"), KEY).fetch("5", f"{other.url}/api/v6/3d/fetch/5")
        assert other.connections == 0


@pytest.mark.parametrize("service_id", ["", "..", "."])
def test_fetch_without_a_way_to_ask_is_refused(client: Client, httpserver: HTTPServer, service_id: str) -> None:
    with pytest.raises(UnsafeAddressError):
        client.fetch(service_id, "https://evil.example/x")
    assert httpserver.log == []


@pytest.mark.parametrize(
    ("service_id", "path"), [("a b", "a%20b"), ("../../x", "..%2F..%2Fx"), ("a?b#c", "a%3Fb%23c"), ("ü", "%C3%BC")]
)
def test_an_id_cannot_change_the_address(service_id: str, path: str) -> None:
    with RawServer(lambda c: c.answer(b'{"status": "processing"}')) as server:
        Client(f"{server.url}/api/v6", KEY).fetch(service_id)
        assert server.requests[0].target == f"/api/v6/3d/fetch/{path}"


@pytest.mark.parametrize("status", [500, 502, 503, 504, 529])
@pytest.mark.parametrize("body", ["<html>", '{"status": "error", "message": "No credits"}', ""])
def test_a_server_error_at_fetch_can_be_asked_again(
    client: Client, httpserver: HTTPServer, status: int, body: str
) -> None:
    httpserver.expect_request("/api/v6/3d/fetch/5").respond_with_data(body, status=status, headers={"Retry-After": "9"})
    with pytest.raises(ServiceBrokenError) as raised:
        client.fetch("5")
    assert raised.value.transient
    assert raised.value.retry_after == 9
    assert str(status) in str(raised.value.message)


def test_too_many_questions_at_fetch_have_to_wait(client: Client, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/v6/3d/fetch/5").respond_with_json(
        {"status": "error", "message": "x"}, status=429, headers={"Retry-After": "9"}
    )
    with pytest.raises(RateLimitError) as raised:
        client.fetch("5")
    assert raised.value.retry_after == 9


@pytest.mark.parametrize("status", [200, 404])
def test_a_job_that_the_service_does_not_know_is_a_missing_result_in_its_words(
    client: Client, httpserver: HTTPServer, status: int
) -> None:
    httpserver.expect_request("/api/v6/3d/fetch/5").respond_with_json(
        {"status": "error", "message": "Request not found"}, status=status
    )
    with pytest.raises(ResultMissingError, match="Request not found"):
        client.fetch("5")


@pytest.mark.parametrize("reason", ["out of memory", "not enough credit", "try again in 30 minutes"])
@pytest.mark.parametrize("status", [200, 500])
def test_a_failed_generation_is_final_whatever_its_text_says(
    client: Client, httpserver: HTTPServer, status: int, reason: str
) -> None:
    httpserver.expect_request("/api/v6/3d/fetch/5").respond_with_json(
        {"status": "failed", "message": reason}, status=status
    )
    with pytest.raises(ServiceRefusedError, match=f"The generation failed .*{reason}"):
        client.fetch("5")


def test_a_finished_job_without_files_is_a_missing_result(client: Client, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/v6/3d/fetch/5").respond_with_json({"status": "success", "output": [], "id": 5})
    with pytest.raises(ResultMissingError):
        client.fetch("5")


# Upload


@pytest.mark.parametrize("size", [1, 2, 3, 192 * 1024, 192 * 1024 + 1, 1_000_000])
def test_upload_sends_the_whole_image_as_text(client: Client, httpserver: HTTPServer, size: int) -> None:
    image_file = bytes(i * 7 % 251 for i in range(size))
    httpserver.expect_request("/api/v6/base64_to_url", method="POST").respond_with_json(
        {"status": "success", "id": 1047, "output": [IMAGE]}
    )
    assert client.upload(image_file, "image/png") == IMAGE
    body = sent(httpserver)
    assert body.keys() == {"key", "base64_string"}
    assert body["key"] == KEY
    head, _, text = body["base64_string"].partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(text, validate=True) == image_file


def test_the_largest_upload_stays_below_5_mb_as_text(client: Client, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/v6/base64_to_url").respond_with_json({"output": IMAGE})
    assert client.upload(b"x" * UPLOAD_LIMIT_BYTES, "image/jpeg") == IMAGE
    assert 4_900_000 < len(httpserver.log[0][0].get_data()) < 5_000_000


@pytest.mark.parametrize(
    ("image_file", "mime"),
    [
        (b"", "image/png"),
        (b"x" * (UPLOAD_LIMIT_BYTES + 1), "image/png"),
        (b"x", "text/html"),
        (b"x", 'image/png", "x": "'),
    ],
)
def test_what_is_no_image_to_upload_is_refused_before_anything_is_sent(
    client: Client, httpserver: HTTPServer, image_file: bytes, mime: str
) -> None:
    with pytest.raises(ImageError):
        client.upload(image_file, mime)
    assert httpserver.log == []


@pytest.mark.parametrize("body", [{"status": "success", "output": []}, {"status": "success"}, {}, {"output": "none"}])
def test_an_upload_without_an_address_is_the_services_fault(client: Client, httpserver: HTTPServer, body: Any) -> None:
    httpserver.expect_request("/api/v6/base64_to_url").respond_with_json(body)
    with pytest.raises(ServiceBrokenError):
        client.upload(b"x", "image/png")


def test_a_refused_upload_says_why(client: Client, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/v6/base64_to_url").respond_with_json({"status": "error", "message": "Too big"})
    with pytest.raises(ServiceRefusedError, match="Too big"):
        client.upload(b"x", "image/png")


def test_a_cancelled_upload_ends(httpserver: HTTPServer) -> None:
    with RawServer(lambda c: c.stall()) as server, pytest.raises(ImageTo3DError) as raised:
        Client(f"{server.url}/api/v6", KEY).upload(b"x", "image/png", Control(lambda: server.connections > 0))
    assert raised.value.code == "cancelled"


# Account


@pytest.mark.parametrize(
    ("base", "path"),
    [
        ("/api/v6", "/api/wallet_balance"),
        ("/api/v6/", "/api/wallet_balance"),
        ("/api/v1/enterprise", "/api/wallet_balance"),
        ("/proxy/api/v6", "/proxy/api/wallet_balance"),
        ("", "/wallet_balance"),
        ("/service", "/service/wallet_balance"),
    ],
)
def test_the_balance_is_asked_for_before_the_version(httpserver: HTTPServer, base: str, path: str) -> None:
    httpserver.expect_request(path, method="POST").respond_with_json(
        {"status": "success", "data": {"balance": 43.6, "currency": "USD"}}
    )
    assert Client(httpserver.url_for(base), KEY).balance() == Balance(43.6, "USD")
    assert sent(httpserver) == {"key": KEY}


def test_the_enterprise_twin_has_the_same_paths(httpserver: HTTPServer) -> None:
    base = "/api/v1/enterprise"
    httpserver.expect_request(f"{base}/base64_to_url").respond_with_json({"output": [IMAGE]})
    httpserver.expect_request(f"{base}/3d/image_to_3d").respond_with_json({"status": "processing", "id": 5})
    httpserver.expect_request(f"{base}/3d/fetch/5").respond_with_json({"status": "success", "output": [GLB]})
    client = Client(httpserver.url_for(base), KEY)
    reply = client.submit({"image": client.upload(b"x", "image/png")})
    assert client.fetch(reply.id).links == ((GLB,),)


def test_the_balance_is_also_found_with_the_version(client: Client, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/wallet_balance").respond_with_data("<html>", status=404)
    httpserver.expect_request("/api/v6/wallet_balance").respond_with_json({"balance": "12.50"})
    assert client.balance() == Balance(12.5, "")


def test_a_key_is_tested_by_the_balance(client: Client, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/wallet_balance").respond_with_json(
        {"status": "error", "message": "Invalid API key"}
    )
    with pytest.raises(KeyRejectedError):
        client.balance()


def test_generated_asks_for_a_page_of_3d_models(client: Client, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/v6/assets_generated", method="POST").respond_with_json(
        {"data": [{"id": 7, "output": [GLB]}], "pagination": {"total": 1}}
    )
    found = client.generated(page=2, per_page=500)
    assert [(g.id, g.links) for g in found] == [("7", ((GLB,),))]
    assert sent(httpserver) == {"key": KEY, "type": "3d", "per_page": 30, "page": 2}


@pytest.mark.parametrize("status", [404, 405])
def test_generated_is_also_found_without_the_version(client: Client, httpserver: HTTPServer, status: int) -> None:
    httpserver.expect_request("/api/v6/assets_generated").respond_with_json({"message": "no route"}, status=status)
    httpserver.expect_request("/api/assets_generated").respond_with_json([{"id": "x", "output": GLB}])
    assert [g.id for g in client.generated()] == ["x"]


def test_generated_that_is_refused_is_refused_once(client: Client, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/v6/assets_generated").respond_with_json({"message": "no"}, status=401)
    with pytest.raises(KeyRejectedError):
        client.generated()
    assert len(httpserver.log) == 1


# The key, and what is sent besides


def test_without_a_key_nothing_is_sent(httpserver: HTTPServer) -> None:
    for key in ("", "  \n"):
        with pytest.raises(KeyMissingError):
            Client(httpserver.url_for("/api/v6"), key).balance()
    assert httpserver.log == []


def test_a_key_pasted_with_spaces_around_it_is_the_key(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/wallet_balance").respond_with_json({"balance": 1})
    Client(httpserver.url_for("/api/v6"), f" {KEY}\n").balance()
    assert sent(httpserver) == {"key": KEY}


def test_the_key_is_in_the_body_only(client: Client, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/v6/3d/fetch/5").respond_with_json({"status": "processing"})
    client.fetch("5")
    request: Request = httpserver.log[0][0]
    assert KEY not in request.url
    assert KEY not in str(request.headers)
    assert "Cookie" not in request.headers
    assert "Authorization" not in request.headers
    assert request.headers["Accept-Encoding"] == "identity"


def test_neither_repr_nor_log_tell_the_key(httpserver: HTTPServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    httpserver.expect_request("/api/v6/3d/fetch/5").respond_with_json({"status": "error", "message": f"bad key {KEY}"})
    client = Client(httpserver.url_for("/api/v6"), KEY)
    with pytest.raises(ImageTo3DError) as raised:
        client.fetch("5")
    assert KEY not in repr(client) + str(vars(raised.value)) + str(raised.value) + caplog.text


def test_logins_and_cookies_of_the_computer_are_not_sent(
    client: Client, httpserver: HTTPServer, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login artist password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    httpserver.expect_request("/api/v6/3d/fetch/5").respond_with_json(
        {"status": "processing"}, headers={"Set-Cookie": "a=b; Path=/"}
    )
    client.fetch("5")
    client.fetch("5")
    assert "Authorization" not in httpserver.log[0][0].headers
    assert "Cookie" not in httpserver.log[1][0].headers


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    client: Client, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    httpserver.expect_request("/api/v6/3d/fetch/5").respond_with_json({"status": "processing"})
    assert not client.fetch("5").done


def test_a_proxy_of_the_environment_is_asked_for_other_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with RawServer(lambda c: c.answer(b'{"balance": 5}')) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        assert Client("http://service.example/api/v6", KEY).balance().amount == 5
        assert proxy.requests[0].target == "http://service.example/api/wallet_balance"


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_with_the_key(client: Client, httpserver: HTTPServer, status: int) -> None:
    with RawServer(lambda c: c.answer(b"{}")) as other:
        httpserver.expect_request("/api/v6/3d/image_to_3d").respond_with_data(
            "", status=status, headers={"Location": f"{other.url}/api"}
        )
        with pytest.raises(UnsafeAddressError, match=r"127\.0\.0\.1") as raised:
            client.submit({"image": IMAGE})
        assert other.connections == 0
    assert raised.value.action is Action.OPEN_PREFERENCES


@pytest.mark.parametrize("name", ["Location", "location", "LOCATION"])
def test_a_redirect_names_the_other_host_whatever_the_case_of_its_header(name: str) -> None:
    def redirect(connection: Connection) -> None:
        connection.answer(b"", "302 Found", **{name: "https://other.example/api"})

    with RawServer(redirect) as server, pytest.raises(UnsafeAddressError, match=r"other\.example"):
        Client(server.url, KEY).balance()


@pytest.mark.parametrize("location", ["", "http://[", "\x01", "//", "///", "https://" + "x" * 9000])
def test_a_redirect_to_nowhere_is_a_readable_error(location: str) -> None:
    def redirect(connection: Connection) -> None:
        connection.answer(b"", "302 Found", Location=location)

    with RawServer(redirect) as server, pytest.raises(UnsafeAddressError):
        Client(server.url, KEY).balance()


# Base addresses


@pytest.mark.parametrize(
    "address",
    [
        "",
        "modelslab.com",
        "ftp://modelslab.com",
        "https://",
        "https://user:word@host/",
        "https://host/?a=b",
        "https://ho st/",
        "https://host/#x",
    ],
)
def test_a_base_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ParameterError) as raised:
        Client(address, KEY)
    assert raised.value.action is Action.OPEN_PREFERENCES


def test_the_origin_is_spelled_out() -> None:
    client = Client(" https://ModelsLab.com/api/v6/ ", KEY)
    assert client.base_url == "https://ModelsLab.com/api/v6"
    assert client.origin == "https://modelslab.com:443"


# Replies on the wire


def test_a_packed_reply_is_unpacked(client: Client, httpserver: HTTPServer) -> None:
    body = gzip.compress(json.dumps({"status": "processing", "id": 5}).encode())
    httpserver.expect_request("/api/v6/3d/fetch/5").respond_with_data(body, headers={"Content-Encoding": "gzip"})
    assert not client.fetch("5").done


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd"])
def test_a_reply_that_cannot_be_unpacked_is_a_readable_error(
    client: Client, httpserver: HTTPServer, encoding: str
) -> None:
    httpserver.expect_request("/api/v6/3d/fetch/5").respond_with_data(b"no", headers={"Content-Encoding": encoding})
    with pytest.raises(ServiceBrokenError):
        client.fetch("5")


def test_a_packed_reply_that_grows_without_end_is_cut(client: Client, httpserver: HTTPServer) -> None:
    body = gzip.compress(b" " * 200_000_000, 1)
    assert len(body) < 1_000_000
    httpserver.expect_request("/api/v6/3d/fetch/5").respond_with_data(body, headers={"Content-Encoding": "gzip"})
    with pytest.raises(ServiceBrokenError, match="too long"):
        client.fetch("5")


def test_one_client_serves_many_threads(client: Client, httpserver: HTTPServer) -> None:
    def answer(request: Request) -> Response:
        number = request.path.rsplit("/", 1)[1]
        return Response(json.dumps({"status": "processing", "id": number}), content_type="application/json")

    httpserver.expect_request("/api/v6/3d/image_to_3d").respond_with_json({"status": "processing", "id": 1})
    for number in range(40):
        httpserver.expect_request(f"/api/v6/3d/fetch/{number}").respond_with_handler(answer)
    found: dict[int, str] = {}

    def ask(number: int) -> None:
        found[number] = client.fetch(str(number)).id

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: str(n) for n in range(40)}


def test_importing_the_client_does_not_bring_in_requests() -> None:
    program = (
        "import package_stub, sys\n"
        "import image_to_3d.api.client, image_to_3d.api.download, image_to_3d.api.parameters\n"
        "assert not {'requests', 'urllib3', 'numpy', 'bpy'} & set(sys.modules), sys.modules.keys()"
    )
    support = next(p for p in sys.path if p.endswith("tests/support"))
    done = subprocess.run([sys.executable, "-c", program], cwd=support, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "unannounced"])
def test_a_reply_over_1_mb_is_not_parsed(announced: bool) -> None:
    body = b'{"status": "success", "id": 5, "output": ["https://files.example/x.glb"], "data": [], "x": "'
    body += b"x" * 1024 * 1024 + b'"}'
    length = {} if announced else {"Content_Length": None}
    with RawServer(lambda c: c.answer(body, **length)) as server:
        client = Client(f"{server.url}/api/v6", KEY, timeouts=(20, 20))
        for call in (lambda: client.fetch("5"), client.balance, client.generated):
            with pytest.raises(ServiceBrokenError, match="too long"):
                call()
        with pytest.raises(ServiceBrokenError, match="too long"):
            client.upload(b"x", "image/png")
        with pytest.raises(OutcomeUnknownError, match="too long"):
            client.submit({"image": IMAGE})


@pytest.mark.parametrize(
    "value",
    ["[" * 100_000, '{"a":' * 100_000, "1" * 5000, "NaN", "1e999", '{"id": 1, "id": 2}', '"\\ud800"'],
    ids=["deep lists", "deep objects", "a huge number", "NaN", "infinity", "a key twice", "half a character"],
)
def test_json_that_breaks_parsers_is_a_reply_or_a_known_error(value: str) -> None:
    closing = value.count("[") * "]" + (value.count("{") * "}" if len(value) > 1000 else "")
    body = f'{{"status": "success", "id": 5, "meta": {value}{closing}, "output": ["https://a.example/x.glb"]}}'.encode()
    with RawServer(lambda c: c.answer(body)) as server:
        client = Client(f"{server.url}/api/v6", KEY, timeouts=(20, 20))
        for call in (
            lambda: client.fetch("5"),
            client.balance,
            client.generated,
            lambda: client.submit({"image": IMAGE}),
        ):
            with suppress(ImageTo3DError):
                call()
