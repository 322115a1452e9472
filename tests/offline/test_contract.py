# SPDX-License-Identifier: GPL-3.0-or-later
"""The offline preview follows the service's contract, so clients of one work with the other."""

from __future__ import annotations

import base64
import http.client
import os
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from image_to_3d.errors import WorkerError
from image_to_3d.offline.service.launcher import OfflineService
from image_to_3d.offline.service.storage import Storage
from image_to_3d.worker.child_process import BOOTSTRAP, Launch
from PIL import Image
from pytest_httpserver import HTTPServer
from service import KEY, Service

QUICK = {"resolution": 48}


def test_a_submit_is_answered_at_once_with_the_url_to_poll(service: Service, chair: Path) -> None:
    reply = service.submit(chair, **QUICK)
    assert reply["status"] == "processing"
    assert isinstance(reply["id"], int)
    assert reply["eta"] > 0
    assert reply["fetch_result"] == f"{service.base_url}/3d/fetch/{reply['id']}"
    assert reply["output"] == []
    assert len(reply["future_links"]) == 1
    assert "not AI" in reply["message"]


def test_a_fetch_of_an_unfinished_job_gets_the_short_reply(service: Service, chair: Path) -> None:
    first = service.submit(chair, resolution=256)
    reply = service.ask(f"3d/fetch/{first['id']}")
    assert reply == {"status": "processing", "message": "try again later.", "output": "", "tip": reply["tip"]}
    assert service.finish(first)["status"] == "success"


def test_a_finished_job_lists_the_announced_files(service: Service, chair: Path) -> None:
    first = service.submit(chair, output_format="obj", **QUICK)
    reply = service.finish(first)
    assert reply["id"] == first["id"]
    assert sorted(reply["output"]) == sorted(first["future_links"]) == sorted(reply["proxy_links"])
    assert sorted(url.rsplit(".")[-1] for url in reply["output"]) == ["mtl", "obj", "png"]
    assert reply["generationTime"] > 0
    assert "not AI" in reply["message"]


def test_parameters_and_the_track_id_are_echoed(service: Service, chair: Path) -> None:
    first = service.submit(chair, track_id="shelf 7", seed=3480183101, mesh_simplify=0.95, **QUICK)
    last = service.finish(first)
    for reply in (first, last):
        assert reply["track_id"] == "shelf 7"
        assert reply["meta"]["seed"] == 3480183101
        assert reply["meta"]["mesh_simplify"] == 0.95
        assert reply["meta"]["ss_sampling_steps"] == 12


def test_seed_0_becomes_a_random_seed_that_is_echoed(service: Service, chair: Path) -> None:
    seeds = {service.submit(chair, seed=0, **QUICK)["meta"]["seed"] for _ in range(3)}
    assert len(seeds) == 3
    assert all(0 < seed < 2**32 for seed in seeds)


def test_the_image_can_be_sent_under_either_field_name(service: Service, chair: Path) -> None:
    url = service.upload(chair)
    for name in ("image", "init_image"):
        assert service.ask("3d/image_to_3d", **{name: url}, **QUICK)["status"] == "processing"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, "init_image"),
        ({"image": "not an address"}, "init_image"),
        ({"mesh_simplify": 0.5}, "mesh_simplify"),
        ({"output_format": "fbx"}, "output_format"),
        ({"resolution": 1024}, "resolution"),
        ({"seed": -1}, "seed"),
        ({"webhook": "http://unsafe.example"}, "webhook"),
        ({"render": "perhaps"}, "render"),
    ],
)
def test_an_invalid_parameter_is_named_in_the_services_error_format(
    service: Service, chair: Path, fields: dict[str, object], named: str
) -> None:
    if "image" not in fields and named != "init_image":
        fields = {"image": service.upload(chair), **fields}
    reply = service.ask("3d/image_to_3d", **fields)
    assert reply["status"] == "error"
    assert "id" not in reply
    assert list(reply["message"]) == [named]
    assert isinstance(reply["message"][named][0], str)


