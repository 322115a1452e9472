# SPDX-License-Identifier: GPL-3.0-or-later
"""Parses the service's JSON replies: returns a typed Reply, or raises the error that the reply stands for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from ..errors import ImageTo3DError, Message, ServiceBrokenError
from .error_replies import error_from_reply, message_of, seconds_in_text
from .http.urls import is_http_url
from .parameters import MAX_SEED
from .sanitize import MARK, Redactor, id_text, mapping, number, parse_json, redacted

_DONE: Final = frozenset({"success"})
_PENDING: Final = frozenset({"processing", "queued", "pending"})
_FAILED: Final = frozenset({"error", "failed"})

_MAX_FILES: Final = 64
_MAX_ETA: Final = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What the service reports about one job."""

    done: bool
    id: str = ""
    """Opaque; "" if the reply has none (a short reply to a poll)."""
    eta: float | None = None
    """The service's estimate in seconds; None if it gives none."""
    fetch_url: str = ""
    """The URL to poll, as the service gives it: not yet checked to be the service's own."""
    links: tuple[tuple[str, ...], ...] = ()
    """Per file, its URLs in the order to try. Before the job is done: where its files will be."""
    seed: str = ""
    """The seed that was used: unsigned 32 bit, as text; "" if the reply does not say."""
    notes: tuple[Message, ...] = ()
    """What the artist should know about the result; only loopback services tell."""
    waits_for: Message | None = None
    """Why it has not begun to be made, perhaps without words; None if it has. Only loopback services tell."""
    raw: Mapping[str, Any] = field(default_factory=dict)
    """The reply's JSON, without the API key."""


def read_reply(status_code: int, headers: Mapping[str, str], body: bytes, *, secret: str) -> Reply:
    """Returns a reply to a submit or a poll.

    Raises KeyRejectedError, NoCreditError, RateLimitError (with `retry_after`) and ServiceRefusedError for a
    refusal; ServiceBrokenError for a server error and for anything that is not a reply.
    """
    redactor = Redactor(secret)
    data = read_object(status_code, headers, body, redactor)
    output = data.get("output")
    status = _status(data)
    links = links_of(data)
    fetch_url = str(data.get("fetch_result")).strip()
    if not is_http_url(fetch_url) or MARK in fetch_url:
        fetch_url = ""
    service_id = id_text(data.get("id")) or _id_in(fetch_url)

    done = status in _DONE
    if not status:
        done = (isinstance(output, list) and bool(output)) or any(_urls_in(output))
        if not (done or service_id or fetch_url):
            if message_of(data, redactor):
                raise error_from_reply(status_code, headers, data, redactor)
            raise ServiceBrokenError("The service's reply has no content (HTTP {status}).", status=status_code)
    return Reply(
        done=done,
        id=service_id,
        eta=_eta(data.get("eta")),
        fetch_url=fetch_url,
        links=links,
        seed=_seed(mapping(data.get("meta")).get("seed")) or _seed(data.get("seed")),
        raw=data,
    )


def read_object(status_code: int, headers: Mapping[str, str], body: bytes, redactor: Redactor) -> dict[str, Any]:
    """Returns a reply's JSON object without the key. Raises the error it stands for, if it is one.

    The status in the body counts more than HTTP's: the service sends errors with HTTP 200, and a reply that says
    "processing" has accepted the job whatever status code a gateway made of it.
    """
    value = parse_json(body)
    if not isinstance(value, dict):
        raise _not_a_reply(status_code, headers, body, redactor)
    data: dict[str, Any] = redacted(value, redactor)
    status = _status(data)
    if status in _FAILED or not (status or 200 <= status_code < 300):
        raise error_from_reply(status_code, headers, data, redactor)
    return data


def is_failed(body: bytes) -> bool:
    """Whether a reply to a poll says that the generation failed."""
    data = parse_json(body)
    return isinstance(data, dict) and str(data.get("status")).strip().lower() == "failed"


