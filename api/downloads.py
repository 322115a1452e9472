# SPDX-License-Identifier: GPL-3.0-or-later
"""A result file, whole and checked, or nothing.

A file grows under a name that begins with "~" and gets its own name only when it is whole and of the
right format. What came before a connection broke is kept, and the next try goes on from there.
Neither the key nor any login is sent: the links lead to hosts that nobody knows.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from .addresses import guard, host_of, is_web_address, redirected, split
from .client import USER_AGENT
from .errors import (
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
    readable,
)
from .formats import FIRST_BYTES, check_file, wrong_start
from .refusals import retry_after
from .sorting import Sorted, model_and_companions

if TYPE_CHECKING:
    from .wire import Answer

__all__ = ["LARGEST_RESULT", "Sorted", "download", "model_and_companions"]

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

    target: Path
    format: str
    cancelled: Callable[[], bool]
    progress: Callable[[float], None]
    allowed: Callable[[str, str], bool]
    largest: int
    connect: float
    stall: float

    @property
    def partial(self) -> Path:
        return self.target.with_name(f"~{self.target.name}")

    @property
    def memory(self) -> Path:
        """Where is written what the partial file is a part of."""
        return self.target.with_name(f"~{self.target.name}.json")


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
    order = _Order(target, format, cancelled, progress, guard(service_origin), largest, connect=connect, stall=stall)
    usable = [url for url in mirrors if is_web_address(url)]
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
                _log.info("a mirror at %s: %s", readable(host_of(url), 80), error.what)
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
    resume = _Resume.read(order)
    try:
        _transfer(url, order, resume)
        check_file(order.partial, order.format)
    except ResultDamagedError:
        _forget(order)
        if resume is None or not resume.start:
            raise
        # What was kept and what came now may not have been parts of the same file.
        _transfer(url, order, None)
        try:
            check_file(order.partial, order.format)
        except ResultDamagedError:
            _forget(order)
            raise
    with _storing(order.target):
        os.replace(order.partial, order.target)
    _forget(order)
    order.progress(1.0)


@dataclass(frozen=True, slots=True)
class _Resume:
    """A part of a file that is there already, and how to make sure that the rest belongs to it."""

    start: int
    total: int | None
    tag: str
    """A strong ETag; "" where the server gave none."""
    date: str
    place: str
    """Host and path it came from: without a tag, only the same address can go on."""

    @staticmethod
    def read(order: _Order) -> _Resume | None:
        try:
            start = order.partial.stat().st_size
            kept = json.loads(order.memory.read_text("utf-8"))
            total = kept["total"] if isinstance(kept["total"], int) else None
            return _Resume(start, total, str(kept["tag"]), str(kept["date"]), str(kept["place"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def headers(self, url: str) -> dict[str, str]:
        """The request's headers to go on with, if this address can; {} to begin anew."""
        if not self.start or self.total is None or (self.total and self.start > self.total):
            return {}
        condition = self.tag or self.date
        if not self.tag and self.place != _place(url):
            return {}
        ask = {"Range": f"bytes={self.start}-"}
        return ask | {"If-Range": condition} if condition else ask

    def goes_on(self, answer: Answer) -> bool:
        """Whether an answer is just what is missing."""
        words = answer.headers.get("Content-Range", "").lower().removeprefix("bytes").strip()
        span, _, total = words.partition("/")
        start, _, last = span.partition("-")
        if answer.encoding not in ("", "identity"):
            return False
        return start == str(self.start) and total == str(self.total) and last == str((self.total or 0) - 1)


def _transfer(url: str, order: _Order, resume: _Resume | None) -> None:
    """Bring the partial file to its full length."""
    from .wire import Patience, exchange  # Brings in requests, which takes a while.

    patience = Patience(connect=order.connect, read=order.stall, send=order.connect, total=None)
    origin = url
    for _ in range(_MOST_REDIRECTS + 1):
        headers = {"User-Agent": USER_AGENT, "Accept": "*/*"}
        asked = resume.headers(origin) if resume else {}
        with exchange(
            "GET",
            url,
            headers=headers | asked,
            patience=patience,
            cancelled=order.cancelled,
            allowed=order.allowed,
        ) as answer:
            if answer.status in _REDIRECTS:
                url = _redirected(url, answer.headers)
                continue
            if resume and asked and answer.status == 206:
                if resume.goes_on(answer):
                    _receive(answer, origin, order, resume)
                    return
                resume = None  # Some other part: from the beginning, then.
                continue
            if resume and asked and answer.status == 416:
                if resume.start == resume.total:
                    return  # It was whole already.
                resume = None
                continue
            if answer.status != 200:
                raise _no_file(answer, url)
            _receive(answer, origin, order, None)
            return
    raise UnsafeAddressError("The file's address leads from one to the next without end.")


