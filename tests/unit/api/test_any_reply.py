# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a service sends, reading it gives a reply or one of our errors, and never the key."""

from __future__ import annotations

import json
import math
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from image_to_3d.api.account import read_balance, read_generated
from image_to_3d.api.http.urls import is_http_url
from image_to_3d.api.replies import Reply, read_reply
from image_to_3d.api.sanitize import Redactor, parse_json, redacted
from image_to_3d.errors import ImageTo3DError
from requests.structures import CaseInsensitiveDict

SECRET = "kA93jfQz7LmTb0Xv"

WORDS = (
    *("", " ", "success", "Success", "processing", "QUEUED", "pending", "error", "failed", "thinking", "null", "NaN"),
    *("-1", "0", "3480183101", "43.60", "4 seconds", "try again in 30 minutes", "Rate limit exceeded", "x" * 5000),
    *("credits exhausted", "Invalid API key", '{"image": ["bad"]}', "[1, 2", "<html><b>x</b></html>", "//x/y", ".."),
    *("https://files.example/a.glb", "http://files.example/b.mp4?x=y", "file:///etc/passwd", "https://[", "data:,x"),
    *("http://a b/c", "%2e%2e/", "a\nb\0c", "\ud800", "\u202e", SECRET, SECRET.lower(), f"key={SECRET}&"),
    *(f"https://x.example/?key={SECRET}", f"<b>{SECRET[:8]}</b>{SECRET[8:]}", f"{SECRET[:8]}&#65;{SECRET}"),
)
NUMBERS = (0, 1, -1, 4, 4.5, -0.0, 109655545, 3480183101, 2**32, 2**63, 10**30, 10**400, 1e300, math.inf, math.nan)
FIELDS = ("status", "id", "eta", "output", "proxy_links", "future_links", "fetch_result", "meta", "message", "error")
OTHER_FIELDS = ("tip", "seed", "messege", "errors", "retry_after", "data", "balance", "currency", "pagination", "key")
BROKEN = (
    *(b"", b"null", b"[" * 9000, b'{"a":' * 9000, b"9" * 9000, b"<html>" + SECRET.encode(), b"\xff\xfe{\0}\0"),
    *(b"{}" * 9, SECRET.encode(), b'"' + SECRET.encode() + b'"', b'{"status": "error", "message": "\\ud83d"}'),
)
HEADER_VALUES = ("17", "-3", "1e9", "Fri, 13 Mar 2015 10:00:00 GMT", "Mon, 99 Abc 99999 25:61:61 -9999", SECRET, "\xff")
CODES = (200, 200, 200, 201, 204, 301, 400, 401, 402, 403, 404, 408, 422, 429, 500, 502, 503, 504)

thorough = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))

words = st.sampled_from(WORDS)
scalars = st.one_of(words, st.sampled_from(NUMBERS), st.none(), st.booleans(), st.text(max_size=8), st.floats())
names = st.one_of(st.sampled_from([*FIELDS, *OTHER_FIELDS, SECRET]), st.text(max_size=4))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=4)),
    max_leaves=8,
)
by_contract = st.fixed_dictionaries(
    {"status": words}, optional={name: scalars if name in ("id", "eta") else values for name in FIELDS[1:]}
)
texts = by_contract.map(lambda value: json.dumps(value).encode())
bodies = st.one_of(
    texts,
    values.map(lambda value: json.dumps(value).encode()),
    st.tuples(texts, st.integers(0, 200)).map(lambda t: t[0][: t[1]]),
    st.tuples(texts, st.integers(0, 200), st.binary(max_size=3)).map(lambda t: t[0][: t[1]] + t[2] + t[0][t[1] + 1 :]),
    st.binary(max_size=60),
    st.sampled_from(BROKEN),
    by_contract.map(lambda value: json.dumps(value).encode("utf-16")),
)
headers = st.dictionaries(
    st.sampled_from(["Retry-After", "retry-after", "Date", "Content-Type", "X"]),
    st.one_of(words, st.text(max_size=8), st.sampled_from(HEADER_VALUES)),
    max_size=3,
)
codes = st.one_of(st.sampled_from(CODES), st.integers(100, 999))


def assert_no_secret(*things: object) -> None:
    for thing in things:
        assert SECRET.lower() not in repr(thing).lower()
        assert SECRET.lower() not in str(thing).lower()