def test_every_endpoint_requires_an_api_key(service: Service) -> None:
    for path in ("3d/image_to_3d", "3d/fetch/1", "base64_to_url", "assets_generated", "/api/wallet_balance"):
        for key in ("", None):
            reply = requests.post(service.post(path).url, json={"key": key}, timeout=60)
            assert reply.status_code == 401
            assert reply.json()["status"] == "error"


def test_an_unknown_id_is_an_error(service: Service) -> None:
    for number in ("123", "..%2f..%2fetc", "1e3"):
        assert service.ask(f"3d/fetch/{number}")["status"] == "error"


def test_more_than_five_jobs_at_once_get_a_rate_limit_error(service: Service, chair: Path) -> None:
    url = service.upload(chair)
    replies = [service.post("3d/image_to_3d", image=url, resolution=160) for _ in range(7)]
    assert [reply.status_code for reply in replies[:5]] == [200] * 5
    refused = [reply for reply in replies if reply.status_code == 429]
    assert refused
    body = refused[0].json()
    assert body["status"] == "error"
    assert body["retry_after"] >= 1
    assert refused[0].headers["Retry-After"] == str(body["retry_after"])
    etas = [reply.json()["eta"] for reply in replies[:5]]
    assert etas == sorted(etas)


def test_an_upload_comes_back_byte_for_byte(service: Service, chair: Path) -> None:
    url = service.upload(chair)
    reply = requests.get(url, timeout=60)
    assert reply.content == chair.read_bytes()
    assert reply.headers["Content-Type"] == "image/png"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "aGVsbG8=",
        "data:image/png;base64, aGVsbG8=",
        "data:image/png;base64,%%%%",
        "data:image/png;base64,aGVsbG8",
        "data:image/png;base64," + base64.b64encode(b"<html>").decode(),
        "data:image/png;base64," + "A" * (5 * 1024 * 1024),
    ],
    ids=["missing", "empty", "bare", "space", "no base64", "cut off", "no image", "too large"],
)
def test_an_upload_that_is_not_an_image_is_refused(service: Service, text: str | None) -> None:
    reply = service.ask("base64_to_url", base64_string=text)
    assert reply["status"] == "error"
    assert list(reply["message"]) == ["base64_string"]


def test_an_image_on_another_computer_is_not_downloaded(service: Service) -> None:
    for url in ("http://example.com/chair.png", "https://10.0.0.1/chair.png", "http://169.254.169.254/latest"):
        reply = service.ask("3d/image_to_3d", image=url)
        assert "does not download images" in reply["message"]["init_image"][0]


