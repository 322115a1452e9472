# SPDX-License-Identifier: GPL-3.0-or-later
"""A result file, whole and checked, or nothing.

A file grows under a name that begins with "~" and gets its own name only when it is whole and of the
right format. What came before a connection broke is kept, and the next try goes on from there.
Neither the key nor any login is sent: the links lead to hosts that nobody knows.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from ..errors import (
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
    one_line,
)
from ..formats.check import FIRST_BYTES, check_file, wrong_start
from .client import USER_AGENT
from .error_replies import retry_after
from .http.urls import address_filter, host_of, is_http_url, parse_http_url, redirected
from .http.watchdog import Timeouts
from .partial_file import Origin, PartialFile

if TYPE_CHECKING:
    from .http.transport import Response

__all__ = ["LARGEST_RESULT", "download"]

_log = logging.getLogger(__name__)

LARGEST_RESULT: Final = 1024**3
"""Bytes of one file that are accepted."""

WAITS: Final = (1.0, 2.0, 4.0, 8.0)
"""Seconds between rounds through the mirrors, while a file that was promised is not there yet."""

_MOST_REDIRECTS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_USUAL_SIZE: Final = 20_000_000

_HOPEFUL: Final = (
    ConnectionLostError,
    RateLimitError,
    ServiceBrokenError,
    ConnectionFailedError,
    ResultMissingError,
    ResultDamagedError,
    CertificateError,
    ResultTooLargeError,
    UnsafeAddressError,
)
"""Of the mirrors' errors the one to tell: the first of these, since it gives the most hope."""


@dataclass(frozen=True, slots=True)
class _Order:
    """What is wanted, and on which terms."""

    partial: PartialFile
    format: str
    cancelled: Callable[[], bool]
    progress: Callable[[float], None]
    allowed: Callable[[str, str], bool]
    largest: int
    connect: float
    stall: float


def download(
    mirrors: Sequence[str],
    target: Path,
    *,
    format: str,
    cancelled: Callable[[], bool],
    progress: Callable[[float], None] = lambda _: None,
    service_origin: str = "",
    largest: int = LARGEST_RESULT,
    waits: Sequence[float] = WAITS,
    connect: float = 10.0,
    stall: float = 30.0,
) -> Path:
    """Get one file from the first of its mirrors that has it whole; `target`, which then exists.

    `format` is what `formats.check_file` knows. `progress` gets 0 to 1. `service_origin`: where the
    links come from; a service out in the internet can't name addresses in this computer's own network.
    `connect` and `stall`: seconds to wait for a connection, and for the next bytes.

    Raises ResultMissingError, ResultDamagedError, ResultTooLargeError, UnsafeAddressError,
    StorageError, CancelledError, or what the connection died of. Then there is no `target`, unless
    it was there before; what came so far stays for the next try.
    """
    order = _Order(
        PartialFile(target),
        format,
        cancelled,
        progress,
        address_filter(service_origin),
        largest,
        connect=connect,
        stall=stall,
    )
    usable = [url for url in mirrors if is_http_url(url)]
    if not usable:
        raise ResultMissingError("The service gave no address for the file.")
    for wait in (*waits, None):
        errors: list[ImageTo3DError] = []
        for url in usable:
            try:
                _from_mirror(url, order)
                return target
            except (CancelledError, StorageError):
                raise
            except ImageTo3DError as error:
                _log.info("a mirror at %s: %s", one_line(host_of(url), 80), error.message)
                errors.append(error)
        worth_waiting = any(isinstance(e, ConnectionLostError | ServiceBrokenError | _NotYetError) for e in errors)
        if wait is None or not worth_waiting:
            raise min(errors, key=_rank)
        _sleep(wait, cancelled)
    raise AssertionError("the last round raises or returns")


class _NotYetError(ResultMissingError):
    """A 404, which a file just made may give for a short while."""


def _rank(error: ImageTo3DError) -> int:
    return next((i for i, kind in enumerate(_HOPEFUL) if isinstance(error, kind)), len(_HOPEFUL))


def _sleep(seconds: float, cancelled: Callable[[], bool]) -> None:
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0:
        if cancelled():
            raise CancelledError("Cancelled.")
        time.sleep(min(left, 0.1))


def _from_mirror(url: str, order: _Order) -> None:
    partial = order.partial
    try:
        went_on = _transfer(url, order, partial.source())
        try:
            check_file(partial.path, order.format)
        except ResultDamagedError:
            if not went_on:
                raise
            # What was kept and what came now may not have been parts of the same file.
            _transfer(url, order, None)
            check_file(partial.path, order.format)
    except ResultDamagedError:
        partial.forget()
        raise
    partial.finish()
    order.progress(1.0)


