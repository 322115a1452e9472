# SPDX-License-Identifier: GPL-3.0-or-later
"""A download gives a whole and checked file, or none; and it gives up no byte it already has."""

from __future__ import annotations

import errno
import gzip
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import model_files
import pytest
from image_to_3d.api.download import download
from image_to_3d.control import NO_CONTROL, Control
from image_to_3d.errors import (
    CancelledError,
    CertificateError,
    ConnectionFailedError,
    ConnectionLostError,
    ImageTo3DError,
    RateLimitError,
    ResultDamagedError,
    ResultMissingError,
    ResultTooLargeError,
    ServiceBrokenError,
    StorageError,
    UnsafeAddressError,
)
from raw_server import CERTIFICATE, Connection, RawServer
from systems import needs_posix

MODEL = model_files.glb(20_000)
PACKED = gzip.compress(MODEL)
PAGE = b"<!DOCTYPE html><html><body>Sign in</body></html>" + b" " * 2000

Handler = Callable[[Connection], object]


def get(urls: str | list[str], target: Path, **options: Any) -> Path:
    options = {
        "format": "glb",
        "control": NO_CONTROL,
        "service_origin": "http://127.0.0.1:1",
        "waits": (),
        "connect": 30,
        "stall": 30,
    } | options
    return download([urls] if isinstance(urls, str) else urls, target, **options)


def read_all(connection: Connection) -> None:
    connection.answer(MODEL, Content_Type="text/plain")


def page(connection: Connection) -> None:
    connection.answer(PAGE)


def partly(connection: Connection, count: int = 100_000, **headers: str) -> None:
    """Announce everything, send some, and break off."""
    lines = "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in headers.items())
    connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(MODEL)}\r\n{lines}\r\n".encode() + MODEL[:count])
    time.sleep(0.05)
    connection.reset()


def ranged(connection: Connection, tag: str = '"one"') -> None:
    """Answer as a good file server does."""
    wanted = connection.header("Range").removeprefix("bytes=").rstrip("-")
    condition = connection.header("If-Range")
    if wanted and condition in ("", tag):
        start = int(wanted)
        connection.answer(
            MODEL[start:], "206 Partial Content", Content_Range=f"bytes {start}-{len(MODEL) - 1}/{len(MODEL)}", ETag=tag
        )
    else:
        connection.answer(MODEL, ETag=tag)


def by_turns(*handlers: Handler) -> Handler:
    """Each request gets the next handler; the last stays."""
    turns = list(handlers)
    return lambda connection: (turns.pop(0) if len(turns) > 1 else turns[0])(connection)


