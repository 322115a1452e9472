# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong with artists' own servers: each failure in plain words, with what to do about it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from dialect_servers import LocalAI, running
from image_to_3d.errors import Action, ConnectionFailedError, ConnectionLostError, ImageTo3DError, LocalServerError
from image_to_3d.local_servers.connection import Connection, base_url
from image_to_3d.local_servers.dialects import DIALECTS, detect
from image_to_3d.local_servers.errors import BusyError, SettingError, TimeLimitError
from local_server import Fault, nothing_listens
from model_files import glb
from model_requests import SERVERS, a_request, model_from
from raw_server import CERTIFICATE, RawServer
from server_faults import PAGE, breaks_off, drips, hangs_up, redirects, says, sends

GLB = glb()
KINDS = [kind for kind in SERVERS if kind != "HUNYUAN_21"]
"""Hunyuan3D-2.1 is asked as Hunyuan3D-2 is."""
MEMORY = "The graphics card has too little memory"


def failure(kind: str, fault: Fault, **options: Any) -> ImageTo3DError:
    """The error of a job whose request for a model is answered with a fault."""
    with pytest.raises(ImageTo3DError) as caught:
        model_from(SERVERS[kind](GLB, faults=[fault]), kind=kind, **options)
    return caught.value


REFUSALS = {
    "Lemonade, request": (says(400, {"error": {"message": "'seed' must be an integer"}}), "'seed' must be an integer"),
    "Lemonade, model": (
        says(404, {"error": {"message": "Model 'X' was not found. Available models include: 'Y'.", "code": "m"}}),
        "The server does not have this model",
    ),
    "Lemonade, backend": (says(500, {"error": {"message": "backend crashed"}}), "The server failed (backend crashed"),
    "Lemonade, no output": (says(502, {"error": {"message": "no output"}}), "The server failed (no output, HTTP 502)"),
    "nested": (says(500, {"error": {"details": {"response": 1, "error": "inner words"}}}), "inner words"),
    "a text": (says(500, {"error": "3D reconstruction failed"}), "The server failed (3D reconstruction failed"),
    "FastAPI, list": (
        says(422, {"detail": [{"loc": ["body", "face_count"], "msg": "Input should be less", "type": "x"}]}),
        "The server refused the request (face_count: Input should be less, HTTP 422)",
    ),
    "FastAPI, text": (says(400, {"detail": "Bad image"}), "The server refused the request (Bad image, HTTP 400)"),
    "plain text": (sends(b"Internal Server Error", "text/plain", 500), "The server failed (Internal Server Error"),
    "success that is none": (says(200, {"error": {"message": "it broke"}}), "The server failed (it broke"),
    "a gateway's page": (sends(PAGE, "text/html", 502), "The server failed (HTTP 502)"),
    "CUDA": (says(500, {"error": "CUDA out of memory. Tried to allocate 2.00 GiB"}), MEMORY),
    "CUDA, error code": (says(500, {"error": "cudaErrorMemoryAllocation: out of memory"}), MEMORY),
    "CUDA, cuBLAS": (says(500, {"error": "CUBLAS_STATUS_ALLOC_FAILED"}), MEMORY),
    "Vulkan": (says(500, {"error": "vk::Device::allocateMemory: ErrorOutOfDeviceMemory"}), MEMORY),
    "Vulkan, code": (says(500, {"error": "VK_ERROR_OUT_OF_DEVICE_MEMORY"}), MEMORY),
    "ROCm": (says(500, {"error": "HIP error: hipErrorOutOfMemory"}), MEMORY),
    "ggml": (says(500, {"error": "ggml_gallocr_reserve_n: failed to allocate Vulkan0 buffer of size 1"}), MEMORY),
    "ggml, backend": (says(500, {"error": "ggml_backend_alloc_ctx_tensors failed"}), MEMORY),
    "LocalAI, memory": (
        says(500, {"error": {"code": 500, "message": "rpc error: code = Unknown desc = not enough VRAM", "type": ""}}),
        MEMORY,
    ),
    "a model that can't be loaded": (
        says(500, {"error": {"message": "could not load model: rpc error while loading weights"}}),
        "The server failed (could not load model",
    ),
    "web page": (sends(PAGE, "text/html"), "There is a web page at this address"),
    "no such path": (sends(PAGE, "text/html", 404), "The server has no such API (HTTP 404)"),
    "no such method": (says(405, {"detail": "Method Not Allowed"}), "The server has no such API (Method Not Allowed"),
    "token": (says(401, {"error": {"message": "Invalid API key"}}), "The server requires a token"),
    "forbidden": (sends(b"", "", 403), "The server requires a token"),
    "empty": (sends(b"", ""), "{empty}"),
    "another format": (sends(b"PK\x03\x04 a zip"), "{no model}"),
    "another format, named": (sends(b"ply\nformat ascii 1.0\n"), "its format is PLY"),
    "a traceback": (
        sends(b"Traceback (most recent call last):\n" + b"  File x\n" * 99 + b"E: CUDA out of memory\n", "", 500),
        f"{MEMORY} (E: CUDA out of memory, HTTP 500)",
    ),
    "colors of a terminal": (
        says(500, {"error": "\x1b[1;31mit broke\x1b[0m \x1b]0;title\x07now"}),
        "(it broke now, HTTP 500)",
    ),
    "redirect": (redirects("http://192.0.2.1:8080/there"), "The server redirects to another address: http://192.0.2.1"),
}
ANSWERS = {
    "{empty}": {"LEMONADE": "empty answer", "TRELLIS_CPP": "empty answer", "": "not the JSON that was expected"},
    "{no model}": {"LEMONADE": "not a GLB model", "TRELLIS_CPP": "not a GLB model", "": "not the JSON"},
}
"""Where dialects differ, because two expect JSON."""


