# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialects of artists' own servers: from the image to the GLB file, over real connections."""

from __future__ import annotations

import base64
import dataclasses
import threading
import time
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from dialect_servers import Hunyuan, Hunyuan21, Lemonade, LocalAI, LocalServer, TrellisCpp, running
from image_to_3d.api.parameters import PARAMETERS, defaults
from image_to_3d.control import Control
from image_to_3d.errors import CancelledError, ConnectionLostError, LocalServerError
from image_to_3d.local_servers import answers
from image_to_3d.local_servers.connection import Connection
from image_to_3d.local_servers.dialect import Dialect, ModelRequest
from image_to_3d.local_servers.dialects import DIALECTS, detect
from image_to_3d.local_servers.errors import TimeLimitError
from image_to_3d.local_servers.questions import Questions
from local_server import answer
from model_files import glb
from model_requests import IMAGE, SERVERS, a_request, model_from
from server_faults import hangs, hangs_up, says, sends

GLB = glb()


@pytest.mark.parametrize("kind", [*SERVERS.values(), Hunyuan21])
def test_a_model_arrives_from_each_kind_of_server(kind: type[LocalServer]) -> None:
    server = kind(GLB)
    assert model_from(server) == GLB
    assert len(server.received) == 1


def test_localai_gets_its_settings_in_its_own_names() -> None:
    server = LocalAI(GLB)
    chosen = {
        "resolution": 300, "background": "keep", "atlas_size": 2048, "ss_sampling_steps": 20,
        "slat_sampling_steps": 25, "ss_guidance_strength": 5.5, "seed": 2**32 - 1,
    }  # fmt: skip
    assert model_from(server, a_request("trellis2-4b-geometry", **chosen)) == GLB
    sent = server.received[0].json
    assert base64.b64decode(sent.pop("image")) == IMAGE
    assert sent == {
        "model": "trellis2-4b-geometry", "quality": "1024", "background": "keep", "step": 20, "texture_steps": 25,
        "cfg_scale": 5.5, "seed": 2**31 - 1, "response_format": "b64_json", "params": {"texture_size": "2048"},
    }  # fmt: skip


def test_localai_is_asked_for_the_model_that_its_documentation_installs() -> None:
    server = LocalAI(GLB)
    model_from(server, a_request(voxel_resolution="1536"))
    sent = server.received[0].json
    assert (sent["model"], sent["quality"], sent["background"]) == ("trellis2-4b", "1024", "auto")
    assert "params" not in sent


@pytest.mark.parametrize("url", ["", "/generated-3d/b64123.glb", "http://{host}/generated-3d/b64123.glb"])
def test_localai_may_answer_with_a_link_to_the_model(url: str) -> None:
    assert model_from(LocalAI(GLB, url=url)) == GLB


def test_a_server_that_ends_before_its_link_is_read_counts_as_a_lost_connection() -> None:
    class Ends(LocalAI):
        def get(self, handler: BaseHTTPRequestHandler) -> None:
            answer(handler, 503, b"")

    with pytest.raises(ConnectionLostError):
        model_from(Ends(GLB, url="/generated-3d/b64123.glb"), kind="LOCALAI")


def test_a_link_to_the_same_server_under_its_other_name_is_followed() -> None:
    server = LocalAI(GLB)
    with running(server) as address:
        server.url = f"{address.replace('127.0.0.1', 'localhost')}/generated-3d/x.glb"
        assert DIALECTS["LOCALAI"].generate(Connection(address), a_request()) == GLB


@pytest.mark.parametrize(("background", "removal"), [("auto", None), ("keep", "threshold"), ("remove", "birefnet")])
def test_lemonade_and_trellis_cpp_get_the_same_settings(background: str, removal: str | None) -> None:
    lemonade, trellis = Lemonade(GLB), TrellisCpp(GLB)
    request = a_request(background=background, voxel_resolution="1536", seed=2**31 + 5)
    model_from(lemonade, request)
    model_from(trellis, request)
    json, form = lemonade.received[0].json, trellis.received[0].form
    assert base64.b64decode(json.pop("image")) == form.pop("image") == IMAGE
    options = {"bg_removal": removal} if removal else {}
    assert json == {"model": "TRELLIS-3D", "resolution": 1536, "seed": 5} | options
    assert {name: text.decode() for name, text in form.items()} == {"resolution": "1536", "seed": "5"} | options