def _redirected(url: str, headers: Mapping[str, str]) -> str:
    target = redirected(url, headers.get("Location", ""))
    old, new = split(url), split(target)
    if old is None or new is None:
        raise UnsafeAddressError("The file's address leads to none that can be followed.")
    if old.scheme == "https" and new.scheme != "https":
        raise UnsafeAddressError(f"The file's address leads to one without encryption ({readable(new.hostname, 80)}).")
    return target


def _no_file(answer: Answer, url: str) -> ImageTo3DError:
    """The error for a status that brings no file."""
    status, host = answer.status, readable(host_of(url), 80)
    wait = retry_after(answer.headers, {}, "")
    if status == 404:
        return _NotYetError(f"The file is not at {host} (HTTP 404).")
    if status == 429:
        return RateLimitError(f"{host} takes no more requests for now (HTTP 429).", retry_after=wait)
    if status >= 500 or status in (408, 425):
        return ServiceBrokenError(f"{host} has a problem (HTTP {status}).", retry_after=wait)
    return ResultMissingError(f"{host} does not give the file out any more (HTTP {status}).")


def _receive(answer: Answer, origin: str, order: _Order, resume: _Resume | None) -> None:
    """Write an answer's body to the partial file, from the beginning or behind what is there."""
    done = resume.start if resume else 0
    total = answer.length + done if answer.length is not None and not answer.encoding else None
    if total is not None and total > order.largest:
        raise ResultTooLargeError(f"The file has {total:,} bytes; at most {order.largest:,} are accepted.")
    with _storing(order.target):
        order.target.parent.mkdir(parents=True, exist_ok=True)
        file = order.partial.open("ab" if resume else "wb")
    try:
        if resume is None:
            # Only now that the file is empty: what is written down must never speak of older bytes.
            with _storing(order.target):
                _remember(order, answer, total, origin)
        done = _write(file, answer, order, done, total)
        with _storing(order.target):
            file.flush()
            os.fsync(file.fileno())
    finally:
        # Closing writes out what is left, which fails where there is no room for it.
        with _storing(order.target):
            file.close()
    if total is not None and done != total:
        raise ConnectionLostError(f"The connection broke after {done:,} of {total:,} bytes.")


def _write(file: BinaryIO, answer: Answer, order: _Order, done: int, total: int | None) -> int:
    first = b"" if done == 0 else None
    told = 0.0
    for chunk in answer.unpacked():
        done += len(chunk)
        if done > order.largest:
            raise ResultTooLargeError(f"The file has more than the {order.largest:,} bytes that are accepted.")
        with _storing(order.target):
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


def _remember(order: _Order, answer: Answer, total: int | None, origin: str) -> None:
    tag = answer.headers.get("ETag", "")
    kept = {
        "total": total,
        "tag": tag if tag.startswith('"') and tag.isprintable() else "",
        "date": answer.headers.get("Last-Modified", ""),
        "place": _place(origin),
    }
    order.memory.write_text(json.dumps(kept), "utf-8")


def _forget(order: _Order) -> None:
    for path in (order.partial, order.memory):
        with suppress(OSError):  # What can't be removed is overwritten by the next try.
            path.unlink(missing_ok=True)


def _place(url: str) -> str:
    parts = split(url)
    return f"{parts.netloc}{parts.path}" if parts else ""


class _storing:
    """Turns what goes wrong with the disk into a StorageError that names the folder."""

    def __init__(self, target: Path) -> None:
        self._folder = target.parent

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, OSError):
            why = readable(error.strerror or error, 80)
            raise StorageError(f"The file can't be written to {readable(self._folder, 160)}: {why}.") from error
