# SPDX-License-Identifier: GPL-3.0-or-later
"""The offline preview follows the service's contract, so clients of one work with the other."""

from __future__ import annotations

import base64
import contextlib
import http.client
import os
import select
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from image_to_3d.errors import WorkerError
from image_to_3d.loopback import server as server_module
from image_to_3d.loopback import storage as storage_module
from image_to_3d.loopback.generation_queue import MAX_JOBS, GenerationQueue, QueueFullError
from image_to_3d.loopback.launcher import LoopbackService
from image_to_3d.loopback.server import MAX_CONNECTIONS, Server
from image_to_3d.loopback.storage import Storage, StorageFullError
from image_to_3d.worker.child_process import BOOTSTRAP, Launch
from loopback_services import IDLE, offline_service
from PIL import Image
from pytest_httpserver import HTTPServer
from service import Service
from systems import needs_proc

pytestmark = pytest.mark.heavy

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


def test_a_cancelled_job_is_not_made_until_it_is_asked_for_again(service: Service, chair: Path) -> None:
    first, second = service.submit(chair, resolution=256), service.submit(chair, **QUICK)
    service.ask(f"3d/cancel/{second['id']}")
    service.finish(first)
    after = service.submit(chair, **QUICK)
    assert service.finish(after)["status"] == "success"
    entries = service.ask("assets_generated", type="3d", per_page=30, page=1)["data"]
    assert {entry["id"]: entry["status"] for entry in entries}[second["id"]] == "processing"
    assert service.finish(second)["status"] == "success"


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


def test_every_endpoint_requires_the_key_of_this_start(service: Service) -> None:
    for path in ("3d/image_to_3d", "3d/fetch/1", "base64_to_url", "assets_generated", "/api/wallet_balance"):
        for key in ("", None, service.key[:-1], 7, "\u00e4"):
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
        assert "not downloaded" in reply["message"]["init_image"][0]


def test_an_image_must_have_been_uploaded_even_if_this_computer_serves_it(
    service: Service, chair: Path, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/temp/chair.png").respond_with_data(chair.read_bytes(), content_type="image/png")
    reply = service.ask("3d/image_to_3d", image=httpserver.url_for("/temp/chair.png"), **QUICK)
    assert "upload the image first" in reply["message"]["init_image"][0]
    assert httpserver.log == []


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
    reply = service.finish(service.submit(chair.read_bytes()[:20_000]))
    assert reply["status"] == "error"
    assert "image" in reply["message"]


def test_the_balance_is_zero(service: Service) -> None:
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
            method, f"{service.root}/api/wallet_balance", json={"key": service.key}, headers=headers, timeout=60
        )
        assert reply.status_code == 403


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"nothing", b"[" * 50_000, b'"key"'])
def test_a_request_body_that_is_not_a_json_object_is_refused(service: Service, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    reply = requests.post(f"{service.base_url}/3d/image_to_3d", data=body, headers=headers, timeout=60)
    assert reply.status_code == 400
    assert reply.json()["status"] == "error"


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("base64_to_url", {"Content-Length": str(6 * 1024 * 1024)}, 413),
        ("3d/image_to_3d", {"Content-Length": "100000"}, 413),
        ("3d/image_to_3d", {"Content-Length": "100", "Content-Type": "text/plain"}, 415),
        ("3d/image_to_3d", {"Content-Length": "100", "Content-Type": None}, 415),
        ("3d/image_to_3d", {"Content-Length": "-1"}, 400),
        ("3d/image_to_3d", {"Content-Length": "\u00b2"}, 400),
        ("3d/image_to_3d", {"Content-Length": None}, 400),
        ("3d/image_to_3d", {"Content-Length": "100", "Transfer-Encoding": "chunked"}, 400),
    ],
    ids=["a large upload", "a large submit", "text", "no type", "negative", "odd digits", "no length", "chunked"],
)
def test_a_request_that_the_add_on_would_not_send_is_refused_before_its_body_is_read(
    service: Service, path: str, headers: dict[str, str | None], status: int
) -> None:
    connection = http.client.HTTPConnection(urlsplit(service.root).netloc, timeout=60)
    connection.putrequest("POST", f"/api/v6/{path}")
    for name, value in ({"Content-Type": "application/json"} | headers).items():
        if value is not None:
            connection.putheader(name, value.encode("latin-1"))
    connection.endheaders()
    assert connection.getresponse().status == status
    connection.close()


def test_more_connections_than_the_add_on_needs_are_closed(service: Service) -> None:
    address = (urlsplit(service.root).hostname, urlsplit(service.root).port)
    idle = [socket.create_connection(address, timeout=20) for _ in range(MAX_CONNECTIONS)]
    try:
        with socket.create_connection(address, timeout=20) as refused:
            assert refused.recv(1) == b""
    finally:
        for connection in idle:
            connection.close()
    service.wait_until_idle()


