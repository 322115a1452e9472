# SPDX-License-Identifier: GPL-3.0-or-later
"""How a server is recognized, and what *Test Connection* says about an address."""

from __future__ import annotations

import gzip
import time
from typing import Any

import pytest
from dialect_servers import Hunyuan, Lemonade, LocalAI, TrellisCpp, running
from image_to_3d.control import Control
from image_to_3d.errors import CancelledError, LocalServerError
from image_to_3d.local_servers import connection as connection_module
from image_to_3d.local_servers import questions as questions_module
from image_to_3d.local_servers.connection import Connection
from image_to_3d.local_servers.dialects import DIALECTS
from image_to_3d.local_servers.errors import BusyError, NotRunningError
from image_to_3d.local_servers.probe import Found, probe
from local_server import Fault, Fixed, LocalServer, Minimal, answer, answer_json, json_in, nothing_listens
from model_files import glb
from model_requests import SERVERS, model_from
from server_faults import PAGE, hangs, hangs_up, redirects, says, sends

GLB = glb()
PATHS = {
    "LEMONADE": ("/v1/health", "/v1/3d/generations"),
    "LOCALAI": ("/3d/generations",),
    "TRELLIS_CPP": ("/health", "/generate"),
    "HUNYUAN": ("/send", "/status/"),
    "HUNYUAN_21": ("/send", "/generate", "/status/", "/openapi.json"),
}
"""What a server of the kind must have at least."""


def found(server: LocalServer, path: str = "", chosen: str = "", **options: Any) -> Found:
    with running(server) as address:
        return probe(Connection(address + path, **options), chosen)


def wrong(server: LocalServer, **options: Any) -> LocalServerError:
    """What is said to be wrong with a server."""
    with pytest.raises(LocalServerError) as caught:
        found(server, **options)
    assert str(caught.value.advice)
    return caught.value


@pytest.mark.parametrize(("kind", "server"), SERVERS.items())
@pytest.mark.parametrize("chosen", [False, True])
def test_each_server_is_recognized_and_makes_no_model_for_that(
    kind: str, server: type[LocalServer], chosen: bool
) -> None:
    asked = server(GLB)
    with running(asked) as address:
        result = probe(Connection(address), kind if chosen else "")
    assert result.dialect is DIALECTS[kind]
    assert str(result.text) == f"{result.dialect.name} answers at {address}."
    assert asked.received == []
    assert not any(line.startswith("POST") for line in asked.asked)


@pytest.mark.parametrize(("kind", "server"), SERVERS.items())
@pytest.mark.parametrize("chosen", [False, True])
def test_a_server_with_nothing_but_what_makes_models_is_recognized(
    kind: str, server: type[LocalServer], chosen: bool
) -> None:
    asked = Minimal(inner=server(GLB), paths=PATHS[kind])
    assert found(asked, chosen=kind if chosen else "").dialect is DIALECTS[kind]
    assert asked.inner.received == []


def test_a_server_that_crashes_at_an_unreadable_request_is_recognized() -> None:
    class Careless(LocalAI):
        def post(self, handler: Any, body: bytes) -> None:
            if body == b"{" and handler.path == "/3d/generations":
                hangs_up(handler)
            else:
                super().post(handler, body)

    careless = Minimal(inner=Careless(GLB), paths=PATHS["LOCALAI"])
    assert found(careless).dialect.id == "LOCALAI"


@pytest.mark.parametrize(("kind", "server"), SERVERS.items())
def test_a_server_that_crashes_at_whatever_it_can_not_read_is_recognized(kind: str, server: type[LocalServer]) -> None:
    class Careless(Minimal):
        def handle(self, handler: Any, body: bytes | None) -> None:
            if body is not None and json_in(body) is None:
                hangs_up(handler)
            elif handler.path == "/health":
                answer_json(handler, 200 if kind == "TRELLIS_CPP" else 404, {"status": "ok"})
            else:
                super().handle(handler, body)

    careless = Careless(inner=server(GLB), paths=PATHS[kind])
    assert found(careless).dialect.id == kind
    assert careless.inner.received == []