def _transfer(url: str, order: _Order, source: Origin | None) -> bool:
    """Bring the partial file to its full length. Whether that went on from what was there."""
    from .http.transport import send_request  # Brings in requests, which takes a while.

    timeouts = Timeouts(connect=order.connect, read=order.stall, send=order.connect, total=None)
    first = url
    for _ in range(_MOST_REDIRECTS + 1):
        start = order.partial.size() if source else 0
        rest = source.range_headers(first, start) if source else {}
        with send_request(
            "GET",
            url,
            headers={"User-Agent": USER_AGENT, "Accept": "*/*"} | rest,
            timeouts=timeouts,
            cancelled=order.cancelled,
            allowed=order.allowed,
        ) as answer:
            if answer.status in _REDIRECTS:
                url = _redirected(url, answer.headers)
            elif answer.status == 200:
                _receive(answer, order, Origin.of(first, answer.headers, None if answer.encoding else answer.length))
                return False
            elif source and rest and answer.status == 206 and source.is_rest(answer.headers, start):
                _receive(answer, order, source, start)
                return True
            elif source and rest and answer.status == 416 and start == source.total:
                return True  # It was whole already.
            elif source and rest and answer.status in (206, 416):
                source = None  # Some other part, or none: from the beginning, then.
            else:
                raise _no_file(answer, url)
    raise UnsafeAddressError("The file's address leads from one to the next without end.")


def _redirected(url: str, headers: Mapping[str, str]) -> str:
    target = redirected(url, headers.get("Location", ""))
    old, new = parse_http_url(url), parse_http_url(target)
    if old is None or new is None:
        raise UnsafeAddressError("The file's address leads to none that can be followed.")
    if old.scheme == "https" and new.scheme != "https":
        raise UnsafeAddressError(f"The file's address leads to one without encryption ({one_line(new.hostname, 80)}).")
    return target


def _no_file(answer: Response, url: str) -> ImageTo3DError:
    """The error for a status that brings no file."""
    status, host = answer.status, one_line(host_of(url), 80)
    wait = retry_after(answer.headers, {}, "")
    if status == 404:
        return _NotYetError(f"The file is not at {host} (HTTP 404).")
    if status == 429:
        return RateLimitError(f"{host} takes no more requests for now (HTTP 429).", retry_after=wait)
    if status >= 500 or status in (408, 425):
        return ServiceBrokenError(f"{host} has a problem (HTTP {status}).", retry_after=wait)
    return ResultMissingError(f"{host} does not give the file out any more (HTTP {status}).")


def _receive(answer: Response, order: _Order, source: Origin, start: int = 0) -> None:
    """Write an answer's body to the partial file, from the beginning or behind what is there."""
    partial, total = order.partial, source.total
    if total is not None and total > order.largest:
        raise ResultTooLargeError(f"The file has {total:,} bytes; at most {order.largest:,} are accepted.")
    with partial.disk_errors():
        partial.target.parent.mkdir(parents=True, exist_ok=True)
        file = partial.path.open("ab" if start else "wb")
    try:
        if not start:
            # Only now that the file is empty: what is remembered must never be said of older bytes.
            with partial.disk_errors():
                partial.remember(source)
        done = _write(file, answer, order, start, total)
        with partial.disk_errors():
            file.flush()
            os.fsync(file.fileno())
    finally:
        # Closing writes out what is left, which fails where there is no room for it.
        with partial.disk_errors():
            file.close()
    if total is not None and done != total:
        raise ConnectionLostError(f"The connection broke after {done:,} of {total:,} bytes.")


def _write(file: BinaryIO, answer: Response, order: _Order, done: int, total: int | None) -> int:
    """Write what comes, and look at its first bytes; the length that the file has then."""
    first = b"" if done == 0 else None
    told = 0.0
    for chunk in answer.decoded():
        done += len(chunk)
        if done > order.largest:
            raise ResultTooLargeError(f"The file has more than the {order.largest:,} bytes that are accepted.")
        with order.partial.disk_errors():
            file.write(chunk)
        if first is not None:
            first += chunk
            if len(first) >= FIRST_BYTES:
                wrong = wrong_start(first[:FIRST_BYTES], order.format)
                if wrong:
                    raise ResultDamagedError(f"What came instead of the {order.format.upper()} file is {wrong}.")
                first = None
        now = time.monotonic()
        if now - told >= 0.1:
            told = now
            order.progress(min(done / total, 1.0) if total else done / (done + _USUAL_SIZE))
    return done