def left_in(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "results" / "model.glb"


def test_a_whole_file_gets_its_name(target: Path) -> None:
    seen: list[float] = []
    with RawServer(read_all) as server:
        assert get(f"{server.url}/x.glb", target, control=Control(report=seen.append)) == target
    assert target.read_bytes() == MODEL
    assert left_in(target.parent) == ["model.glb"]
    assert seen[-1] == 1.0
    assert all(0 <= s <= 1 for s in seen)


def test_a_file_there_before_is_replaced_only_by_a_whole_one(target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(b"old")
    with RawServer(by_turns(partly, page, read_all)) as server:
        for _ in range(2):
            with pytest.raises(ImageTo3DError):
                get(server.url, target)
            assert target.read_bytes() == b"old"
        get(server.url, target)
    assert target.read_bytes() == MODEL


def test_nothing_is_sent_that_tells_who_asks(target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login artist password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("MODELSLAB_API_KEY", "kA93jfQz7LmTb0XvSecret")

    def redirect(connection: Connection) -> None:
        connection.answer(b"", "302 Found", Location="/there", Set_Cookie="a=b; Path=/")

    with RawServer(by_turns(redirect, read_all)) as server:
        get(f"{server.url}/here", target)
    for request in server.requests:
        assert request.request.startswith(b"GET ")
        names = {line.partition(":")[0] for line in request.head.splitlines()[1:] if line}
        assert names == {"host", "user-agent", "accept", "accept-encoding", "connection"}
        assert "secret" not in request.head
        assert request.header("Accept-Encoding") == "identity"


# What is not a whole file


@pytest.mark.parametrize(
    "body",
    [
        PAGE,
        b"",
        b"AccessDenied",
        b'{"error": "expired"}',
        MODEL[:-1],
        MODEL[: len(MODEL) // 2],
        MODEL + b"more",
        model_files.stl(),
        model_files.mp4(),
    ],
    ids=["page", "nothing", "words", "json", "short", "half", "long", "other model", "video"],
)
def test_a_download_that_is_not_the_file_is_deleted(body: bytes, target: Path) -> None:
    with RawServer(lambda c: c.answer(body)) as server, pytest.raises(ResultDamagedError):
        get(server.url, target)
    assert left_in(target.parent) == []


def test_a_wrong_file_is_noticed_before_all_of_it_has_come(target: Path) -> None:
    def endless_page(connection: Connection) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\n\r\n" + PAGE)
        while True:
            connection.send(b"<br>" * 10_000)

    with RawServer(endless_page) as server, pytest.raises(ResultDamagedError, match="web page"):
        get(server.url, target)


@pytest.mark.parametrize("status", [400, 401, 403, 410, 451])
def test_a_link_that_has_expired_is_a_missing_result(status: int, target: Path) -> None:
    with (
        RawServer(lambda c: c.answer(PAGE, f"{status} No")) as server,
        pytest.raises(ResultMissingError, match=str(status)),
    ):
        get(server.url, target, waits=(0.01,))
    assert server.connections == 1


def test_a_file_that_is_there_a_little_later_is_waited_for(target: Path) -> None:
    missing: Handler = lambda c: c.answer(PAGE, "404 Not Found")  # noqa: E731
    with RawServer(by_turns(missing, missing, read_all)) as server:
        get(server.url, target, waits=(0.01, 0.01, 0.01))
    assert target.read_bytes() == MODEL
    assert server.connections == 3


def test_a_file_that_never_comes_is_missing(target: Path) -> None:
    with RawServer(lambda c: c.answer(PAGE, "404 Not Found")) as server:
        with pytest.raises(ResultMissingError) as raised:
            get([f"{server.url}/a", f"{server.url}/b"], target, waits=(0.01,))
        assert [r.target for r in server.requests] == ["/a", "/b", "/a", "/b"]
    assert raised.value.transient


@pytest.mark.parametrize(
    ("status", "kind"), [(429, RateLimitError), (500, ServiceBrokenError), (503, ServiceBrokenError)]
)
def test_a_server_in_trouble_can_be_asked_again(status: int, kind: type[ImageTo3DError], target: Path) -> None:
    with RawServer(lambda c: c.answer(b"", f"{status} No", Retry_After="7")) as server, pytest.raises(kind) as raised:
        get(server.url, target)
    assert raised.value.transient
    assert raised.value.retry_after == 7


@pytest.mark.parametrize("urls", [[], [""], ["file:///etc/passwd", "ftp://x/y", "data:,x"]])
def test_without_a_usable_address_the_result_is_missing(urls: list[str], target: Path) -> None:
    with pytest.raises(ResultMissingError):
        get(urls, target)
    assert not target.parent.exists()


# Mirrors


BAD_MIRRORS: dict[str, Handler] = {
    "404": lambda c: c.answer(b"", "404 Not Found"),
    "403": lambda c: c.answer(b"", "403 Forbidden"),
    "500": lambda c: c.answer(b"", "500 No"),
    "429": lambda c: c.answer(b"", "429 No"),
    "page": lambda c: c.answer(PAGE),
    "truncated": lambda c: c.answer(MODEL[:5000]),
    "broken": partly,
    "reset": lambda c: c.reset(),
    "stalled": lambda c: c.stall(),
    "redirect to nowhere": lambda c: c.answer(b"", "302 Found", Location="ftp://x/"),
    "redirect without end": lambda c: c.answer(b"", "302 Found", Location="/again"),
    "204": lambda c: c.send(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "nonsense": lambda c: c.send(b"\0" * 100),
    "unasked part": lambda c: c.answer(MODEL[9:], "206 Partial Content", Content_Range="bytes 9-99/100"),
}


@pytest.mark.parametrize("bad", BAD_MIRRORS.values(), ids=BAD_MIRRORS)
def test_the_next_mirror_is_tried(bad: Handler, target: Path) -> None:
    with RawServer(bad) as first, RawServer(read_all) as second:
        get([f"{first.url}/a.glb", f"{second.url}/b.glb"], target, stall=2)
        assert second.connections == 1
    assert target.read_bytes() == MODEL
    assert left_in(target.parent) == ["model.glb"]


def test_a_mirror_nobody_answers_at_is_passed_over(target: Path) -> None:
    with RawServer(read_all) as server:
        get(["http://127.0.0.1:1/a.glb", "http://nowhere.invalid/b.glb", server.url], target)
    assert target.read_bytes() == MODEL


def test_of_several_faults_the_one_is_told_that_leaves_most_hope(target: Path) -> None:
    with RawServer(BAD_MIRRORS["403"]) as expired, RawServer(partly) as broken, pytest.raises(ConnectionLostError):
        get([expired.url, broken.url, "http://127.0.0.1:1/"], target)
    with RawServer(BAD_MIRRORS["403"]) as expired, pytest.raises(ConnectionFailedError):
        get([expired.url, "http://127.0.0.1:1/"], target)


# Broken connections, and going on


@pytest.mark.parametrize("name", ["ETag", "etag", "ETAG"])
def test_a_download_goes_on_where_it_broke(name: str, target: Path) -> None:
    with RawServer(by_turns(lambda c: partly(c, **{name: '"one"'}), ranged)) as server:
        with pytest.raises(ConnectionLostError):
            get(server.url, target)
        assert left_in(target.parent) == ["~model.glb", "~model.glb.json"]
        kept = (target.parent / "~model.glb").stat().st_size
        assert kept > 0
        get(server.url, target)
        assert server.requests[1].header("Range") == f"bytes={kept}-"
        assert server.requests[1].header("If-Range") == '"one"'
    assert target.read_bytes() == MODEL
    assert left_in(target.parent) == ["model.glb"]


def test_a_broken_download_goes_on_by_itself_after_a_while(target: Path) -> None:
    broken: Handler = lambda c: partly(c, ETag='"one"')  # noqa: E731
    with RawServer(by_turns(broken, ranged)) as server:
        get(server.url, target, waits=(0.01,))
        assert server.requests[1].header("Range")
    assert target.read_bytes() == MODEL


def test_a_stalled_download_is_given_up_and_goes_on(target: Path) -> None:
    def stall(connection: Connection) -> None:
        connection.send(
            f'HTTP/1.1 200 OK\r\nContent-Length: {len(MODEL)}\r\nETag: "one"\r\n\r\n'.encode() + MODEL[:50_000]
        )
        connection.stall()

    with RawServer(by_turns(stall, ranged)) as server:
        get(server.url, target, waits=(0.01,) * 5, stall=1)
        assert server.requests[1].header("Range")
    assert target.read_bytes() == MODEL


def test_a_download_that_comes_byte_by_byte_is_given_up(target: Path) -> None:
    def drip(connection: Connection) -> None:
        connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(MODEL)}\r\n\r\n".encode())
        connection.drip(MODEL, 0.05)

    with RawServer(drip) as server, pytest.raises(ConnectionLostError):
        get(server.url, target, stall=0.2, connect=0.2)


def test_another_mirror_goes_on_with_a_file_of_the_same_mark(target: Path) -> None:
    with RawServer(lambda c: partly(c, ETag='"one"')) as first, RawServer(ranged) as second:
        get([first.url, second.url], target)
        assert second.requests[0].header("Range")
    assert target.read_bytes() == MODEL


def test_another_mirror_does_not_go_on_with_a_file_without_a_mark(target: Path) -> None:
    with RawServer(partly) as first, RawServer(ranged) as second:
        get([first.url, second.url], target)
        assert not second.requests[0].header("Range")
    assert target.read_bytes() == MODEL


def test_the_same_address_goes_on_without_a_mark(target: Path) -> None:
    with RawServer(by_turns(partly, ranged)) as server:
        get(f"{server.url}/x.glb", target, waits=(0.01,))
        assert server.requests[1].header("Range")
    assert target.read_bytes() == MODEL


def test_a_changed_file_is_begun_anew(target: Path) -> None:
    with RawServer(by_turns(lambda c: partly(c, ETag='"old"'), ranged)) as server:
        get(server.url, target, waits=(0.01,))
        assert server.requests[1].header("If-Range") == '"old"'
    assert target.read_bytes() == MODEL


@pytest.mark.parametrize(
    "odd",
    [
        {"Content_Range": "bytes 0-99/100"},
        {"Content_Range": "bytes 5-99/*"},
        {"Content_Range": ""},
        {"Content_Range": "bytes x-y/z"},
        {},
    ],
)
def test_a_part_that_is_not_the_missing_one_is_begun_anew(odd: dict[str, str], target: Path) -> None:
    wrong: Handler = lambda c: c.answer(b"?" * 1000, "206 Partial Content", **odd)  # noqa: E731
    with RawServer(by_turns(partly, wrong, ranged)) as server:
        get(f"{server.url}/x.glb", target, waits=(0.01,))
        assert not server.requests[2].header("Range")
    assert target.read_bytes() == MODEL


def test_a_part_that_belongs_to_another_file_is_noticed_and_begun_anew(target: Path) -> None:
    def other_file(connection: Connection) -> None:
        partly_sent = b"glTF" + b"?" * 60_000
        connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(MODEL)}\r\n\r\n".encode() + partly_sent)
        time.sleep(0.05)
        connection.reset()

    with RawServer(by_turns(other_file, ranged)) as server:
        get(f"{server.url}/x.glb", target, waits=(0.01,))
        assert [bool(r.header("Range")) for r in server.requests] == [False, True, False]
    assert target.read_bytes() == MODEL


def test_a_range_that_cannot_be_given_is_begun_anew(target: Path) -> None:
    refuse: Handler = lambda c: c.answer(b"", "416 Range Not Satisfiable")  # noqa: E731
    with RawServer(by_turns(partly, refuse, read_all)) as server:
        get(f"{server.url}/x.glb", target, waits=(0.01,))
    assert target.read_bytes() == MODEL


def test_a_file_that_was_whole_but_not_yet_named_is_not_fetched_again(target: Path) -> None:
    with RawServer(by_turns(partly, lambda c: c.answer(b"", "416 Range Not Satisfiable"))) as server:
        with pytest.raises(ConnectionLostError):
            get(f"{server.url}/x.glb", target)
        (target.parent / "~model.glb").write_bytes(MODEL)
        get(f"{server.url}/x.glb", target)
    assert target.read_bytes() == MODEL


@pytest.mark.parametrize(
    "memory", [b"", b"{}", b"null", b"\xff", b'{"total": "x", "tag": 1, "date": [], "place": null}']
)
def test_a_partial_file_of_unknown_origin_is_downloaded_anew(memory: bytes, target: Path) -> None:
    target.parent.mkdir()
    (target.parent / "~model.glb").write_bytes(b"left over")
    (target.parent / "~model.glb.json").write_bytes(memory)
    with RawServer(read_all) as server:
        get(server.url, target)
        assert not server.requests[0].header("Range")
    assert target.read_bytes() == MODEL


# Lengths and packing


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n\r\n" + MODEL,
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n" + MODEL,
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + MODEL,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(MODEL) + MODEL + b"\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + PACKED,
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(PACKED) + PACKED,
        b"HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: %d\r\n\r\n" % len(MODEL) + MODEL,
    ],
    ids=["no length", "negative length", "wrong type", "chunked", "gzip", "gzip with length", "identity"],
)  # fmt: skip
def test_a_whole_file_is_whole_however_it_is_sent(answer: bytes, target: Path) -> None:
    seen: list[float] = []
    with RawServer(lambda c: c.send(answer)) as server:
        get(server.url, target, control=Control(report=seen.append))
    assert target.read_bytes() == MODEL
    assert all(0 <= s <= 1 for s in seen)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n\r\n" + MODEL[:-1],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(MODEL) + MODEL[:-1],
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + PACKED[:-20],
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n" + MODEL,
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(MODEL) + 1) + MODEL,
    ],
    ids=["no length", "chunked", "gzip", "unknown packing", "length too long"],
)
def test_a_file_that_is_not_whole_is_not_kept(answer: bytes, target: Path) -> None:
    with RawServer(lambda c: c.send(answer)) as server, pytest.raises(ImageTo3DError) as raised:
        get(server.url, target)
    assert raised.value.transient
    assert not target.exists()


