# SPDX-License-Identifier: GPL-3.0-or-later
"""Says in plain words why a connection failed, by the error number of the operating system."""

from __future__ import annotations

import errno
import os
import sys
from typing import Final

from ...errors import one_line

_FORBIDDEN: Final = "a firewall or virus scanner forbids it"
_BROKEN: Final = "the connection was closed"
_UNRESOLVED: Final = "its name can't be resolved"

_REASONS: Final = {
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.ECONNREFUSED: "it refuses the connection",
    errno.EADDRNOTAVAIL: "its address can't be reached from this computer",
    errno.ENETDOWN: "the network is down",
    errno.ENETUNREACH: "the network is unreachable",
    errno.EHOSTUNREACH: "there is no route to it",
    errno.ETIMEDOUT: "it did not answer",
    errno.ENOBUFS: "this computer has too many connections",
    **dict.fromkeys((errno.ECONNABORTED, errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN), _BROKEN),
}

_WINSOCK_REASONS: Final = {
    10013: _FORBIDDEN,
    10048: "this computer has too many connections",
    10049: _REASONS[errno.EADDRNOTAVAIL],
    10050: _REASONS[errno.ENETDOWN],
    10051: _REASONS[errno.ENETUNREACH],
    **dict.fromkeys((10052, 10053, 10054, 10057, 10058), _BROKEN),
    10055: _REASONS[errno.ENOBUFS],
    10060: _REASONS[errno.ETIMEDOUT],
    10061: _REASONS[errno.ECONNREFUSED],
    10064: "the computer is down",
    10065: _REASONS[errno.EHOSTUNREACH],
    **dict.fromkeys((11001, 11002, 11003, 11004), _UNRESOLVED),
}
"""Windows' sockets have error numbers of their own, which `os.strerror` does not know."""


def reason_of(error: OSError) -> str:
    """Returns the words for an error of a socket, to follow "… can't be reached: "."""
    if isinstance(error, TimeoutError):
        return _REASONS[errno.ETIMEDOUT]
    code = error.errno or 0
    known = _REASONS.get(code) or _WINSOCK_REASONS.get(code)
    return known or one_line(_system_text(code), 60).rstrip(".")


def _system_text(code: int) -> str:
    if sys.platform == "win32":
        import ctypes

        return ctypes.FormatError(code)
    return os.strerror(code)
