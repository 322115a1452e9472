# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads a result file, complete and checked, or not at all; resumes an interrupted download (range requests).

A file grows under a name that begins with "~", and gets its own name only when it is complete and of the expected
format. Neither the key nor any login is sent: the links lead to unknown hosts.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from ..control import Control
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
from ..formats.check import check_file, wrong_start
from ..formats.sniff import FIRST_BYTES
from .client import USER_AGENT
from .error_replies import retry_after
from .http.urls import REDIRECTS, address_filter, host_of, is_http_url, parse_http_url, redirect_target
from .http.watchdog import Timeouts, Watchdog
from .partial_file import Origin, PartialFile

if TYPE_CHECKING:
    from .http.transport import Response

_log = logging.getLogger(__name__)

MAX_RESULT_BYTES: Final = 1024**3
"""Larger files are refused."""

MIRROR_ROUNDS: Final = (1.0, 2.0, 4.0, 8.0)
"""Seconds between rounds through the mirrors, while a promised file is not there yet."""

_MAX_REDIRECTS: Final = 5
_TYPICAL_SIZE: Final = 20_000_000
_REPORT_INTERVAL: Final = 0.1

_MOST_HOPEFUL_FIRST: Final = (
    ConnectionLostError,
    RateLimitError,
    ServiceBrokenError,
    ConnectionFailedError,
    ResultMissingError,
    ResultDamagedError,
    CertificateError,
    ResultTooLargeError,
    UnsafeAddressError,
    ImageTo3DError,
)
"""Of the mirrors' errors, the first of these is raised."""


@dataclass(frozen=True, slots=True)
class _Download:
    """One file to download."""

    partial: PartialFile
    format: str
    control: Control
    address_filter: Callable[[str, str], bool]
    max_bytes: int
    timeouts: Timeouts
    unencrypted: bool = False
    """A redirect from https to http is followed."""


def download(
    mirrors: Sequence[str],
    target: Path,
    *,
    format: str,
    control: Control,
    service_origin: str = "",
    service_peer: Callable[[], str] = str,
    waits: Sequence[float] = MIRROR_ROUNDS,
    connect: float = 10.0,
    stall: float = 30.0,
    max_bytes: int = MAX_RESULT_BYTES,
) -> Path:
    """Download one file from the first of its mirrors that has it complete. Returns `target`, which then exists.

    `format`: as `formats.check.check_file` takes it. `service_origin` and `service_peer`: where the links come from; a
    public service can't name addresses in this computer's own network, see `address_filter`. `waits`: seconds between
    rounds through the mirrors. `connect` and `stall`: seconds to wait for a connection, and for the next bytes.

    What anybody on the way can change, a file over http, is the last resort: all mirrors over https are tried before.

    Raises ResultMissingError, ResultDamagedError, ResultTooLargeError, UnsafeAddressError, StorageError,
    CancelledError, or the connection's error. What was downloaded stays for the next attempt.
    """
    timeouts = Timeouts(connect, read=stall, send=connect, total=None)
    allowed = address_filter(service_origin, service_peer)
    job = _Download(PartialFile(target), format, control, allowed, max_bytes, timeouts)
    usable = [url for url in mirrors if is_http_url(url)]
    if not usable:
        raise ResultMissingError("The service gave no URL for the file.")
    errors: dict[str, ImageTo3DError] = {}
    if _from_first([url for url in usable if _is_encrypted(url)], job, waits, errors):
        return target
    last_resort = [url for url in usable if isinstance(errors.get(url), _UnencryptedError | None)]
    if url := _from_first(last_resort, replace(job, unencrypted=True), waits, errors):
        if _is_encrypted(url) or _is_encrypted(service_origin):
            _log.warning("%s was downloaded without encryption, from a link at %s", target.name, host_of(url))
        return target
    raise next(error for kind in _MOST_HOPEFUL_FIRST for error in errors.values() if isinstance(error, kind))


def _from_first(urls: Sequence[str], job: _Download, waits: Sequence[float], errors: dict[str, ImageTo3DError]) -> str:
    """Returns the first mirror that had the file, which is then complete; "" if none had. Adds their last errors."""
    for wait in (*waits, None):
        for url in urls:
            try:
                _from_mirror(url, job)
                return url
            except (CancelledError, StorageError):
                raise
            except ImageTo3DError as error:
                _log.info("a mirror at %s: %s", one_line(host_of(url), 80), error.message)
                errors[url] = error
        if wait is None or not any(isinstance(errors[url], _WORTH_WAITING) for url in urls):
            break
        _sleep(wait, job.control)
    return ""


def _is_encrypted(url: str) -> bool:
    parts = parse_http_url(url)
    return parts is not None and parts.scheme == "https"


class _UnencryptedError(UnsafeAddressError):
    """A redirect from https to http."""


class _NotYetError(ResultMissingError):
    """HTTP 404, which a new file may give for a short while."""


_WORTH_WAITING: Final = (ConnectionLostError, ServiceBrokenError, _NotYetError)


