# SPDX-License-Identifier: GPL-3.0-or-later
"""Web addresses: whose they are, and which of them may be fetched.

The links in a reply are chosen by somebody else. A service out in the internet must not make this
machine fetch from itself or from its own network, so an address is judged by where it really leads.
"""

from __future__ import annotations

import enum
import ipaddress
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from urllib.parse import SplitResult, urljoin, urlsplit

from ...errors import Action, ParameterError, one_line

_PORTS = {"http": 80, "https": 443}
_LONGEST = 8192
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class NetworkScope(enum.IntEnum):
    """How far away an address is; the smaller, the more it is open to everybody."""

    PUBLIC = 0
    PRIVATE = 1
    """The local network."""
    LOCAL = 2
    """This machine, and the link-local addresses at which clouds keep their secrets."""


def parse_http_url(address: object) -> SplitResult | None:
    """The parts of an http or https address that names a host; None for anything else."""
    if not isinstance(address, str) or not 0 < len(address) <= _LONGEST:
        return None
    if any(c.isspace() or not c.isprintable() for c in address) or "\\" in address:
        return None
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname or port == 0:
        return None
    return parts


def is_http_url(address: object, schemes: Sequence[str] = ("http", "https")) -> bool:
    """Whether this is an absolute address with one of the schemes, and a host."""
    parts = parse_http_url(address)
    return parts is not None and parts.scheme in schemes


def origin_of(address: str) -> str:
    """Scheme, host and port, always spelled out, so that two can be compared; "" for what is no web address."""
    parts = parse_http_url(address)
    if parts is None or parts.hostname is None:
        return ""
    host = parts.hostname.rstrip(".")
    if ":" in host:
        host = f"[{host}]"
    return f"{parts.scheme}://{host}:{parts.port or _PORTS[parts.scheme]}"


def host_of(address: str) -> str:
    """The host's name, to be shown and compared; "" where there is none."""
    parts = parse_http_url(address)
    return (parts.hostname or "").rstrip(".") if parts else ""


def redirected(address: str, location: str) -> str:
    """The absolute address that a Location header leads to; "" where that is no web address."""
    with suppress(UnicodeError):  # HTTP reads headers as Latin-1; what is not ASCII in them is UTF-8.
        location = location.encode("latin-1").decode("utf-8")
    try:
        target = urljoin(address, location)
    except ValueError:
        return ""
    return target if location and is_http_url(target) else ""


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine without asking anybody."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    ip = _ip(host)
    return ip is not None and ip.is_loopback


def scope_of_ip(ip: IPAddress) -> NetworkScope:
    """How far away an IP address is, also where an IPv4 address hides in an IPv6 one."""
    if isinstance(ip, ipaddress.IPv6Address):
        hidden = ip.ipv4_mapped or ip.sixtofour
        if hidden is None and ip in _NAT64:
            hidden = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if hidden is not None:
            return scope_of_ip(hidden)
    if ip.is_loopback or ip.is_link_local or ip.is_unspecified or ip.is_multicast:
        return NetworkScope.LOCAL
    return NetworkScope.PUBLIC if ip.is_global else NetworkScope.PRIVATE


def scope_of_host(host: str) -> NetworkScope:
    """How far away a host is, by the nearest of its addresses; PUBLIC for one that is not found."""
    ip = _ip(host)
    if ip is not None:
        return scope_of_ip(ip)
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return NetworkScope.PUBLIC
    return max((scope_of_ip(ip) for entry in found if (ip := _ip(str(entry[4][0])))), default=NetworkScope.PUBLIC)


def address_filter(service_origin: str) -> Callable[[str, str], bool]:
    """A judge of (host name, IP address): may a link of this service be fetched from there?

    Never from anything nearer than the service itself is; from the service's own host always.
    An empty origin counts as one out in the internet.
    """
    home = host_of(service_origin)

    def allowed(host: str, address: str) -> bool:
        ip = _ip(address)
        if ip is None:
            return False
        reach = scope_of_ip(ip)
        if reach is NetworkScope.PUBLIC or (home and host.rstrip(".").lower() == home):
            return True
        return bool(home) and reach <= scope_of_host(home)

    return allowed


def _ip(text: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def service_base(address: str) -> str:
    """A service's base address in the form we use. Raises ParameterError."""
    text = address.strip().rstrip("/")
    parts = parse_http_url(text)
    if parts is None or "@" in parts.netloc or parts.query or parts.fragment:
        raise ParameterError(
            f"\"{one_line(address, 80)}\" can't be a service's address: it must look like https://host/api/v6.",
            advice="Correct it in the add-on's preferences.",
            action=Action.OPEN_PREFERENCES,
        )
    return text