@pytest.mark.parametrize(("kind", "server"), SERVERS.items())
def test_a_server_that_crashes_at_each_path_it_does_not_know_makes_models(kind: str, server: type[LocalServer]) -> None:
    class Careless(Minimal):
        def handle(self, handler: Any, body: bytes | None) -> None:
            if handler.path.startswith(self.paths):
                super().handle(handler, body)
            else:
                hangs_up(handler)

    assert model_from(Careless(inner=server(GLB), paths=PATHS[kind])) == GLB


def test_a_trellis_cpp_that_answers_health_as_json_is_recognized() -> None:
    class Json(TrellisCpp):
        def get(self, handler: Any) -> None:
            answer_json(handler, 200 if handler.path == "/health" else 404, {"status": "ok"})

    assert found(Json(GLB)).dialect.id == "TRELLIS_CPP"


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/", "/api/v1", "/api/v1/", "/v1/health"])
def test_an_address_with_the_prefix_of_an_api_is_understood(path: str) -> None:
    assert found(Lemonade(GLB), path).dialect.id == "LEMONADE"
    assert found(LocalAI(GLB), path).dialect.id == "LOCALAI"


def test_a_lemonade_that_answers_health_as_text_is_recognized() -> None:
    class Text(Lemonade):
        def get(self, handler: Any) -> None:
            answer(handler, 200 if handler.path == "/v1/health" else 404, b"ok", "text/plain")

    assert found(Text(GLB)).dialect.id == "LEMONADE"


def test_nothing_that_listens_is_a_server_that_is_not_running() -> None:
    match = "No server answers at"
    with nothing_listens() as address, pytest.raises(NotRunningError, match=match) as caught:
        probe(Connection(address))
    assert "Start the server" in str(caught.value)


OTHERS: dict[str, tuple[Fault, str]] = {
    "a page": (sends(PAGE, "text/html"), "There is a web page at http://127.0.0.1"),
    "a page, 404": (sends(PAGE, "text/html", 404), "Often it is that of a web page"),
    "a page, 405": (sends(PAGE, "text/html", 405), "Often it is that of a web page"),
    "FastAPI": (says(404, {"detail": "Not Found"}), "none of the servers known"),
    "JSON": (says(200, {"hello": 1}), "none of the servers known"),
    "JSON with a status": (says(200, {"status": "ok"}), "none of the servers known"),
    "a list": (says(200, [1]), "none of the servers known"),
    "empty": (sends(b"", ""), "none of the servers known"),
    "refuses all": (says(400, {"error": "bad request"}), "none of the servers known"),
    "fails": (sends(b"oops", "text/plain", 500), "none of the servers known"),
    "token": (says(401, {"error": {"message": "API key required"}}), "The server requires a token"),
    "forbidden": (sends(b"", "", 403), "The server requires a token"),
    "redirects": (redirects("https://127.0.0.1:9/"), "The server redirects to another address: https://127.0.0.1:9/"),
}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("chosen", ["", "LEMONADE"])
def test_another_program_is_told_in_plain_words(name: str, chosen: str) -> None:
    respond, text = OTHERS[name]
    assert text in str(wrong(Fixed(respond=respond), chosen=chosen))


def test_the_page_of_gradio_is_told_from_the_api() -> None:
    def gradio(handler: Any) -> None:
        if handler.command == "GET" and handler.path == "/":
            answer(handler, 200, PAGE, "text/html")
        else:
            answer_json(handler, 404 if handler.command == "GET" else 405, {"detail": "Not Found"})

    error = str(wrong(Fixed(respond=gradio)))
    assert "it has another port than the page" in error
    assert "Hunyuan3D-2 http://127.0.0.1:8081" in error


@pytest.mark.parametrize(
    "respond",
    [
        says(503, {"error": {"message": "Loading model", "type": "unavailable_error"}}),
        says(500, {"error": "The model is still loading"}),
        says(200, {"status": "loading model"}),
        says(200, {"status": "initializing"}),
        sends(b"loading", "text/plain"),
        sends(PAGE, "text/html", 503),
    ],
)
def test_a_server_that_still_loads_is_told(respond: Fault) -> None:
    error = wrong(Fixed(respond=respond))
    assert isinstance(error, BusyError)
    assert "loading its model" in str(error)


