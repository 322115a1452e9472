# SPDX-License-Identifier: GPL-3.0-or-later
"""Each kind of local server makes a model, and each of its failures reaches the job in words, with what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from dialect_servers import Hunyuan, Hunyuan21, Lemonade, LocalAI, LocalServer, TrellisCpp, running
from image_to_3d.errors import Action
from image_to_3d.jobs.job import State
from image_to_3d.jobs.queue import Queue
from image_to_3d.worker.worker_process import WorkerProcess
from local_jobs import MODEL, local, notes, now
from local_server import Fault, Fixed
from loopback_services import Loopback
from queues import FAST, Borrowed, a_queue, a_request, rest, until
from server_faults import PAGE, breaks_off, drips, hangs, hangs_up, redirects, says, sends

pytestmark = pytest.mark.heavy

MEMORY = "ggml_gallocr_reserve_n: failed to allocate Vulkan0 buffer of size 9663676416"


@pytest.mark.parametrize("kind", [Lemonade, LocalAI, TrellisCpp, Hunyuan, Hunyuan21])
def test_each_kind_of_server_makes_a_model(make_local_queue: Callable[..., Queue], kind: type[LocalServer]) -> None:
    server = kind(MODEL)
    with running(server) as address:
        queue = make_local_queue(address)
        queue.add(a_request(parameters={"seed": 7}))
        (job,) = rest(queue)
    assert job.state is State.READY, job.error
    assert len(server.received) == 1
    assert notes(job) == []
    assert job.model_path
    assert job.model_path.read_bytes() == MODEL


@pytest.mark.parametrize(
    ("kind", "fault", "message", "advice"),
    [
        pytest.param(
            Lemonade, says(400, {"error": {"message": "bad image"}}), "refused the request (bad image, HTTP 400)",
            "output of the server", id="HTTP 400",
        ),
        pytest.param(
            Lemonade, says(404, {"error": {"message": "Model not found: TRELLIS-3D"}}), "does not have this model",
            "Install it on the server", id="model not installed",
        ),
        pytest.param(
            Lemonade, says(500, {"error": {"message": "exit 1"}}), "The server failed (exit 1, HTTP 500)",
            "output of the server", id="HTTP 500",
        ),
        pytest.param(
            Lemonade, says(502, {"error": {"message": "backend ended"}}), "The server failed (backend ended, HTTP 502)",
            "output of the server", id="HTTP 502",
        ),
        pytest.param(
            TrellisCpp, says(500, {"error": MEMORY}), "graphics card has too little memory", "a lower resolution",
            id="out of memory",
        ),
        pytest.param(TrellisCpp, sends(b""), "an empty answer", "output of the server", id="an empty answer"),
        pytest.param(
            TrellisCpp, sends(MODEL[:-40], "model/gltf-binary"), "is damaged", "output of the server",
            id="half a model",
        ),
        pytest.param(
            Lemonade, sends(PAGE, "text/html"), "a web page at this address", "another port", id="a web page",
        ),
        pytest.param(
            Lemonade, sends(PAGE, "text/html", 405), "no such API (HTTP 405)", "another port", id="HTTP 405",
        ),
        pytest.param(
            LocalAI, says(200, {"data": [{"url": "http://192.0.2.1/model.glb"}]}), "at another address (192.0.2.1)",
            "output of the server", id="a link elsewhere",
        ),
        pytest.param(LocalAI, redirects("http://192.0.2.1/"), "redirects", "enter it", id="a redirect"),
        pytest.param(Hunyuan, says(422, {"detail": [{"msg": "too many faces"}]}), "too many faces", "output of the "
                     "server", id="a list of details"),
        pytest.param(Lemonade, says(401, {"error": "no"}), "requires a token", "Enter it", id="no token"),
    ],
)  # fmt: skip
def test_a_failure_of_the_server_is_told_with_what_to_do(
    make_local_queue: Callable[..., Queue], kind: type[LocalServer], fault: Fault, message: str, advice: str
) -> None:
    server = kind(MODEL)
    server.faults.append(fault)
    with running(server) as address:
        queue = make_local_queue(address)
        queue.add(a_request())
        (job,) = rest(queue)
    assert job.state is State.FAILED
    assert job.error is not None
    assert message in str(job.error.message)
    assert advice in str(job.error.advice)
    in_preferences = any(word in str(job.error.advice) for word in ("preferences", "address"))
    assert job.error.action is (Action.OPEN_PREFERENCES if in_preferences else Action.RETRY)
    assert len(server.received) == 1  # what the server refused is not sent again


def test_the_address_of_a_web_page_is_named_before_an_image_is_sent(make_local_queue: Callable[..., Queue]) -> None:
    server = Fixed(respond=sends(PAGE, "text/html"))
    with running(server) as address:
        queue = make_local_queue(address)
        queue.add(a_request())
        (job,) = rest(queue)
    assert job.error is not None
    assert "web page" in str(job.error.message)
    assert "another port" in str(job.error.advice)


@pytest.mark.parametrize("fault", [hangs_up, breaks_off(MODEL[:100])], ids=["no answer", "half an answer"])
def test_a_request_that_broke_is_sent_once_more(make_local_queue: Callable[..., Queue], fault: Fault) -> None:
    server = TrellisCpp(MODEL)
    server.faults.append(fault)
    with running(server) as address:
        queue = make_local_queue(address)
        queue.add(a_request())
        (job,) = rest(queue)
    assert job.state is State.READY, job.error
    assert len(server.received) == 2
    assert notes(job) == ["The connection to the server was lost, so the image was sent again."]


def test_a_server_that_is_still_loading_is_waited_for(make_local_queue: Callable[..., Queue]) -> None:
    server = Lemonade(MODEL)
    server.faults += [says(503, {"error": {"message": "the model is loading"}})] * 2
    with running(server) as address:
        queue = make_local_queue(address, wait=20.0)
        job = queue.add(a_request())
        until(lambda: "still loading its model" in str(now(queue, job).note))
        until(lambda: now(queue, job).state is State.READY)
    assert len(server.received) == 3
    assert notes(now(queue, job)) == []


@pytest.mark.parametrize(
    ("kind", "fault", "advice"),
    [
        pytest.param(Lemonade, hangs(20.0), "raise the time limit", id="no answer"),
        pytest.param(TrellisCpp, drips(MODEL, 0.2), "raise the time limit", id="byte by byte"),
        pytest.param(Hunyuan, None, "--enable_tex", id="processing forever"),
    ],
)
def test_a_server_that_never_ends_is_given_up_after_the_time_limit(
    make_local_queue: Callable[..., Queue], kind: type[LocalServer], fault: Fault | None, advice: str
) -> None:
    server = kind(MODEL)
    if isinstance(server, Hunyuan):
        server.has_texture_model = False
    elif fault is not None:
        server.faults.append(fault)
    with running(server) as address:
        queue = make_local_queue(address, time_limit=2.4)
        queue.add(a_request(parameters={"texture": True}))
        (job,) = rest(queue, 30.0)
    assert job.error is not None
    assert str(job.error.message) == "The server did not finish within 0.04 minutes."
    assert advice in str(job.error.advice)
    assert len(server.received) == 1


def test_the_time_limit_is_the_artists_and_no_other(tmp_path: Path, worker: WorkerProcess, loopback: Loopback) -> None:
    with running(Lemonade(MODEL, seconds=2.0)) as address:
        timing = replace(FAST, give_up=0.5)
        queue = a_queue(tmp_path, "", Borrowed(worker), loopback=loopback, timing=timing, **local(address))
        queue.add(a_request(1))
        queue.add(a_request(2))
        jobs = rest(queue)
        queue.stop()
    assert [job.state for job in jobs] == [State.READY] * 2
