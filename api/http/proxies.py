# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP proxy between this computer and a URL, from the environment or the system's settings, and its faults.

A company's proxy that is down, or that asks for a login, must not look like a service that is down. The texts name the
proxy by host and port only: a proxy's URL may hold a user name and a password.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import requests.utils

from ...errors import ConnectionFailedError, ProxyError, one_line
from .urls import is_loopback

PROXY_LOGIN: Final = 407
"""The HTTP status by which a proxy asks for a user name and password."""

_TUNNEL_REFUSED: Final = re.compile(r"Tunnel connection failed: (\d{3})")
"""The text of http.client's OSError for a proxy's reply to CONNECT."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """The proxy for one request."""

    settings: Mapping[str, str]
    """As requests takes them."""
    name: str
    """Host and port, for messages."""
    has_login: bool
    """The settings have a user name for it."""

    def unreachable(self, reason: str) -> ConnectionFailedError:
        """Returns the error for a proxy that can't be connected to."""
        return ConnectionFailedError(
            "The proxy {proxy} can't be reached: {reason}.",
            advice="Check the network connection and the proxy settings.",
            proxy=self.name,
            reason=reason,
        )

    def no_tunnel(self, host: str, fault: str) -> ConnectionFailedError:
        """Returns the error for a proxy that was reached, but does not connect to the service. `fault`: its text."""
        match = _TUNNEL_REFUSED.search(fault)
        if match is None:
            return ConnectionFailedError(
                "The proxy {proxy} does not connect to {host}.",
                advice="Check the proxy settings.",
                proxy=self.name,
                host=host,
            )
        if int(match[1]) == PROXY_LOGIN:
            return self.login_required()
        return ConnectionFailedError(
            "The proxy {proxy} does not connect to {host} (HTTP {status}).",
            advice="Check the proxy settings, and whether the proxy allows connections to {host}.",
            proxy=self.name,
            host=host,
            status=int(match[1]),
        )

    def login_required(self) -> ProxyError:
        """Returns the error for a proxy that answered HTTP 407."""
        if self.has_login:
            return ProxyError(
                "The proxy {proxy} rejects the user name and password in the proxy settings (HTTP 407).",
                proxy=self.name,
            )
        return ProxyError(
            "The proxy {proxy} requires a user name and a password (HTTP 407).",
            advice="Add them to the proxy's address, in the environment variable HTTPS_PROXY: http://user:password@host.",
            proxy=self.name,
        )


def proxy_for(url: str, host: str) -> Proxy | None:
    """Returns the proxy to use for a URL; None if there is none. Raises ProxyError for one that can't be used."""
    if is_loopback(host):
        return None
    settings = requests.utils.get_environ_proxies(url, no_proxy=None)
    address = requests.utils.select_proxy(url, settings)
    if not address:
        return None
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        name = f"{parts.hostname or ''}:{parts.port}" if parts.port else parts.hostname or ""
    except ValueError:
        parts, name = urlsplit(""), ""
    name = one_line(name, 80)
    if parts.scheme.startswith("socks"):
        raise ProxyError(
            "The proxy {proxy} is a SOCKS proxy: Blender has no support for SOCKS.",
            advice="Set an HTTP proxy instead, for example in the environment variable HTTPS_PROXY.",
            proxy=name,
        )
    if not name or parts.scheme not in ("http", "https"):
        raise ProxyError("The address in the proxy settings is not a valid one.")
    return Proxy(settings, name, has_login=bool(parts.username))