def assert_proper_error(error: ImageTo3DError) -> None:
    assert_no_secret(error, str(error.message), error.args, error.info())
    assert str(error.message).isprintable()
    assert 10 < len(str(error.message)) < 450
    str(error.message).encode()
    assert error.retry_after is None or 0 <= error.retry_after <= 24 * 3600


def assert_proper_reply(reply: Reply) -> None:
    assert_no_secret(reply)
    json.dumps(dict(reply.raw), allow_nan=False, ensure_ascii=False).encode()
    assert reply.id.isprintable()
    assert reply.id == reply.id.strip()
    assert reply.eta is None or 0 <= reply.eta <= 24 * 3600
    assert reply.fetch_url == "" or is_http_url(reply.fetch_url)
    assert all(mirrors and all(is_http_url(url) for url in mirrors) for mirrors in reply.links)
    assert reply.seed == "" or 0 < int(reply.seed) < 2**32
    going_on = str(reply.raw.get("status")).strip().lower() in {"processing", "queued", "pending"}
    assert reply.done or reply.id or reply.fetch_url or going_on


def assert_read_or_refused(status_code: int, headers: dict[str, str], body: bytes) -> None:
    try:
        reply = read_reply(status_code, CaseInsensitiveDict(headers), body, secret=SECRET)
    except ImageTo3DError as error:
        assert_proper_error(error)
    else:
        assert_proper_reply(reply)


@settings(thorough, max_examples=600)
@given(codes, headers, bodies)
def test_any_reply_is_read_or_refused(status_code: int, headers: dict[str, str], body: bytes) -> None:
    assert_read_or_refused(status_code, headers, body)


@pytest.mark.long
@settings(thorough, max_examples=20_000)
@given(codes, headers, bodies)
def test_any_of_very_many_replies_is_read_or_refused(status_code: int, headers: dict[str, str], body: bytes) -> None:
    assert_read_or_refused(status_code, headers, body)


@settings(thorough, max_examples=250)
@given(st.integers(0, 2**64))
def test_ten_thousand_replies_grown_from_seeds_are_read_or_refused(seed: int) -> None:
    # Grown by hand, 40 from each seed: Hypothesis takes longer to make one up than it takes to read it.
    chance = Random(seed)
    for _ in range(40):
        status_code = chance.choice(CODES) if chance.random() < 0.9 else chance.randint(100, 999)
        headers = {name: chance.choice(HEADER_VALUES) for name in ("Retry-After", "Date") if chance.random() < 0.2}
        assert_read_or_refused(status_code, headers, grown_body(chance))


def grown_body(chance: Random) -> bytes:
    """A reply by the contract, with anything in any field, and sometimes broken as a text."""
    fields = {name: grown(chance) for name in FIELDS + OTHER_FIELDS if chance.random() < 0.4}
    body = json.dumps(fields).encode()
    match chance.randrange(12):
        case 0:
            return body[: chance.randrange(len(body) + 1)]
        case 1:
            place = chance.randrange(len(body))
            return body[:place] + chance.randbytes(chance.randrange(4)) + body[place + 1 :]
        case 2:
            return chance.choice(BROKEN)
        case 3:
            return json.dumps(grown(chance)).encode()
        case 4:
            return chance.randbytes(chance.randrange(60))
        case _:
            return body


def grown(chance: Random, depth: int = 0) -> Any:
    kind = chance.randrange(10)
    if kind < 2 and depth < 5:
        return [grown(chance, depth + 1) for _ in range(chance.randrange(4))]
    if kind < 4 and depth < 5:
        names = chance.sample((*FIELDS, *OTHER_FIELDS, SECRET, "0", "\ud800"), chance.randrange(4))
        return {name: grown(chance, depth + 1) for name in names}
    if kind < 8:
        return chance.choice(WORDS)
    return chance.choice((*NUMBERS, None, True, False))


@settings(thorough, max_examples=200)
@given(bodies)
def test_any_account_is_read(body: bytes) -> None:
    value = redacted(parse_json(body), Redactor(SECRET))
    found = read_generated(value)
    assert_no_secret(found)
    assert all(entry.id or entry.links for entry in found)
    if isinstance(value, dict):
        balance = read_balance(value)
        assert balance.amount is None or math.isfinite(balance.amount)
        assert balance.currency.isprintable()