def test_hunyuan_gets_its_settings_within_its_ranges() -> None:
    server = Hunyuan21(GLB)
    chosen = {"resolution": 40, "ss_sampling_steps": 50, "ss_guidance_strength": 0.0, "seed": 2**32 - 1}
    model_from(server, a_request(**chosen, background="keep", face_count=20000))
    sent = server.received[0].json
    assert base64.b64decode(sent.pop("image")) == IMAGE
    assert sent == {
        "remove_background": False, "seed": 2**32 - 1, "octree_resolution": 64, "num_inference_steps": 20,
        "guidance_scale": 0.1, "texture": True, "face_count": 20000, "type": "glb",
    }  # fmt: skip


def test_hunyuan_gets_the_sides_of_the_subject_by_name() -> None:
    server = Hunyuan(GLB)
    views = {side: b"\x89PNG " + side.encode() for side in ("left", "back", "right")}
    model_from(server, a_request(views=views))
    sent = server.received[0].json
    assert base64.b64decode(sent["image_front"]) == base64.b64decode(sent["image"]) == IMAGE
    assert {side: base64.b64decode(sent[f"image_{side}"]) for side in views} == views


@pytest.mark.parametrize("kind", SERVERS)
def test_what_a_server_is_said_to_know_reaches_it_and_nothing_else_does(kind: str) -> None:
    """Each parameter is changed alone: the request changes exactly if the dialect names the parameter."""
    other: dict[str, Any] = {
        "texture": False, "background": "keep", "voxel_resolution": "1536", "face_count": 5000, "atlas_size": 512,
        "resolution": 400, "seed": 8, "mesh_simplify": 0.95, "chunk_size": 4096, "multi_image": True, "render": True,
        "output_format": "obj", "temp": "yes",
    }  # fmt: skip
    server = SERVERS[kind](GLB, faults=[says(400, {"error": "no"})] * 100)
    with running(server) as address:

        def sent(request: ModelRequest) -> object:
            with pytest.raises(LocalServerError):
                DIALECTS[kind].generate(Connection(address), request)
            received = server.received[-1]
            return received.form if kind == "TRELLIS_CPP" else received.json

        before = sent(a_request())
        for name, default in defaults(local=True).items():
            if PARAMETERS[name].group == "account" or name.startswith("image_"):
                continue
            changed = other.get(name, default + 1 if isinstance(default, int | float) else None)
            assert (sent(a_request(**{name: changed})) != before) is (name in DIALECTS[kind].parameters), name
        views = sent(a_request(views={"left": IMAGE}))
        assert (views != before) is ("image_left" in DIALECTS[kind].parameters)


def test_what_has_an_effect_are_parameters() -> None:
    assert all(dialect.parameters <= PARAMETERS.keys() for dialect in DIALECTS.values())


@pytest.mark.parametrize("kind", SERVERS)
def test_a_cancelled_job_ends_its_request_within_a_second(kind: str) -> None:
    server = SERVERS[kind](GLB, seconds=20)
    cancelled = threading.Event()
    threading.Timer(0.6, cancelled.set).start()
    started = time.monotonic()
    with pytest.raises(CancelledError):
        model_from(server, kind=kind, control=Control(cancelled.is_set))
    assert time.monotonic() - started < 1.6
    assert len(server.received) == 1


@pytest.mark.parametrize("kind", SERVERS)
def test_a_job_ends_at_the_time_limit(kind: str) -> None:
    started = time.monotonic()
    with pytest.raises(TimeLimitError, match=r"did not finish within 0\.025 minutes"):
        model_from(SERVERS[kind](GLB, seconds=20), kind=kind, time_limit=1.5)
    assert time.monotonic() - started < 6


def test_hunyuan_without_its_texture_model_never_ends_and_the_advice_says_so() -> None:
    server = Hunyuan(GLB, has_texture_model=False)
    with pytest.raises(TimeLimitError) as caught:
        model_from(server, time_limit=1.5)
    assert "--enable_tex" in str(caught.value)


def test_hunyuan_without_texture_makes_a_model_in_both_versions() -> None:
    for server in (Hunyuan(GLB, has_texture_model=False), Hunyuan21(GLB)):
        assert model_from(server, a_request(texture=False)) == GLB


@pytest.mark.parametrize("kind", [Hunyuan, Hunyuan21])
def test_a_hunyuan_that_describes_itself_tells_a_failure_at_once(kind: type[Hunyuan]) -> None:
    server = kind(GLB, described=True)
    assert model_from(server) == GLB
    assert [received.path for received in server.received] == ["/generate"]
    with pytest.raises(LocalServerError, match="The server failed"):
        model_from(kind(GLB, described=True, has_texture_model=False))


