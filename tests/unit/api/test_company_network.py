# SPDX-License-Identifier: GPL-3.0-or-later
"""In a company's network: its own root certificate, its proxies, and errors that name them. All of it on loopback."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests.utils
from image_to_3d.api.client import Client
from image_to_3d.api.http.certificates import trusted_context
from image_to_3d.errors import CertificateError, ConnectionFailedError, ImageTo3DError, OutcomeUnknownError, ProxyError
from raw_server import CERTIFICATE, FOREIGN_CERTIFICATE, Connection, RawServer, nobody_there

KEY = "kA93jfQz7LmTb0XvSecret"
IMAGE = {"image": "https://files.example/chair.png"}
REPLY = json.dumps({"status": "processing", "id": 5}).encode()
VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
PASSWORD = "hunter2"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No certificates and no proxies in the environment, whatever the machine has."""
    for name in (*VARIABLES, *("http_proxy", "https_proxy", "all_proxy", "no_proxy")):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def a_client(url: str, connect: float = 20) -> Client:
    return Client(f"{url}/api/v6", KEY, timeouts=(connect, 20))


# Certificates


@pytest.fixture
def inspected() -> Iterator[RawServer]:
    """A server whose certificate no public authority vouches for."""
    with RawServer(lambda c: c.answer(REPLY), tls=CERTIFICATE) as server:
        yield server


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_file_that_a_variable_names_is_trusted(
    inspected: RawServer, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(CERTIFICATE))
    assert a_client(inspected.url).submit(IMAGE).id == "5"


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs the openssl command")
@pytest.mark.parametrize("variable", ["SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"])
def test_the_folder_that_a_variable_names_is_trusted(
    inspected: RawServer, variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    command = ["openssl", "x509", "-in", str(CERTIFICATE), "-noout", "-subject_hash"]
    name = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    shutil.copy(CERTIFICATE, tmp_path / f"{name}.0")
    monkeypatch.setenv(variable, str(tmp_path))
    assert a_client(inspected.url).submit(IMAGE).id == "5"


def test_a_bundle_adds_to_the_other_certificates(inspected: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(FOREIGN_CERTIFICATE))
    assert a_client(inspected.url).submit(IMAGE).id == "5"


def authorities(context: ssl.SSLContext) -> set[bytes]:
    return set(context.get_ca_certs(binary_form=True))


def authorities_in(path: str) -> set[bytes]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(path)
    return authorities(context)


def test_public_authorities_are_trusted_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    public = authorities_in(requests.utils.DEFAULT_CA_BUNDLE_PATH)
    assert len(public) > 50
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(FOREIGN_CERTIFICATE))
    ours = authorities_in(str(CERTIFICATE)) | authorities_in(str(FOREIGN_CERTIFICATE))
    assert authorities(trusted_context()) >= public | ours


@pytest.mark.skipif(
    sys.platform != "linux" or not os.path.exists("/etc/ssl/certs/ca-certificates.crt"), reason="Debian's place"
)
def test_the_system_store_is_trusted_although_blender_sets_another_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", requests.utils.DEFAULT_CA_BUNDLE_PATH)
    assert authorities(trusted_context()) >= authorities_in("/etc/ssl/certs/ca-certificates.crt")


def test_certificates_are_read_once_and_always_checked(inspected: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    before = trusted_context()
    a_client(inspected.url).submit(IMAGE)
    a_client(inspected.url).submit(IMAGE)
    after = trusted_context()
    assert after is before
    assert (after.verify_mode, after.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_a_certificate_for_another_host_is_not_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(FOREIGN_CERTIFICATE))
    with RawServer(lambda c: c.answer(REPLY), tls=FOREIGN_CERTIFICATE) as server:
        for url in (server.url, server.url.replace("127.0.0.1", "localhost")):
            with pytest.raises(CertificateError):
                a_client(url).submit(IMAGE)
        assert server.requests == []


def test_the_error_says_what_an_administrator_can_set(inspected: RawServer) -> None:
    with pytest.raises(CertificateError, match=r"self.signed") as raised:
        a_client(inspected.url).submit(IMAGE)
    assert inspected.requests == []
    for words in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "system's certificate store"):
        assert words in str(raised.value.advice)


