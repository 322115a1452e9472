# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps the service's error replies to errors, by status code, headers and text."""

from __future__ import annotations

import email.utils
import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC
from typing import Any, Final

from ..errors import (
    NO_MESSAGE,
    ImageTo3DError,
    KeyRejectedError,
    Message,
    NoCreditError,
    ProxyError,
    RateLimitError,
    ServiceBrokenError,
    ServiceRefusedError,
)
from .sanitize import Redactor, number

MAX_WAIT: Final = 24 * 3600.0
"""Seconds; a longer wait is not believed."""

_KEY_REJECTED: Final = "The API key was rejected ({reply})."
_NO_CREDIT: Final = "Not enough credit; nothing was charged ({reply})."
_TEXT_FIELDS: Final = ("message", "messege", "error", "errors", "detail", "msg")
_GENERIC_NAMES: Final = frozenset({*_TEXT_FIELDS, "text", "code", "type"})

_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_WORDS: Final = {"half an": 0.5, "a": 1.0, "an": 1.0, "one": 1.0}
_COUNT: Final = r"\d{1,9}(?:\.\d{1,6})?|\b(?:half an|an?|one)\b"
_UNIT: Final = r"(?:seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)\b"
_AMOUNT: Final = rf"(?:{_COUNT})\s*-?\s*{_UNIT}"
_DURATION: Final = re.compile(rf"({_COUNT})\s*-?\s*({_UNIT})", re.I)
_WAITS: Final = re.compile(
    r"\b(?:in|after|for|wait|within|until)\s+(?:about |another |approximately |at least )?"
    rf"((?:{_AMOUNT}[\s,]*(?:and\s+)?)+)",
    re.I,
)
_PER: Final = re.compile(rf"\b(?:per|every|each|/)\s*{_AMOUNT}", re.I)

_RATE: Final = re.compile(
    r"rate[\s_-]*limit|too many (?:\w+ ){0,3}requests|throttl|retry[\s_-]after"
    r"|\b(?:re)?try(?:ing)?(?: again| it)? after (?:about )?\d"
    r"|\b(?:re)?try(?:ing)?(?: again| it)? in (?:about )?(?:\d|an? |one |a? ?few |some |several |half )"
    r"|\b(?:queued?|concurren\w*|parallel)\b.{0,40}\blimit|\brequests? (?:limit|quota)"
    r"|\blimit\b.{0,40}\b(?:queued?|concurren\w*|parallel)\b|\blimit (?:of|on|to) .{0,20}\brequests\b"
    r"|\bexceed\w* .{0,30}\brequests\b|\brequests .{0,20}\bexceeded"
    r"|\bqueue\b.{0,20}\bfull|\bmaximum\b.{0,30}\b(?:queued?|concurrent|parallel)\b",
    re.I | re.S,
)
_BILLING: Final = re.compile(
    r"credit|wallet|subscri|(?<!memory )(?<!vram )\bexhausted|\binsufficient (?:funds|balance)"
    r"|\bnot enough (?:funds|balance|money)|\bpayment\b|\bbilling\b|\btop[\s-]?up\b|\brecharge|\bfunds\b"
    r"|\b(?:low|no|zero|your|account|negative) balance\b|\bupgrade (?:your |the )?plan|\bplan (?:has |is )?expired",
    re.I,
)
_KEY: Final = re.compile(
    r"\b(?:invalid|wrong|incorrect|missing|unknown|expired|disabled|bad|no)\b.{0,30}\b(?:api|access|modelslab)[\s_-]?key"
    r"|\bapi[\s_-]?key\b.{0,60}\b(?:invalid|wrong|incorrect|missing|expired|disabled|required|revoked|not|doesn'?t)\b"
    r"|^\W*(?:unauthori[sz]ed|unauthenticated)\b"
    r"|\bthe key field is required|\binvalid key\b|\bkey is (?:invalid|wrong)",
    re.I | re.S,
)
_BUSY: Final = re.compile(
    r"\bbusy\b|overload|unavailable|maintenance|something went wrong|internal (?:server )?error"
    r"|try again later|time[d -]*out",
    re.I,
)


def message_of(data: Mapping[str, Any], redactor: Redactor) -> str:
    """Returns the service's own error message as one line: every different text of the fields it may be in."""
    texts: list[str] = []
    for field in _TEXT_FIELDS:
        for text in _texts(data.get(field)):
            line = redactor.line(text)
            if line and line not in texts:
                texts.append(line)
        if len(texts) > 20:
            break
    return redactor.line("; ".join(texts))