def test_a_file_that_says_it_is_too_large_is_not_fetched(target: Path) -> None:
    with RawServer(read_all) as server, pytest.raises(ResultTooLargeError):
        get(server.url, target, max_bytes=len(MODEL) - 1)
    assert not target.parent.exists() or left_in(target.parent) == []


def test_a_file_that_grows_too_large_is_given_up(target: Path) -> None:
    def endless(connection: Connection) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\n\r\nglTF")
        while True:
            connection.send(b"\0" * 65536)

    with RawServer(endless) as server, pytest.raises(ResultTooLargeError):
        get(server.url, target, max_bytes=2_000_000)
    assert sum(p.stat().st_size for p in target.parent.iterdir()) < 3_000_000


def test_a_packed_file_that_grows_too_large_is_given_up(target: Path) -> None:
    packed = gzip.compress(b"glTF" + b"\0" * 50_000_000)
    with RawServer(lambda c: c.answer(packed, Content_Encoding="gzip")) as server, pytest.raises(ResultTooLargeError):
        get(server.url, target, max_bytes=2_000_000)


# Where links may lead


def test_redirects_are_followed_a_few_times(target: Path) -> None:
    def lead(connection: Connection) -> None:
        number = int(connection.target.strip("/") or 0)
        if number < 5:
            connection.answer(b"", "302 Found", Location=f"/{number + 1}")
        else:
            read_all(connection)

    with RawServer(lead) as server:
        get(f"{server.url}/0", target)
        with pytest.raises(UnsafeAddressError):
            get(f"{server.url}/-1", target)
    assert target.read_bytes() == MODEL


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://x/y", "javascript:1", "", "http://[", "http://", "data:,x", "//"]
)
def test_a_redirect_to_no_web_address_is_not_followed(location: str, target: Path) -> None:
    with (
        RawServer(lambda c: c.answer(b"", "302 Found", Location=location)) as server,
        pytest.raises(UnsafeAddressError),
    ):
        get(server.url, target)


