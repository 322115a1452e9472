# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses are told apart by where they lead, however they are written."""

from __future__ import annotations

import ipaddress

import pytest
from image_to_3d.api.http.urls import (
    NetworkScope,
    address_filter,
    is_http_url,
    is_loopback,
    is_unencrypted,
    origin_of,
    scope_of_ip,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://modelslab.com/api/v6", "HTTPS://ModelsLab.com:443/elsewhere?x=1#y"),
        ("http://modelslab.com", "http://modelslab.com.:80/"),
        ("http://[::1]:8080/a", "http://[::1]:8080/b"),
    ],
)
def test_the_same_origin_written_in_another_way_is_the_same(one: str, other: str) -> None:
    assert origin_of(one) == origin_of(other) != ""


@pytest.mark.parametrize(
    "other",
    [
        "http://modelslab.com/api/v6",
        "https://modelslab.com:8443/api/v6",
        "https://www.modelslab.com/api/v6",
        "https://modelslab.com.evil.example/api/v6",
        "https://modelslab.com@evil.example/api/v6",
        "https://evil.example/https://modelslab.com",
        "https://evil.example\\@modelslab.com/",
        "//modelslab.com/api/v6",
        "",
    ],
)
def test_another_scheme_host_or_port_is_another_origin(other: str) -> None:
    assert origin_of(other) != origin_of("https://modelslab.com/api/v6")


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "chair.png", "file:///etc/passwd", "ftp://host/x", "javascript:alert(1)", "https://", "https://:443/x",
        "http://host:0/", "http://host:port/", "http://[::1/", "http://ho\nst/", "http://host/\x00",
        "http://host/" + "x" * 9000, None, 7, b"http://host/",
    ],
)  # fmt: skip
def test_what_is_no_web_address_is_none(text: object) -> None:
    assert not is_http_url(text)
    assert origin_of(text) == ""  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ip", "reach"),
    [
        ("8.8.8.8", NetworkScope.PUBLIC),
        ("2606:4700::1111", NetworkScope.PUBLIC),
        ("198.18.0.5", NetworkScope.STAND_IN),
        ("10.1.2.3", NetworkScope.PRIVATE),
        ("192.168.0.1", NetworkScope.PRIVATE),
        ("172.16.0.1", NetworkScope.PRIVATE),
        ("100.64.0.1", NetworkScope.PRIVATE),
        ("fd00::1", NetworkScope.PRIVATE),
        ("127.0.0.1", NetworkScope.LOCAL),
        ("127.9.9.9", NetworkScope.LOCAL),
        ("0.0.0.0", NetworkScope.LOCAL),
        ("::1", NetworkScope.LOCAL),
        ("::", NetworkScope.LOCAL),
        ("169.254.169.254", NetworkScope.LOCAL),
        ("fe80::1", NetworkScope.LOCAL),
        ("224.0.0.1", NetworkScope.LOCAL),
        ("::ffff:127.0.0.1", NetworkScope.LOCAL),
        ("::ffff:10.0.0.1", NetworkScope.PRIVATE),
        ("::ffff:8.8.8.8", NetworkScope.PUBLIC),
        ("64:ff9b::7f00:1", NetworkScope.LOCAL),
        ("64:ff9b::808:808", NetworkScope.PUBLIC),
        ("2002:7f00:1::", NetworkScope.LOCAL),
    ],
)
def test_each_ip_address_has_its_network_scope(ip: str, reach: NetworkScope) -> None:
    assert scope_of_ip(ipaddress.ip_address(ip)) is reach


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1", "my.localhost"])
def test_this_machine_is_known_by_its_names(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["localhost.example.org", "10.0.0.1", "example.org", ""])
def test_other_machines_are_not_taken_for_this_one(host: str) -> None:
    assert not is_loopback(host)


PUBLIC, LAN, HERE = "8.8.8.8", "192.168.1.9", "127.0.0.1"


@pytest.mark.parametrize(
    ("service", "allowed", "refused"),
    [
        ("https://9.9.9.9", [PUBLIC], [LAN, HERE, "169.254.169.254"]),
        ("", [PUBLIC], [LAN, HERE]),
        ("http://192.168.1.5:8000", [PUBLIC, LAN], [HERE, "169.254.169.254"]),
        ("http://127.0.0.1:5000", [PUBLIC, LAN, HERE], []),
        ("http://localhost:5000", [PUBLIC, LAN, HERE], []),
    ],
)
def test_a_service_names_no_address_nearer_than_itself(service: str, allowed: list[str], refused: list[str]) -> None:
    decide = address_filter(service)
    assert all(decide("files.example", ip) for ip in allowed)
    assert not any(decide("files.example", ip) for ip in refused)


def test_behind_a_proxy_a_service_may_name_its_own_host() -> None:
    assert address_filter("https://service.example")("service.example", LAN)
    assert not address_filter("https://service.example")("service.example", "no address")


@pytest.mark.parametrize(
    "url", ["http://service.example/api/v6", " HTTP://10.0.0.5:8000/api", "http://127.0.0.1.example"]
)
def test_plain_http_to_another_computer_is_recognized(url: str) -> None:
    assert is_unencrypted(url)


@pytest.mark.parametrize(
    "url", ["https://service.example", "http://localhost:8000", "http://[::1]:1/api", "", "http://"]
)
def test_https_and_this_computer_are_not_reported_as_unencrypted(url: str) -> None:
    assert not is_unencrypted(url)