@pytest.mark.parametrize(("width", "height"), [(30_000, 30_000), (4097, 4096), (0, 10)])
def test_an_image_that_claims_too_many_pixels_is_refused_by_its_header(
    service: Service, offline: LoopbackService, width: int, height: int
) -> None:
    before = set((offline.folder / "uploads").iterdir())
    reply = service.ask("base64_to_url", base64_string=data_uri(png_header(width, height)))
    assert reply["status"] == "error"
    assert list(reply["message"]) == ["base64_string"]
    assert set((offline.folder / "uploads").iterdir()) == before


def data_uri(image: bytes, mime: str = "image/png") -> str:
    return f"data:{mime};base64,{base64.b64encode(image).decode()}"


def png_header(width: int, height: int) -> bytes:
    """The beginning of a PNG of that size."""
    content = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + content + struct.pack(">I", zlib.crc32(content))


def test_only_png_and_jpeg_images_are_taken(service: Service, tmp_path: Path) -> None:
    for name, mime in (("a.gif", "image/gif"), ("a.bmp", "image/bmp"), ("a.gif", "image/png")):
        Image.new("RGB", (64, 64), (200, 40, 30)).save(tmp_path / name)
        reply = service.ask("base64_to_url", base64_string=data_uri((tmp_path / name).read_bytes(), mime))
        assert reply["status"] == "error"


def test_jobs_survive_a_restart_of_the_server(tmp_path: Path, chair: Path) -> None:
    offline = offline_service(tmp_path)
    try:
        before = Service(*offline.access())
        image_file = before.upload(chair)
        jobs = [before.ask("3d/image_to_3d", image=image_file, track_id=str(i), resolution=256) for i in range(2)]
        offline.stop()
        after = Service(*offline.access())
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
    offline = offline_service(tmp_path)
    try:
        offline.access()
        first = offline.pid
        offline.stop()
        assert not offline.running
        assert Service(*offline.access()).ask("/api/wallet_balance")["status"] == "success"
        assert offline.pid not in (0, first)
    finally:
        offline.stop()


def test_concurrent_threads_share_one_server(tmp_path: Path) -> None:
    offline = offline_service(tmp_path)
    try:
        with ThreadPoolExecutor(4) as threads:
            addresses = {future.result() for future in [threads.submit(offline.access) for _ in range(4)]}
        assert len(addresses) == 1
    finally:
        offline.stop()


@pytest.mark.parametrize("command", ["/nowhere/blender", "false"])
def test_a_server_that_does_not_start_is_reported_with_the_reason(tmp_path: Path, command: str) -> None:
    with pytest.raises(WorkerError, match="could not be started"):
        offline_service(tmp_path, Launch((command,))).access()