IN_ALL = {"a text", "FastAPI, list", "CUDA", "web page", "no such path", "token", "empty", "another format", "redirect"}


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in KINDS for name in REFUSALS if kind == "LEMONADE" or name in IN_ALL]
)
def test_what_a_server_refuses_is_told_with_advice(kind: str, name: str) -> None:
    fault, text = REFUSALS[name]
    texts = ANSWERS.get(text, {})
    error = failure(kind, fault)
    assert texts.get(kind, texts.get("", text)) in str(error)
    assert isinstance(error, LocalServerError)
    assert not isinstance(error, BusyError)
    assert str(error.advice)


@pytest.mark.parametrize("kind", SERVERS)
@pytest.mark.parametrize(
    "fault",
    [
        says(503, {"error": {"message": "Loading model"}}),
        says(500, {"error": "The model is still loading"}),
        says(429, {"detail": "Too many requests"}),
        says(500, {"error": "already generating"}),
        sends(PAGE, "text/html", 503),
    ],
)
def test_a_server_that_loads_or_is_busy_is_worth_waiting_for(kind: str, fault: Fault) -> None:
    error = failure(kind, fault)
    assert isinstance(error, BusyError)
    assert error.transient


@pytest.mark.parametrize("kind", SERVERS)
@pytest.mark.parametrize("fault", [hangs_up, breaks_off(GLB), breaks_off(b""), breaks_off(b'{"uid": "1"')])
def test_a_connection_that_breaks_is_lost_so_that_the_request_is_repeated(kind: str, fault: Fault) -> None:
    assert isinstance(failure(kind, fault), ConnectionLostError)


@pytest.mark.parametrize("kind", ["LEMONADE", "TRELLIS_CPP", "LOCALAI"])
def test_an_answer_that_drips_ends_at_the_time_limit(kind: str) -> None:
    assert isinstance(failure(kind, drips(GLB), time_limit=0.5), TimeLimitError)