def _sleep(seconds: float, control: Control) -> None:
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        control.check()
        time.sleep(min(left, 0.1))


def _from_mirror(url: str, job: _Download) -> None:
    partial = job.partial
    try:
        resumed = _transfer(url, job, partial.origin())
        try:
            check_file(partial.path, job.format)
        except ResultDamagedError:
            if not resumed:
                raise
            # The kept part and the new part may not have been parts of the same file.
            _transfer(url, job, None)
            check_file(partial.path, job.format)
    except ResultDamagedError:
        partial.delete()
        raise
    partial.finish()
    job.control.report(1.0)


def _transfer(url: str, job: _Download, origin: Origin | None) -> bool:
    """Download the partial file to its full length. Returns whether it was resumed."""
    from .http.transport import send_request  # imports requests, which is slow

    first = url
    for _ in range(_MAX_REDIRECTS + 1):
        start = job.partial.size() if origin else 0
        range_headers = origin.range_headers(first, start) if origin else {}
        headers = {"User-Agent": USER_AGENT, "Accept": "*/*"} | range_headers
        watchdog = Watchdog(job.timeouts, job.control, job.address_filter)
        with send_request("GET", url, watchdog, headers=headers) as response:
            if response.status in REDIRECTS:
                url = _redirected(url, response.headers, job.unencrypted)
            elif response.status == 200:
                length = None if response.encoding else response.length
                _receive(response, job, Origin.of(first, response.headers, length))
                return False
            elif not (origin and range_headers and response.status in (206, 416)):
                raise _error_for_status(response, url)
            elif response.status == 206 and origin.is_rest(response.headers, start):
                _receive(response, job, origin, start)
                return True
            elif response.status == 416 and start == origin.total:
                return True  # it was complete already
            else:
                origin = None  # another part, or none: start from the beginning
    raise UnsafeAddressError("The file's URL redirects endlessly.")


def _redirected(url: str, headers: Mapping[str, str], unencrypted: bool) -> str:
    target = redirect_target(url, headers.get("Location", ""))
    old, new = parse_http_url(url), parse_http_url(target)
    if old is None or new is None:
        raise UnsafeAddressError("The file's URL redirects to one that can't be followed.")
    if old.scheme == "https" and new.scheme != "https" and not unencrypted:
        raise _UnencryptedError(
            "The file's URL redirects to an unencrypted one ({host}).", host=one_line(new.hostname, 80)
        )
    return target


def _error_for_status(response: Response, url: str) -> ImageTo3DError:
    """Returns the error for an HTTP status without a file."""
    status, host = response.status, one_line(host_of(url), 80)
    wait = retry_after(response.headers, {}, "")
    if status == 404:
        return _NotYetError("The file is not at {host} (HTTP 404).", host=host)
    if status == 429:
        return RateLimitError("{host} asks to wait: too many requests (HTTP 429).", retry_after=wait, host=host)
    if status >= 500 or status in (408, 425):
        return ServiceBrokenError("{host} has a problem (HTTP {status}).", retry_after=wait, host=host, status=status)
    return ResultMissingError("{host} no longer provides the file (HTTP {status}).", host=host, status=status)


def _receive(response: Response, job: _Download, origin: Origin, start: int = 0) -> None:
    """Write a response's body to the partial file, from `start` on."""
    partial, total = job.partial, origin.total
    if total is not None and total > job.max_bytes:
        raise _too_large(job)
    with partial.disk_errors():
        partial.target.parent.mkdir(parents=True, exist_ok=True)
        with partial.path.open("ab" if start else "wb") as file:
            if not start:
                partial.remember(origin)  # only once the file is empty: the origin must never describe older bytes
            size = _write(file, response, job, start, total)
            file.flush()
            os.fsync(file.fileno())
    if total is not None and size != total:
        raise ConnectionLostError(
            "The connection broke after {size} of {total} bytes.", size=f"{size:,}", total=f"{total:,}"
        )


def _write(file: BinaryIO, response: Response, job: _Download, size: int, total: int | None) -> int:
    """Write the body as it arrives, and check its first bytes. Returns the file's size."""
    first, checked, reported = b"", size > 0, 0.0
    for chunk in response.decoded():
        size += len(chunk)
        if size > job.max_bytes:
            raise _too_large(job)
        file.write(chunk)
        if not checked:
            first += chunk
            checked = len(first) >= FIRST_BYTES
            if checked and (found := wrong_start(first[:FIRST_BYTES], job.format)):
                raise ResultDamagedError(
                    "The download is {found} instead of a file in {format} format.",
                    found=found,
                    format=job.format.upper(),
                )
        now = time.monotonic()
        if now - reported >= _REPORT_INTERVAL:
            reported = now
            job.control.report(min(size / total, 1.0) if total else size / (size + _TYPICAL_SIZE))
    return size


def _too_large(job: _Download) -> ResultTooLargeError:
    return ResultTooLargeError("The file is larger than {limit} bytes.", limit=f"{job.max_bytes:,}")