def test_the_server_exits_when_its_blender_does(tmp_path: Path) -> None:
    command = [*Launch.for_wheel().command, str(BOOTSTRAP), "--", "offline.server", str(tmp_path)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdin is not None
    try:
        child.stdin.write(b'{"key": "a key"}\n')
        child.stdin.flush()
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
    jobs = [storage.create(name, {"render": False}, {}) for name in names]
    places = [storage.results_folder(job) for job in jobs]
    yesterday = time.time() - 25 * 3600
    for path in (storage.upload(names[0]), tmp_path / "jobs" / f"{jobs[0].id}.json", places[0]):
        assert path is not None
        os.utime(path, (yesterday, yesterday))
    storage.clean()
    assert [storage.upload(name) is None for name in names] == [True, False]
    assert [storage.find(str(job.id)) is None for job in jobs] == [True, False]
    assert [place.exists() for place in places] == [False, True]


def test_the_api_key_is_not_stored(service: Service, offline: LoopbackService, chair: Path) -> None:
    service.finish(service.submit(chair, **QUICK))
    kept = [path for path in offline.folder.rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if service.key.encode() in path.read_bytes()]


# What the server needs no Blender for


@pytest.fixture
def bare_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A server that makes no models, where a reverse DNS lookup fails."""

    def getfqdn(*_: object) -> str:
        raise AssertionError("a reverse DNS lookup can take half a minute")

    monkeypatch.setattr(socket, "getfqdn", getfqdn)
    storage = Storage(tmp_path)
    with Server(storage, GenerationQueue(storage, IDLE), "the-key") as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield Service(f"http://127.0.0.1:{server.server_port}/api/v6", "the-key")
        server.shutdown()


def test_the_server_starts_without_a_reverse_dns_lookup(bare_server: Service) -> None:
    assert bare_server.ask("/api/wallet_balance")["status"] == "success"


@pytest.mark.parametrize(
    "start", [b"", b"POST / HTT", b"POST / HTTP/1.1\r\nContent-Length: 9"], ids=["none", "line", "header"]
)
def test_a_client_that_sends_slowly_is_disconnected(
    bare_server: Service, start: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "REQUEST_SECONDS", 0.5)
    address = (urlsplit(bare_server.root).hostname, urlsplit(bare_server.root).port)
    with socket.create_connection(address, timeout=10) as slow:
        slow.sendall(start)
        deadline = time.monotonic() + 5
        with contextlib.suppress(ConnectionError):
            while not select.select([slow], [], [], 0.1)[0]:
                assert time.monotonic() < deadline, "the server still waits"
                slow.sendall(b"x")
            assert slow.recv(1) == b""


def test_a_server_without_a_key_does_not_start(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    with pytest.raises(ValueError, match="key"):
        Server(storage, GenerationQueue(storage, IDLE), "")


@needs_proc
def test_the_key_is_not_in_the_process_list(service: Service, offline: LoopbackService) -> None:
    assert len(service.key) >= 32
    if sys.platform == "linux":
        shown = Path(f"/proc/{offline.pid}/cmdline").read_bytes() + Path(f"/proc/{offline.pid}/environ").read_bytes()
        assert service.key.encode() not in shown


def test_each_start_has_another_key(tmp_path: Path) -> None:
    offline = offline_service(tmp_path)
    try:
        keys = set()
        for _ in range(2):
            keys.add(offline.access().key)
            offline.stop()
        assert len(keys) == 2
    finally:
        offline.stop()


def test_bpy_and_numpy_are_imported_before_a_thread_reads_stdin(tmp_path: Path) -> None:
    """On Windows, a DLL that looks at stdin when it is loaded would hang."""
    script = tmp_path / "watch.py"
    script.write_text(
        "import runpy, sys, threading\n"
        "def watch(event, args):\n"
        "    if event == 'import' and args[0] in ('bpy', 'numpy'):\n"
        "        reading = any(thread.name == 'stdin' for thread in threading.enumerate())\n"
        "        print('imported', args[0], 'LATE' if reading else 'early', file=sys.stderr, flush=True)\n"
        "sys.addaudithook(watch)\n"
        f"sys.argv = [{str(BOOTSTRAP)!r}, '--', 'offline.server', {str(tmp_path)!r}]\n"
        f"runpy.run_path({str(BOOTSTRAP)!r}, run_name='__main__')\n"
    )
    command = [*Launch.for_wheel().command, str(script)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        child.stdin.write(b'{"key": "a key"}\n')
        child.stdin.flush()
        assert b"port" in child.stdout.readline()
        errors = child.communicate(timeout=20)[1].decode()
    finally:
        child.kill()
        child.wait()
    assert "imported bpy early" in errors
    assert "LATE" not in errors


def test_the_oldest_files_give_way_when_the_folder_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage_module, "MAX_UPLOAD_BYTES", 300_000)
    storage = Storage(tmp_path)
    names = [storage.store_upload(bytes(100_000), "png") for _ in range(3)]
    with pytest.raises(StorageFullError):
        storage.store_upload(bytes(100_000), "png")
    for name, age in zip(names, (3000, 4000, 0), strict=True):
        os.utime(tmp_path / "uploads" / name, (time.time() - age,) * 2)
    storage.store_upload(bytes(100_000), "png")
    assert [storage.upload(name) is None for name in names] == [False, True, False]


def test_results_count_too_when_the_folder_is_full(
    tmp_path: Path, bare_server: Service, chair: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = bare_server.upload(chair)
    monkeypatch.setattr(storage_module, "MAX_TOTAL_BYTES", 1_000_000)
    (tmp_path / "results" / "token").mkdir()
    (tmp_path / "results" / "token" / "1.glb").write_bytes(bytes(1_000_000))
    replies = [bare_server.post("base64_to_url", base64_string=data_uri(chair.read_bytes()))]
    replies.append(bare_server.post("3d/image_to_3d", image=url, **QUICK))
    for reply in replies:
        assert (reply.status_code, reply.json()["retry_after"]) == (429, 60)
        assert "full" in reply.json()["message"]
    os.utime(tmp_path / "results" / "token", (time.time() - 3000,) * 2)
    assert bare_server.ask("3d/image_to_3d", image=url, **QUICK)["status"] == "processing"


def test_unfinished_jobs_of_earlier_starts_are_queued_only_as_far_as_there_is_room(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    jobs = [storage.create("x.png", {"resolution": 48, "render": False}, {}) for _ in range(MAX_JOBS + 2)]
    waiting = GenerationQueue(storage, IDLE)
    for job in [*jobs, *jobs]:
        waiting.resume(job)
    with pytest.raises(QueueFullError):
        waiting.submit("x.png", {"resolution": 48, "render": False}, {})
    assert [job.id for job in waiting.pending()] == [job.id for job in jobs[:MAX_JOBS]]