def merged(links: Sequence[Sequence[str]], earlier: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """Returns a finished job's links, with those that an earlier reply announced as further mirrors."""
    files = [list(mirrors) for mirrors in links]
    _add_mirrors(files, [url for mirrors in earlier for url in mirrors])
    return tuple(tuple(file) for file in files)


def extension(url: str) -> str:
    """Returns a URL's file extension, in lower case without the dot; "" if it has none."""
    return PurePosixPath(file_name(url)).suffix[1:].lower()


def file_name(url: str) -> str:
    """Returns the last part of a URL's path."""
    return unquote(urlsplit(url).path.rpartition("/")[2])


def _status(data: Mapping[str, Any]) -> str:
    """Returns one of the known states; "" for a missing or unknown one."""
    word = str(data.get("status")).strip().lower()
    return word if word in _DONE | _PENDING | _FAILED else ""


def _not_a_reply(status_code: int, headers: Mapping[str, str], body: bytes, redactor: Redactor) -> ImageTo3DError:
    """Returns the error for a body that is not JSON, such as a gateway's page: its HTTP status says what is wrong."""
    start = body.lstrip()[:200].lower()
    if not start:
        template = "it sent nothing"
    elif start.startswith((b"<!doctype", b"<html", b"<head", b"<body")):
        template = "it sent a web page"
    elif start.startswith(b"<"):
        template = "it sent a document"
    else:
        template = "it sent something else"
    reason = Message(template)
    if 200 <= status_code < 300:
        return ServiceBrokenError(
            "The service did not send a reply: {reason} (HTTP {status}).", reason=reason, status=status_code
        )
    return error_from_reply(status_code, headers, {}, redactor, reason=reason)


def links_of(data: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """Returns, per file, its URLs in the order to try: output, then proxy links, then announced links."""
    files = [[url] for url in _unique(_urls_in(data.get("output")))]
    for mirrors in (data.get("proxy_links"), data.get("future_links")):
        # Some send {URL: its mirror} instead of a list in the same order.
        for file in files:
            file.extend(url for url in _urls_in(mapping(mirrors).get(file[0])) if url not in file)
        _add_mirrors(files, _unique(_urls_in(mirrors)))
    return tuple(tuple(file) for file in files[:_MAX_FILES])


def _add_mirrors(files: list[list[str]], mirrors: list[str]) -> None:
    """Add mirrors to the files they belong to, by file name, position or extension; others are dropped."""
    known = {url for file in files for url in file}
    has_files, by_position = bool(files), len(mirrors) == len(files)
    for url in mirrors:
        if url in known:
            continue
        same_name = [f for f in files if file_name(f[0]) == file_name(url) != ""]
        same_kind = [f for f in files if extension(f[0]) == extension(url)]
        if len(same_name) == 1:
            same_name[0].append(url)
        elif not has_files:
            files.append([url])  # there is nothing these could be mirrors of: they are the files
        elif by_position and files[mirrors.index(url)] in same_kind:
            files[mirrors.index(url)].append(url)
        elif len(same_kind) == 1:
            same_kind[0].append(url)
        elif len(files) == 1 and not (extension(url) and extension(files[0][0])):
            files[0].append(url)


def _urls_in(value: object, depth: int = 0) -> Iterator[str]:
    """Yields every URL in a value of any shape, in order."""
    if isinstance(value, str):
        url = value.strip().replace(" ", "%20")
        if is_http_url(url):
            yield url
    elif isinstance(value, list | Mapping) and depth < 6:
        for inner in islice(value.values() if isinstance(value, Mapping) else value, _MAX_FILES * 4):
            yield from _urls_in(inner, depth + 1)


def _unique(urls: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(urls))[:_MAX_FILES]


def _id_in(fetch_url: str) -> str:
    """Returns the id at the end of a fetch URL, for replies that have it nowhere else."""
    match = re.search(r"/fetch/([^/]+)/?$", urlsplit(fetch_url).path) if fetch_url else None
    return id_text(unquote(match[1])) if match else ""


def _eta(value: object) -> float | None:
    in_text = seconds_in_text(value[:80]) if isinstance(value, str) else None
    seconds = number(value) if in_text is None else in_text
    return None if seconds is None else min(max(seconds, 0.0), _MAX_ETA)


def _seed(value: object) -> str:
    """Returns a seed that can be used again; 0 and less mean "random" and are no seed."""
    digits = re.fullmatch(r"([0-9]{1,20})(?:\.0)?", id_text(value))
    return str(int(digits[1])) if digits and 0 < int(digits[1]) <= MAX_SEED else ""
