# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP URLs: parsing, origins, and which addresses a service's links may lead to (SSRF protection).

The links in a reply are chosen by somebody else: an address is judged by the IP address that is connected to (see
`connection`), and compared with the one that the service's API was reached at.
"""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Callable, Sequence
from contextlib import suppress
from urllib.parse import SplitResult, urljoin, urlsplit

from ...errors import Action, ParameterError, one_line

REDIRECTS = frozenset({301, 302, 303, 307, 308})
"""The HTTP status codes that redirect."""
_PORTS = {"http": 80, "https": 443}
_MAX_URL = 8192
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_STAND_INS = ipaddress.ip_network("198.18.0.0/15")

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class NetworkScope(enum.IntEnum):
    """Network scope of an address, from public to this computer."""

    PUBLIC = 0
    STAND_IN = 1
    """What a VPN or proxy program on this computer answers for every public name ("fake IP", as of Clash and Surge)."""
    PRIVATE = 2
    """The local network."""
    LOCAL = 3
    """This computer, and the link-local addresses at which clouds serve their metadata."""


def parse_http_url(address: object) -> SplitResult | None:
    """Returns the parts of an http or https URL with a host; None for anything else."""
    if not isinstance(address, str) or not 0 < len(address) <= _MAX_URL:
        return None
    if any(c.isspace() or not c.isprintable() for c in address) or "\\" in address:
        return None
    try:
        parts = urlsplit(address)
        return parts if parts.scheme in _PORTS and parts.hostname and parts.port != 0 else None
    except ValueError:
        return None


def is_http_url(address: object, schemes: Sequence[str] = ("http", "https")) -> bool:
    """Whether this is an absolute URL with one of the schemes, and a host."""
    parts = parse_http_url(address)
    return parts is not None and parts.scheme in schemes


def origin_of(address: str) -> str:
    """Returns scheme, host and port in a form that can be compared; "" for anything that is not an http(s) URL."""
    parts = parse_http_url(address)
    if parts is None:
        return ""
    host = host_of(address)
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{parts.port or _PORTS[parts.scheme]}"


def host_of(address: str) -> str:
    """Returns the host name; "" if there is none."""
    parts = parse_http_url(address)
    return (parts.hostname or "").rstrip(".") if parts else ""


def redirect_target(address: str, location: str) -> str:
    """Returns the absolute URL of a Location header; "" if it is not an http(s) URL."""
    with suppress(UnicodeError):  # headers are read as Latin-1; non-ASCII bytes in them are UTF-8
        location = location.encode("latin-1").decode("utf-8")
    with suppress(ValueError):
        target = urljoin(address, location)
        return target if location and is_http_url(target) else ""
    return ""


def is_loopback(host: str) -> bool:
    """Whether a host name means this computer, without a DNS lookup."""
    ip = _ip(host)
    return ip.is_loopback if ip else host == "localhost" or host.endswith(".localhost")


def is_unencrypted(address: str) -> bool:
    """Whether requests to this URL cross a network as plain text: http, and not on this computer."""
    parts = parse_http_url(address.strip())
    return parts is not None and parts.scheme == "http" and not is_loopback(host_of(address.strip()))


def scope_of_ip(ip: IPAddress) -> NetworkScope:
    """Returns the scope of an IP address, also of an IPv4 address embedded in an IPv6 one."""
    if isinstance(ip, ipaddress.IPv6Address):
        hidden = ip.ipv4_mapped or ip.sixtofour
        if hidden is None and ip in _NAT64:
            hidden = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if hidden is not None:
            return scope_of_ip(hidden)
    if ip.is_loopback or ip.is_link_local or ip.is_unspecified or ip.is_multicast:
        return NetworkScope.LOCAL
    if ip in _STAND_INS:
        return NetworkScope.STAND_IN
    return NetworkScope.PUBLIC if ip.is_global else NetworkScope.PRIVATE


def address_filter(service_origin: str, service_peer: Callable[[], str] = str) -> Callable[[str, str], bool]:
    """Returns a function of (host name, IP address): may a file of this service be downloaded from there?

    Never from an address that is nearer than the service itself. `service_peer` returns the IP address that requests to
    the service were really sent to. No name is looked up: the next answer could be another one. Behind a proxy the
    address is "": the service then counts as public, and may name its own host besides.
    """
    home = host_of(service_origin)

    def allowed(host: str, address: str) -> bool:
        ip = _ip(address)
        if ip is None or scope_of_ip(ip) is NetworkScope.PUBLIC:
            return ip is not None
        service = _ip(home) or _ip("127.0.0.1" if is_loopback(home) else service_peer())
        if service is None:
            return bool(home) and host.rstrip(".").lower() == home
        return scope_of_ip(ip) <= scope_of_ip(service)

    return allowed


def _ip(text: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def service_base(address: str, example: str = "https://host/api/v6") -> str:
    """Returns a service's base URL, normalized. `example`: what it looks like. Raises ParameterError."""
    advice = "Correct it in the add-on's preferences."
    if "@" in address:  # not repeated in the message: it can be a password
        raise ParameterError(
            "The server's address must not have a user name or a password in it.",
            advice=advice,
            action=Action.OPEN_PREFERENCES,
        )
    text = address.strip().rstrip("/")
    parts = parse_http_url(text)
    if parts is None or parts.query or parts.fragment:
        raise ParameterError(
            "\"{url}\" can't be a service's address: it must look like {example}.",
            advice=advice,
            action=Action.OPEN_PREFERENCES,
            url=one_line(address, 80),
            example=example,
        )
    return text