@pytest.mark.parametrize("kind", SERVERS)
def test_an_answer_that_is_too_large_is_refused(kind: str) -> None:
    assert "too long" in str(failure(kind, sends(b" " * 200), max_bytes=100))


def longer(model: bytes) -> bytes:
    """A model whose header promises more bytes than there are."""
    return model[:8] + (len(model) + 100).to_bytes(4, "little") + model[12:]


@pytest.mark.parametrize("kind", ["LEMONADE", "TRELLIS_CPP", "LOCALAI"])
@pytest.mark.parametrize("model", [longer(GLB), GLB[:-10], b"glTF<!DOCTYPE html><html></html>", b"glTF"])
def test_a_damaged_model_is_refused_with_the_reason(kind: str, model: bytes) -> None:
    body: Any = {"data": [{"b64_json": base64.b64encode(model).decode()}]}
    error = failure(kind, says(200, body) if kind == "LOCALAI" else sends(model))
    assert "The model that the server sent is damaged: " in str(error)


def test_json_instead_of_a_model_and_a_model_named_as_text_are_told_apart() -> None:
    for value in ({"created": 1, "data": []}, ["model"], "model"):
        assert "is not a GLB model" in str(failure("LEMONADE", says(200, value)))
    assert model_from(SERVERS["LEMONADE"](faults=[sends(GLB, "text/html")]), kind="LEMONADE") == GLB


@pytest.mark.parametrize("data", [None, [], [None], [{}], [{"b64_json": "", "url": ""}], {"url": "x"}])
def test_an_envelope_of_localai_without_a_model_is_an_empty_answer(data: object) -> None:
    assert "empty answer" in str(failure("LOCALAI", says(200, {"created": 1, "id": "x", "data": data})))


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.1/x.glb",
        "//192.0.2.1/x.glb",
        "https://example.com/x.glb",
        "file:///etc/passwd",
        "http://u@{host}/",
        "http://[x",
    ],
)
def test_a_link_to_another_address_is_not_followed(url: str) -> None:
    server = LocalAI(GLB, url=url)
    with pytest.raises(LocalServerError, match="another address"):
        model_from(server, kind="LOCALAI")


def test_a_link_to_another_port_of_this_computer_is_not_followed() -> None:
    other = LocalAI(GLB)
    with running(other) as elsewhere, pytest.raises(LocalServerError, match="another address"):
        model_from(LocalAI(GLB, url=f"{elsewhere}/generated-3d/x.glb"), kind="LOCALAI")
    assert other.asked == []


@pytest.mark.parametrize("token", ["schlüssel-ü", "ключ", "a\nb: c", "a\x7f"])
def test_a_token_with_a_character_that_no_header_can_hold_is_refused_before_anything_is_sent(token: str) -> None:
    server = SERVERS["LEMONADE"](GLB)
    with pytest.raises(LocalServerError, match="The token has a character") as caught:
        model_from(server, kind="LEMONADE", token=token)
    assert token not in str(caught.value)
    assert server.asked == []


@pytest.mark.parametrize("kind", SERVERS)
def test_the_token_is_sent_with_every_request_and_no_login_without_one(kind: str) -> None:
    assert model_from(SERVERS[kind](GLB, token="secret-token"), token=" secret-token\n") == GLB
    server = SERVERS[kind](GLB)
    model_from(server)
    assert not any(name.lower() == "authorization" for name in server.received[0].headers)


@pytest.mark.parametrize("kind", SERVERS)
@pytest.mark.parametrize(
    "fault",
    [
        says(401, {"error": "secret-token is wrong"}),
        says(200, {"error": {"message": "secret-token is wrong"}}),
        sends(b"Bearer c2VjcmV0LXRva2Vu is wrong", "text/plain", 500),
        redirects("/login?token=secret-token"),
    ],
    ids=["HTTP 401", "HTTP 200", "base64", "redirect"],
)
def test_a_token_that_the_server_repeats_is_in_no_error(kind: str, fault: Fault) -> None:
    error = str(failure(kind, fault, token="secret-token").info())
    assert "[key]" in error
    assert "secret-token" not in error
    assert "c2VjcmV0" not in error