def test_a_redirect_with_odd_letters_is_followed(target: Path) -> None:
    lead: Handler = lambda c: c.answer(b"", "302 Found", Location="/st\u00fchl.glb".encode().decode("latin-1"))  # noqa: E731
    with RawServer(by_turns(lead, read_all)) as server:
        get(server.url, target)
        assert server.requests[1].target == "/st%C3%BChl.glb"


def test_a_file_over_http_is_used_only_after_all_over_https_failed(
    target: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))
    later = by_turns(lambda c: c.answer(b"", "404 Not Found"), read_all)
    with RawServer(read_all) as plain, RawServer(later, tls=CERTIFICATE) as safe:
        get([f"{plain.url}/x.glb", f"{safe.url}/x.glb"], target, service_origin="https://127.0.0.1:1", waits=(0.05,))
        assert (plain.connections, safe.connections) == (0, 2)
    assert "without encryption" not in caplog.text
    gone: Handler = lambda c: c.answer(b"", "410 Gone")  # noqa: E731
    with RawServer(read_all) as plain, RawServer(gone, tls=CERTIFICATE) as safe:
        get([f"{plain.url}/x.glb", f"{safe.url}/x.glb"], target, service_origin="https://127.0.0.1:1")
        assert (plain.connections, safe.connections) == (1, 1)
    assert "model.glb was downloaded without encryption" in caplog.text