def test_a_certificate_added_after_a_refusal_is_trusted_by_the_next_attempt(
    inspected: RawServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle = tmp_path / "company.pem"
    shutil.copy(FOREIGN_CERTIFICATE, bundle)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    client = a_client(inspected.url)
    with pytest.raises(CertificateError):
        client.submit(IMAGE)
    shutil.copy(CERTIFICATE, bundle)
    assert client.submit(IMAGE).id == "5"


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_bundle_that_is_none_is_named(variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "letter.pem"
    path.write_text("Dear administrator")
    monkeypatch.setenv(variable, str(path))
    with RawServer(lambda c: c.answer(REPLY)) as server:
        with pytest.raises(CertificateError) as raised:
            a_client(server.url.replace("http:", "https:")).submit(IMAGE)
        assert server.connections == 0
        assert a_client(server.url).submit(IMAGE).id == "5", "without TLS it does not matter"
    assert "letter.pem" in str(raised.value.message)
    assert variable in str(raised.value.advice)


# Proxies


def tunnel_to(server: RawServer, login: str = "") -> Callable[[Connection], None]:
    """A proxy that connects to the server, whatever host is named, for those with the right login."""

    def connect(caller: Connection) -> None:
        if login and caller.header("Proxy-Authorization").lower() != login.lower():
            caller.answer(b"", "407 Proxy Authentication Required", Proxy_Authenticate="Basic")
            return
        with socket.create_connection(("127.0.0.1", server.port)) as other:
            caller.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=pipe, args=(other, caller.socket), daemon=True)
            back.start()
            pipe(caller.socket, other)
            back.join(10)

    return connect


def pipe(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def with_login(url: str) -> str:
    return url.replace("://", f"://anna:{PASSWORD}@")


def failed(url: str, connect: float = 20) -> ImageTo3DError:
    """The error of a submit, which says that nothing was sent to the service, and no secret."""
    with pytest.raises(ImageTo3DError) as raised:
        a_client(url, connect).submit(IMAGE)
    assert not isinstance(raised.value, OutcomeUnknownError)
    assert KEY not in str(raised.value)
    assert PASSWORD not in f"{raised.value} {raised.value.message!r} {raised.value.advice!r}"
    return raised.value


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_dead_proxy_is_named_and_not_the_service(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = nobody_there()
    monkeypatch.setenv(f"{scheme}_proxy", with_login(proxy))
    error = failed(f"{scheme}://service.example")
    name = proxy.removeprefix("http://")
    assert str(error.message) == f"The proxy {name} can't be reached: it refuses the connection."
    assert "proxy settings" in str(error.advice)
    assert error.transient


def test_a_proxy_whose_name_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "proxy.invalid:3128")
    error = failed("https://service.example")
    assert str(error.message) == "The proxy proxy.invalid:3128 can't be reached: its name can't be resolved."


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_login_says_so(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(lambda c: c.answer(b"", "407 Proxy Authentication Required")) as proxy:
        monkeypatch.setenv(f"{scheme}_proxy", proxy.url)
        error = failed(f"{scheme}://service.example")
        assert f"127.0.0.1:{proxy.port} requires a user name and a password" in str(error.message)
        monkeypatch.setenv(f"{scheme}_proxy", with_login(proxy.url))
        rejected = failed(f"{scheme}://service.example")
        assert "rejects the user name and password" in str(rejected.message)
        assert all(isinstance(e, ProxyError) and not e.transient for e in (error, rejected))
        if scheme == "https":
            assert proxy.requests[0].request.startswith(b"CONNECT service.example:443")
            assert all(KEY.encode() not in c.request for c in proxy.requests)


@pytest.mark.parametrize("status", ["403 Forbidden", "502 Bad Gateway", "504 Gateway Timeout"])
def test_a_proxy_that_does_not_connect_is_named_with_its_status(status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(lambda c: c.answer(b"<html>", status)) as proxy:
        monkeypatch.setenv("https_proxy", with_login(proxy.url))
        error = failed("https://service.example")
        told = f"The proxy 127.0.0.1:{proxy.port} does not connect to service.example (HTTP {status[:3]})."
    assert str(error.message) == told
    assert isinstance(error, ConnectionFailedError)
    assert error.transient


@pytest.mark.parametrize(
    "fault", [lambda c: None, lambda c: c.reset(), lambda c: c.stall()], ids=["closes", "resets", "is silent"]
)
def test_a_proxy_that_breaks_off_is_named(fault: Callable[[Connection], None], monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(fault) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        error = failed("https://service.example", connect=0.5)
        assert str(error.message) == f"The proxy 127.0.0.1:{proxy.port} does not connect to service.example."
    assert error.transient


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4"])
def test_a_socks_proxy_is_said_to_be_unsupported(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", f"{scheme}://anna:{PASSWORD}@127.0.0.1:1080")
    error = failed("https://service.example")
    assert str(error.message) == "The proxy 127.0.0.1:1080 is a SOCKS proxy: Blender has no support for SOCKS."
    assert not error.transient


@pytest.mark.parametrize("address", ["http://", "http://proxy.example:port", "ftp://proxy.example", "http://[::1"])
def test_a_proxy_address_that_is_none_is_reported(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", address)
    assert "proxy settings" in str(failed("http://service.example").message)


def test_a_proxy_with_a_login_is_used_and_only_the_proxy_gets_the_login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(FOREIGN_CERTIFICATE))
    login = f"Basic {base64.b64encode(f'anna:{PASSWORD}'.encode()).decode()}"
    with (
        RawServer(lambda c: c.answer(REPLY), tls=FOREIGN_CERTIFICATE) as server,
        RawServer(tunnel_to(server, login)) as proxy,
    ):
        monkeypatch.setenv("https_proxy", with_login(proxy.url))
        assert a_client("https://other.example").submit(IMAGE).id == "5"
        assert b"proxy-authorization" not in server.requests[0].request.lower()
        assert KEY.encode() not in proxy.requests[0].request


def test_a_proxy_behind_tls_is_used_if_its_certificate_is_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    both = tmp_path / "both.pem"
    both.write_text(CERTIFICATE.read_text() + FOREIGN_CERTIFICATE.read_text())
    with (
        RawServer(lambda c: c.answer(REPLY), tls=FOREIGN_CERTIFICATE) as server,
        RawServer(tunnel_to(server), tls=CERTIFICATE) as proxy,
    ):
        monkeypatch.setenv("https_proxy", proxy.url.replace("127.0.0.1", "localhost"))
        monkeypatch.setenv("SSL_CERT_FILE", str(FOREIGN_CERTIFICATE))
        error = failed("https://other.example")
        assert isinstance(error, CertificateError)
        assert f"through the proxy localhost:{proxy.port} is possible: self" in str(error.message)
        assert server.requests == proxy.requests == []
        monkeypatch.setenv("SSL_CERT_FILE", str(both))
        assert a_client("https://other.example").submit(IMAGE).id == "5"


def test_a_proxy_that_inspects_connections_needs_its_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        RawServer(lambda c: c.answer(REPLY), tls=FOREIGN_CERTIFICATE) as inspector,
        RawServer(tunnel_to(inspector)) as proxy,
    ):
        monkeypatch.setenv("https_proxy", proxy.url)
        error = failed("https://other.example")
        assert isinstance(error, CertificateError)
        assert "root certificate" in str(error.advice)
        assert inspector.requests == []
        monkeypatch.setenv("SSL_CERT_FILE", str(FOREIGN_CERTIFICATE))
        assert a_client("https://other.example").submit(IMAGE).id == "5"