@pytest.mark.parametrize(
    "respond",
    [
        says(500, {"error": {"message": "CUDA out of memory. Tried to allocate 2.00 GiB"}}),
        says(200, {"status": "error", "message": "ErrorOutOfDeviceMemory"}),
        says(503, {"error": "failed to allocate Vulkan0 buffer"}),
    ],
)
def test_a_server_whose_card_has_too_little_memory_is_told(respond: Fault) -> None:
    assert "The graphics card has too little memory" in str(wrong(Fixed(respond=respond)))


def test_a_token_that_a_server_repeats_is_not_shown() -> None:
    error = wrong(Fixed(respond=says(401, {"error": "Invalid key: very-secret"})), token="very-secret")
    assert "very-secret" not in str(error)
    assert "[key]" in str(error)


def test_a_token_that_is_wrong_is_told_and_the_right_one_accepted() -> None:
    for server in SERVERS.values():
        assert "requires a token" in str(wrong(server(GLB, token="right"), token="wrong"))
        assert found(server(GLB, token="right"), token="right")


def test_a_server_of_language_models_has_no_api_for_3d_models() -> None:
    """As llama.cpp, and older versions of Lemonade and LocalAI."""

    def llama(handler: Any) -> None:
        known = {
            "/health": {"status": "ok"},
            "/v1/health": {"status": "ok"},
            "/v1/models": {"object": "list", "data": []},
        }
        if handler.command == "GET" and handler.path == "/":
            answer(handler, 200, PAGE, "text/html")
        elif handler.command == "GET" and handler.path in known:
            answer_json(handler, 200, known[handler.path])
        else:
            answer_json(handler, 404, {"error": {"code": 404, "message": "File Not Found"}})

    error = wrong(Fixed(respond=llama))
    assert "no API for 3D models" in str(error)
    assert "Update it" in str(error)


@pytest.mark.parametrize("server", [Lemonade, LocalAI])
def test_a_model_that_the_server_does_not_list_is_told(server: type[LocalServer]) -> None:
    with running(server(GLB)) as address:
        assert str(probe(Connection(address)).text).endswith(f" answers at {address}.")
        told = str(probe(Connection(address), model="another").text)
    assert told.endswith(f" answers at {address}, but does not list the model another.")


def test_a_server_of_another_kind_than_the_chosen_one_is_named() -> None:
    error = wrong(Lemonade(GLB), chosen="HUNYUAN")
    assert str(error.message).endswith(" is Lemonade, not Hunyuan3D-2.")


@pytest.mark.parametrize("chosen", ["", "TRELLIS_CPP"])
def test_a_server_that_hangs_is_told_in_time(chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions_module, "SHORT_SECONDS", 1.0)
    assert connection_module.SHORT_SECONDS == 10
    started = time.monotonic()
    error = wrong(Fixed(respond=hangs(20)), chosen=chosen)
    assert time.monotonic() - started < 3
    assert isinstance(error, BusyError)
    assert "did not answer within 1 seconds: it is busy, or it hangs" in str(error)


def test_an_answer_that_would_fill_the_memory_is_not_read() -> None:
    bomb = gzip.compress(b"{" + bytes(20_000_000))

    def fault(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", str(len(bomb)))
        handler.end_headers()
        handler.wfile.write(bomb)

    assert "too long" in str(wrong(Fixed(respond=fault)))


def test_a_program_that_speaks_no_http_is_not_a_server() -> None:
    def greets(handler: Any) -> None:
        handler.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        hangs_up(handler)

    assert "No server answers at" in str(wrong(Fixed(respond=greets)))
    assert "No server answers at" in str(wrong(Fixed(respond=hangs_up)))


def test_a_test_that_is_cancelled_ends_at_once() -> None:
    with pytest.raises(CancelledError):
        found(Hunyuan(GLB), control=Control(lambda: True))