@pytest.mark.parametrize("token", ["a", "glTF", "uid"])
def test_a_short_token_damages_no_model(token: str) -> None:
    for server in SERVERS.values():
        assert model_from(server(GLB, token=token), token=token) == GLB


def test_a_server_that_is_not_running_is_a_failed_connection() -> None:
    with nothing_listens() as address, pytest.raises(ConnectionFailedError):
        DIALECTS["LEMONADE"].generate(Connection(address), a_request())


def test_an_address_with_https_of_a_server_without_a_certificate_is_to_be_entered_with_http() -> None:
    with running(SERVERS["LEMONADE"](GLB)) as address:
        connection = Connection(address.replace("http:", "https:"))
        with pytest.raises(LocalServerError, match="http:// instead of https://") as caught:
            detect(connection)
    assert caught.value.action is Action.OPEN_PREFERENCES


def test_a_certificate_that_this_computer_does_not_trust_is_named() -> None:
    with (
        RawServer(lambda connection: connection.answer(b"ok"), tls=CERTIFICATE) as server,
        pytest.raises(SettingError, match=r"self.signed certificate") as caught,
    ):
        detect(Connection(server.url))
    assert "must be trusted by this computer" in str(caught.value.advice)


@pytest.mark.parametrize(
    ("entered", "base"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        (" http://localhost:13305/api/v1/ ", "http://localhost:13305"),
        ("http://localhost:13305/v1", "http://localhost:13305"),
        ("http://localhost:13305/api/v1/3d/generations", "http://localhost:13305"),
        ("http://localhost:8080/3d/generations", "http://localhost:8080"),
        ("http://localhost:8081/send", "http://localhost:8081"),
        ("http://[::1]:8080/generate", "http://[::1]:8080"),
        ("http://studio/gpu/v1", "http://studio/gpu"),
        ("http://studio/lemonade", "http://studio/lemonade"),
        ("localhost:8080", "http://localhost:8080"),
        ("http://0.0.0.0:8081", "http://127.0.0.1:8081"),
        ("0.0.0.0:8081/send", "http://127.0.0.1:8081"),
        ("http://[::]:8081/", "http://localhost:8081"),
        ("[::]:8080", "http://localhost:8080"),
        ("8080", "http://127.0.0.1:8080"),
        (":8080", "http://127.0.0.1:8080"),
        ('"http://127.0.0.1:8080"', "http://127.0.0.1:8080"),
        ("127.0.0.1 : 8080\u200b", "http://127.0.0.1:8080"),
        ("１２７．０．０．１：８０８０", "http://127.0.0.1:8080"),
        ("http://127.0.0.1:8081/docs#/generation/send", "http://127.0.0.1:8081"),
        ("http://localhost:8080/?token=x", "http://localhost:8080"),
        ("http://0.0.0.0.example:8081", "http://0.0.0.0.example:8081"),
        ("", ""),
    ],
)
def test_an_address_is_understood_as_documents_and_terminals_have_it(entered: str, base: str) -> None:
    assert base_url(entered) == base
    assert base_url(base) == base


def test_a_server_below_a_path_is_reached_there() -> None:
    server = SERVERS["LEMONADE"](GLB)
    with running(server) as address, pytest.raises(LocalServerError, match="no such API"):
        DIALECTS["LEMONADE"].generate(Connection(f"{address}/gpu/v1/"), a_request())
    assert server.asked == ["POST /gpu/v1/3d/generations"]


def test_numbers_and_nesting_without_end_in_an_error_are_survived() -> None:
    deep = json.dumps({"error": "x"}).replace('"x"', '{"error": ' * 500 + '"x"' + "}" * 500)
    assert "The server failed" in str(failure("LEMONADE", sends(deep.encode(), "application/json", 500)))