def test_a_redirect_from_https_to_http_is_followed_only_as_a_last_resort(
    target: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))
    with RawServer(read_all) as plain:
        lead: Handler = lambda c: c.answer(b"", "302 Found", Location=f"{plain.url}/x.glb")  # noqa: E731
        with RawServer(lead, tls=CERTIFICATE) as safe, RawServer(read_all, tls=CERTIFICATE) as other:
            get([safe.url, other.url], target)
            assert plain.connections == 0
            assert "without encryption" not in caplog.text
            get([safe.url], target)
            assert plain.connections == 1
    assert "model.glb was downloaded without encryption" in caplog.text


def test_a_file_over_tls_is_fetched_where_the_certificate_is_trusted(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RawServer(read_all, tls=CERTIFICATE) as server:
        with pytest.raises(CertificateError):
            get(server.url, target)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))
        get(server.url, target)
    assert target.read_bytes() == MODEL


@pytest.mark.parametrize("service", ["https://8.8.8.8/api/v6", "", "https://192.168.7.7/api"])
@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::ffff:127.0.0.1]", "127.1", "2130706433", "0x7f000001"]
)
def test_a_service_elsewhere_cannot_have_this_machine_asked(service: str, host: str, target: Path) -> None:
    with RawServer(read_all) as server:
        with pytest.raises((UnsafeAddressError, ConnectionFailedError)):
            get(f"http://{host}:{server.port}/x.glb", target, service_origin=service)
        assert server.connections == 0