def test_an_image_served_by_this_computer_is_downloaded(service: Service, chair: Path, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/chair").respond_with_data(chair.read_bytes(), content_type="text/plain")
    httpserver.expect_request("/moved").respond_with_data("", 302, {"Location": "http://example.com/chair.png"})
    assert service.ask("3d/image_to_3d", image=httpserver.url_for("/chair"), **QUICK)["status"] == "processing"
    for path in ("/moved", "/missing"):
        reply = service.ask("3d/image_to_3d", image=httpserver.url_for(path))
        assert list(reply["message"]) == ["init_image"]


def test_the_webhook_is_never_called(service: Service, chair: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        address = f"https://127.0.0.1:{listener.getsockname()[1]}/done"
        reply = service.submit(chair, webhook=address, **QUICK)
        assert "webhook" not in reply["meta"]
        assert service.finish(reply)["status"] == "success"
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_fully_transparent_image_fails_the_job_with_a_reason(service: Service, tmp_path: Path) -> None:
    Image.new("RGBA", (64, 64), (255, 0, 0, 0)).save(tmp_path / "empty.png")
    reply = service.finish(service.submit(tmp_path / "empty.png"))
    assert reply["status"] == "error"
    assert "fully transparent" in reply["message"]


def test_a_subject_that_is_too_thin_fails_the_job_with_a_reason(service: Service, tmp_path: Path) -> None:
    Image.new("RGB", (3, 200), (255, 0, 0)).save(tmp_path / "thin.png")
    reply = service.finish(service.submit(tmp_path / "thin.png", **QUICK))
    assert reply["status"] == "error"
    assert "too thin" in reply["message"]


def test_a_damaged_image_fails_the_job_with_a_reason(service: Service, chair: Path) -> None:
    reply = service.finish(service.submit(chair.read_bytes()[:300]))
    assert reply["status"] == "error"
    assert "image" in reply["message"]


def test_the_balance_is_zero_for_any_key(service: Service) -> None:
    reply = service.ask("/api/wallet_balance")
    assert reply["status"] == "success"
    assert reply["data"] == {"balance": 0.0, "currency": "USD"}


def test_the_list_of_generated_models_starts_with_the_newest(service: Service, chair: Path) -> None:
    jobs = [service.submit(chair, track_id=f"in order {i}", **QUICK) for i in range(3)]
    done = [service.finish(job) for job in jobs]
    for path in ("assets_generated", "/api/assets_generated"):
        newest = service.ask(path, type="3d", per_page=2, page=1)
        assert [entry["id"] for entry in newest["data"]] == [jobs[2]["id"], jobs[1]["id"]]
        assert newest["data"][0]["output"] == done[2]["output"]
        assert newest["data"][0]["track_id"] == "in order 2"
        assert service.ask(path, type="3d", per_page=2, page=2)["data"][0]["id"] == jobs[0]["id"]
        assert newest["pagination"]["total"] >= 3
    assert service.ask("assets_generated", type="image")["data"] == []


def test_an_interrupted_download_can_be_resumed(service: Service, chair: Path) -> None:
    url = service.upload(chair)
    whole = chair.read_bytes()
    head = requests.head(url, timeout=60)
    assert head.headers["Content-Length"] == str(len(whole))
    assert head.headers["Accept-Ranges"] == "bytes"
    for wanted, part in (("0-99", whole[:100]), ("1000-", whole[1000:]), ("-10", whole[-10:])):
        reply = requests.get(url, headers={"Range": f"bytes={wanted}"}, timeout=60)
        assert (reply.status_code, reply.content) == (206, part)
        assert reply.headers["Content-Range"].endswith(f"/{len(whole)}")
    fresh = {"Range": "bytes=1000-", "If-Range": head.headers["ETag"]}
    assert requests.get(url, headers=fresh, timeout=60).status_code == 206
    stale = {"Range": "bytes=1000-", "If-Range": '"another"'}
    assert requests.get(url, headers=stale, timeout=60).content == whole
    beyond = requests.get(url, headers={"Range": f"bytes={len(whole)}-"}, timeout=60)
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{len(whole)}")


def test_only_uploads_and_results_are_served(service: Service, chair: Path) -> None:
    reply = service.finish(service.submit(chair, **QUICK))
    token = urlsplit(reply["output"][0]).path.split("/")[2]
    for path in (f"/jobs/{reply['id']}.json", f"/results/{token}/../../jobs/{reply['id']}.json", "/temp/..", "/", "/x"):
        connection = http.client.HTTPConnection(urlsplit(service.root).netloc, timeout=60)
        connection.request("GET", path)
        assert connection.getresponse().status == 404
        connection.close()


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}])
def test_requests_from_web_pages_are_refused(service: Service, headers: dict[str, str]) -> None:
    for method in ("POST", "GET"):
        reply = requests.request(
            method, f"{service.root}/api/wallet_balance", json={"key": "k"}, headers=headers, timeout=60
        )
        assert reply.status_code == 403


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"nothing", b"[" * 100_000, b'"key"'])
def test_a_request_body_that_is_not_a_json_object_is_refused(service: Service, body: bytes) -> None:
    reply = requests.post(f"{service.base_url}/3d/image_to_3d", data=body, timeout=60)
    assert reply.status_code == 400
    assert reply.json()["status"] == "error"