def test_a_failure_of_hunyuan_that_speaks_of_traffic_is_a_failure_of_the_server() -> None:
    server = Hunyuan21(GLB)
    request = dataclasses.replace(a_request(texture=False), image=b"no image")
    with pytest.raises(LocalServerError, match=r"The server failed, and does not say why\.") as caught:
        model_from(server, request)
    assert "too little memory" in str(caught.value.advice)


def test_a_model_that_hunyuan_is_still_writing_is_read_again() -> None:
    assert model_from(Hunyuan(GLB, incomplete=1)) == GLB


def test_a_busy_hunyuan_that_does_not_answer_in_time_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("image_to_3d.local_servers.polling._SECONDS", 0.4)
    server = Hunyuan(GLB)
    server.poll_faults = [hangs(3), says(503, {"detail": "busy"})]
    assert model_from(server, kind="HUNYUAN") == GLB
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ({"status": "error", "message": "CUDA out of memory."}, "The graphics card has too little memory"),
        ({"status": "failed"}, "The server failed (HTTP 500)"),
        ({"status": "completed"}, "empty answer"),
        ({"status": "completed", "model_base64": ""}, "empty answer"),
        ({"status": "completed", "model_base64": "PGh0bWw+"}, "is not a GLB model"),
        ({"error": "uid"}, "The server failed (uid, HTTP 200)"),
    ],
)
def test_a_bad_answer_of_hunyuan_about_a_job_ends_it(reply: dict[str, str], text: str) -> None:
    server = Hunyuan(GLB)
    server.poll_faults = [says(200, reply)] * 4
    with pytest.raises(LocalServerError) as caught:
        model_from(server, kind="HUNYUAN")
    assert text in str(caught.value)


@pytest.mark.parametrize("fault", [hangs_up, says(404, {"detail": "Not Found"})])
def test_a_job_that_hunyuan_has_lost_counts_as_a_lost_connection(fault: Any) -> None:
    server = Hunyuan(GLB)
    server.poll_faults = [fault]
    with pytest.raises(ConnectionLostError):
        model_from(server, kind="HUNYUAN")


def test_a_hunyuan_that_ends_while_it_works_counts_as_a_lost_connection() -> None:
    server = Hunyuan(GLB, seconds=20)
    failures: list[Exception] = []

    def generate(connection: Connection) -> None:
        try:
            DIALECTS["HUNYUAN"].generate(connection, a_request())
        except ConnectionLostError as error:
            failures.append(error)

    with running(server) as address:
        thread = threading.Thread(target=generate, args=(Connection(address),))
        thread.start()
        while not server.received:
            time.sleep(0.02)
    thread.join(10)
    assert len(failures) == 1


class Fifth(LocalServer):
    """A server of a kind that the add-on does not know."""

    def get(self, handler: BaseHTTPRequestHandler) -> None:
        answer(handler, 200 if handler.path == "/fifth" else 404, b"fifth", "text/plain")

    def post(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        answer(handler, *((200, self.generate(handler, body) or b"") if handler.path == "/make" else (404, b"")))


def test_a_fifth_dialect_is_one_module_and_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def recognize(questions: Questions) -> bool:
        return questions.get("fifth").body == b"fifth"

    def generate(connection: Connection, request: ModelRequest) -> bytes:
        return answers.model_in(connection.post("make", request.image, "image/png"))

    row = Dialect("FIFTH", "Fifth", 9000, "", frozenset({"seed"}), "make", recognize, generate)
    monkeypatch.setitem(DIALECTS, row.id, row)
    server = Fifth(GLB)
    assert model_from(server) == GLB
    assert server.received[0].body == IMAGE
    with running(Lemonade(GLB)) as address:
        assert detect(Connection(address)).id == "LEMONADE"


def test_a_model_without_a_content_type_and_one_in_broken_lines_of_base64_arrive() -> None:
    lines = base64.encodebytes(GLB).decode()
    assert model_from(Lemonade(faults=[sends(GLB, "")]), kind="LEMONADE") == GLB
    for text in (lines, f"data:model/gltf-binary;base64,{lines}"):
        assert model_from(LocalAI(faults=[says(200, {"data": [{"b64_json": text}]})]), kind="LOCALAI") == GLB
    assert model_from(LocalAI(faults=[sends(GLB)]), kind="LOCALAI") == GLB