def error_from_reply(
    status_code: int,
    headers: Mapping[str, str],
    data: Mapping[str, Any],
    redactor: Redactor,
    *,
    reason: Message = NO_MESSAGE,
) -> ImageTo3DError:
    """Returns the error for a refusal.

    `reason`: the reason, if it isn't in `data`. The status codes 401, 402, 407 and 429 decide; otherwise the text does,
    since the service also sends its errors with HTTP 200.
    """
    text = str(reason) or message_of(data, redactor)
    rate = status_code == 429 or bool(_RATE.search(text))
    wait = retry_after(headers, data, text if rate else "")
    kind, template = _classify(status_code, text, rate)
    shown = '"{reason}"' if status_code == 200 else '"{reason}", HTTP {status}'
    reply = Message(shown if text else "HTTP {status}", {"reason": reason or text, "status": status_code})
    advice = "Try again later." if kind is ServiceRefusedError and _BUSY.search(text) else None
    return kind(template, advice=advice, retry_after=wait, reply=reply)


def _classify(status_code: int, text: str, rate: bool) -> tuple[type[ImageTo3DError], str]:
    """Returns the kind of error, and its message. To reword the error for a refusal, do it here."""
    if status_code == 401:
        return KeyRejectedError, _KEY_REJECTED
    if status_code == 402:
        return NoCreditError, _NO_CREDIT
    if status_code == 407:  # by a proxy that no setting names, in the way of a service without TLS
        return ProxyError, "A proxy requires a user name and a password ({reply})."
    if rate:
        return RateLimitError, "Too many requests; the service asks to wait ({reply})."
    if _BILLING.search(text):
        return NoCreditError, _NO_CREDIT
    if status_code == 403 or _KEY.search(text):
        return KeyRejectedError, _KEY_REJECTED
    if status_code >= 500 or status_code == 408 or status_code < 200 or 300 <= status_code < 400:
        return ServiceBrokenError, "The service has a problem ({reply})."
    return ServiceRefusedError, "The service refused the request ({reply})."


def retry_after(headers: Mapping[str, str], data: Mapping[str, Any], text: str) -> float | None:
    """Returns the seconds to wait, from the body, the header or the text; None if none says."""
    given = headers.get("Retry-After", "")
    for value in (data.get("retry_after"), data.get("retryAfter"), data.get("retry-after"), given):
        wait = _seconds(value)
        if wait is not None:
            return wait
    wait = _seconds_until(given, headers.get("Date", ""))
    return seconds_in_text(text) if wait is None else wait


def seconds_in_text(text: str) -> float | None:
    """Returns the seconds of a duration in a text ("30 minutes"); None if there is none."""
    match = _WAITS.search(text)
    return _total_seconds(match[1] if match else _PER.sub(" ", text))


def _texts(value: object, depth: int = 0) -> Iterator[str]:
    """Yields every text in a message of any shape, with the field's name before it unless the text has it."""
    match value:
        case str():
            stripped = value.strip()
            if depth < 4 and stripped[:1] in ("{", "[") and len(stripped) < 20_000:
                with suppress(ValueError, RecursionError):  # a text that only looks like JSON is shown as it is
                    yield from _texts(json.loads(stripped), depth + 4)
                    return
            yield stripped
        case int() | float() if not isinstance(value, bool):
            yield str(value)
        case Mapping() if depth < 8:
            for name, inner in list(value.items())[:50]:
                label = str(name).replace("_", " ").strip()
                for text in _texts(inner, depth + 1):
                    plain = name in _GENERIC_NAMES or label.isdigit() or label.lower() in text.lower().replace("_", " ")
                    yield text if plain else f"{name}: {text}"
        case list() if depth < 8:
            for inner in value[:50]:
                yield from _texts(inner, depth + 1)


def _seconds(value: object) -> float | None:
    text = value.strip() if isinstance(value, str) else None
    if text is not None and not re.fullmatch(r"\d{1,12}(?:\.\d{1,12})?", text):
        return _total_seconds(text) if _DURATION.match(text) else None
    wait = number(value)
    return min(wait, MAX_WAIT) if wait is not None and wait >= 0 else None


def _seconds_until(text: str, now: str) -> float | None:
    """Returns the seconds from one HTTP date to another, so that a wrong clock here does not matter."""
    then, start = _timestamp(text), _timestamp(now)
    if then is None:
        return None
    return min(max(then - (time.time() if start is None else start), 0.0), MAX_WAIT)


def _timestamp(text: str) -> float | None:
    try:
        parsed = email.utils.parsedate_to_datetime(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError, AttributeError, OSError):
        return None


def _total_seconds(text: str) -> float | None:
    total = None
    for count, unit in _DURATION.findall(text):
        amount = _WORDS.get(count.lower()) or float(count)
        total = (total or 0.0) + amount * _UNITS[unit[0].lower()]
    return None if total is None else min(total, MAX_WAIT)