def test_a_request_body_that_is_too_large_is_not_read(service: Service) -> None:
    connection = http.client.HTTPConnection(urlsplit(service.root).netloc, timeout=60)
    connection.putrequest("POST", "/api/v6/base64_to_url")
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders()
    assert connection.getresponse().status == 400
    connection.close()


def test_jobs_survive_a_restart_of_the_server(tmp_path: Path, chair: Path) -> None:
    offline = OfflineService(Launch.for_wheel(), tmp_path)
    try:
        before = Service(offline.base_url())
        image_file = before.upload(chair)
        jobs = [before.ask("3d/image_to_3d", image=image_file, track_id=str(i), resolution=256) for i in range(2)]
        offline.stop()
        after = Service(offline.base_url())
        for i, job in enumerate(jobs):
            reply = after.finish(job)
            assert reply["status"] == "success"
            assert reply["track_id"] == str(i)
            assert requests.get(reply["output"][0], timeout=60).content[:4] == b"glTF"
        moved = urlsplit(image_file).path
        assert requests.get(after.root + moved, timeout=60).content == chair.read_bytes()
        assert after.ask("3d/image_to_3d", image=image_file, **QUICK)["status"] == "processing"
    finally:
        offline.stop()


def test_the_server_is_restarted_after_it_exited(tmp_path: Path) -> None:
    offline = OfflineService(Launch.for_wheel(), tmp_path)
    try:
        offline.base_url()
        first = offline.pid
        offline.stop()
        assert not offline.running
        assert Service(offline.base_url()).ask("/api/wallet_balance")["status"] == "success"
        assert offline.pid not in (0, first)
    finally:
        offline.stop()


def test_concurrent_threads_share_one_server(tmp_path: Path) -> None:
    offline = OfflineService(Launch.for_wheel(), tmp_path)
    try:
        with ThreadPoolExecutor(4) as threads:
            addresses = {future.result() for future in [threads.submit(offline.base_url) for _ in range(4)]}
        assert len(addresses) == 1
    finally:
        offline.stop()


@pytest.mark.parametrize("command", ["/nowhere/blender", "false"])
def test_a_server_that_does_not_start_is_reported_with_the_reason(tmp_path: Path, command: str) -> None:
    with pytest.raises(WorkerError, match="could not be started"):
        OfflineService(Launch((command,)), tmp_path).base_url()


def test_the_server_exits_when_its_blender_does(tmp_path: Path) -> None:
    command = [*Launch.for_wheel().command, str(BOOTSTRAP), "--", "offline.service.server", str(tmp_path)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdin is not None
    try:
        assert b"port" in child.stdout.readline()
        child.stdin.close()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            pytest.fail("the server still runs without its parent")
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def test_the_server_listens_on_loopback_only(service: Service) -> None:
    assert urlsplit(service.base_url).hostname == "127.0.0.1"


def test_files_older_than_a_day_are_deleted(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    names = [storage.store_upload(b"image", "png") for _ in range(2)]
    jobs = [storage.create(name, {"render": False}) for name in names]
    places = [storage.results_folder(job) for job in jobs]
    yesterday = time.time() - 25 * 3600
    for path in (storage.upload(names[0]), tmp_path / "jobs" / f"{jobs[0].id}.json", places[0]):
        assert path is not None
        os.utime(path, (yesterday, yesterday))
    storage.clean()
    assert [storage.upload(name) is None for name in names] == [True, False]
    assert [storage.find(str(job.id)) is None for job in jobs] == [True, False]
    assert [place.exists() for place in places] == [False, True]


def test_the_api_key_is_not_stored(service: Service, offline: OfflineService, chair: Path) -> None:
    service.finish(service.submit(chair, **QUICK))
    kept = [path for path in offline.folder.rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if KEY.encode() in path.read_bytes()]