@pytest.mark.parametrize("host", ["10.0.0.1", "192.168.1.1", "169.254.169.254", "[fd00::1]", "100.64.1.1"])
def test_a_service_in_the_internet_cannot_have_the_local_network_asked(host: str, target: Path) -> None:
    with pytest.raises(UnsafeAddressError, match="own network"):
        get(f"http://{host}/x.glb", target, service_origin="https://8.8.8.8")


# Disk


def test_a_folder_that_cannot_be_made_is_a_matter_of_storage(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("in the way")
    with RawServer(read_all) as server, pytest.raises(StorageError, match="results"):
        get(server.url, tmp_path / "results" / "model.glb")


def test_a_name_that_is_taken_by_a_folder_is_a_matter_of_storage(target: Path) -> None:
    target.mkdir(parents=True)
    with RawServer(read_all) as server, pytest.raises(StorageError):
        get(server.url, target)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no file that is always full")
def test_a_full_disk_is_a_matter_of_storage(target: Path) -> None:
    target.parent.mkdir()
    (target.parent / "~model.glb").symlink_to("/dev/full")
    with RawServer(read_all) as server, pytest.raises(StorageError, match=os.strerror(errno.ENOSPC)) as raised:
        get([server.url, server.url], target)
    assert server.connections == 1
    assert not target.exists()
    assert "make room" in str(raised.value.advice).lower()


@needs_posix
def test_a_file_larger_than_the_disk_allows_is_a_matter_of_storage(target: Path) -> None:
    resource: Any = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with RawServer(read_all) as server, pytest.raises(StorageError):
            get(server.url, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not target.exists()


# Cancelling


STALLS: dict[str, Handler] = {
    "before the answer": lambda c: c.stall(),
    "in the file": lambda c: (c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + MODEL[:9999]), c.stall()),
    "while it trickles": lambda c: (c.send(b"HTTP/1.1 200 OK\r\n\r\n"), c.drip(MODEL, 0.02)),
    "while waiting for the file": lambda c: c.answer(b"", "404 Not Found"),
}  # fmt: skip


@pytest.mark.parametrize("stall", STALLS.values(), ids=STALLS)
def test_cancelling_ends_a_download_that_hangs(stall: Handler, target: Path) -> None:
    with RawServer(stall) as server, pytest.raises(CancelledError):
        get(server.url, target, control=Control(lambda: len(server.requests) > 0), stall=60, connect=60, waits=(60,))
    assert not target.exists()


def test_cancelled_before_it_began_asks_nobody(target: Path) -> None:
    with RawServer(read_all) as server:
        with pytest.raises(CancelledError):
            get(server.url, target, control=Control(lambda: True))
        assert server.requests == []


def test_downloads_beside_each_other_do_not_mix(tmp_path: Path) -> None:
    files = {f"/{n}.stl": model_files.stl(1000 + n) for n in range(12)}
    with RawServer(lambda c: c.answer(files[c.target])) as server:
        threads = [
            threading.Thread(target=get, args=(server.url + name, tmp_path / name[1:]), kwargs={"format": "stl"})
            for name in files
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {f"/{p.name}": p.read_bytes() for p in tmp_path.iterdir()} == files
