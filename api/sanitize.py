# SPDX-License-Identifier: GPL-3.0-or-later
"""Sanitizes untrusted bytes: tolerant JSON parsing, and redaction of the API key.

JSON from outside holds more than JSON allows: NaN, numbers with thousands of digits, lone surrogates, endless nesting.
None of it gets past here, and neither does the API key, which some services repeat in their messages.
"""

from __future__ import annotations

import base64
import html
import json
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import quote, quote_plus

from ..errors import MAX_TEXT, one_line

MARK: Final = "[key]"
"""Replaces the API key."""

_MAX_DEPTH: Final = 40
_MAX_DIGITS: Final = 40
_MIN_SECRET: Final = 6
"""A shorter key is not a secret: redacting it everywhere would only damage URLs."""

_NUMBER = re.compile(r"-?(?:\d{1,30}(?:\.\d{1,30})?|\.\d{1,30})(?:e[+-]?\d{1,2})?", re.I)
_TAG = re.compile(r"</?[a-zA-Z!][^<>]{0,300}>")


class Redactor:
    """Removes the API key from texts, in any of its encodings. Its `repr` does not show the key."""

    def __init__(self, secret: str) -> None:
        secrets = "|".join(map(re.escape, _encodings(secret))) if len(secret) >= _MIN_SECRET else "(?!)"
        self._pattern = re.compile(secrets, re.IGNORECASE)

    def __call__(self, text: str) -> str:
        """Returns the text without the key, and without lone surrogates, which no file can hold."""
        return self._pattern.sub(MARK, text.encode("utf-8", "replace").decode("utf-8"))

    def line(self, text: object, max_length: int = MAX_TEXT) -> str:
        """Returns a short printable line for the interface."""
        without_tags = html.unescape(_TAG.sub(" ", str(text)[: max_length * 40]))
        # Twice: normalizing whitespace can join parts of the key.
        return one_line(self(one_line(self(without_tags), max_length * 3)), max_length)


def parse_json(body: bytes) -> object:
    """Returns the JSON value in some bytes; None if they are not JSON. Raises nothing."""
    with suppress(ValueError, RecursionError, MemoryError):
        text = body.decode(json.detect_encoding(body), "replace").lstrip("\ufeff")
        value: object = json.loads(
            text,
            parse_int=lambda digits: int(digits) if len(digits) <= _MAX_DIGITS else None,
            parse_float=_finite_number,
            parse_constant=lambda _: None,
        )
        return value
    return None


def redacted(value: object, redactor: Redactor, depth: int = 0) -> Any:
    """Returns a parsed value without the key, and with limited depth."""
    if isinstance(value, str):
        return redactor(value)
    if isinstance(value, Mapping | list) and depth >= _MAX_DEPTH:
        return None
    if isinstance(value, Mapping):
        return {redactor(str(k)): redacted(v, redactor, depth + 1) for k, v in value.items()}
    if isinstance(value, list):
        return [redacted(v, redactor, depth + 1) for v in value]
    return value


def number(value: object) -> float | None:
    """Returns a finite number in any notation (43.6, "43.60", "$1,234.50 USD"); None for anything else."""
    if isinstance(value, str):
        match = _NUMBER.search(value[:80].replace(",", ""))
        value = float(match[0]) if match else None
    with suppress(OverflowError):
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    return None


def id_text(value: object) -> str:
    """Returns an id (a number or a text) as text; "" if it can't be one."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    text = value.strip() if isinstance(value, str) else ""
    return text if text.isprintable() and len(text) <= 200 and text.strip(".") else ""


def mapping(value: object) -> Mapping[str, Any]:
    """Returns the value if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def _encodings(secret: str) -> list[str]:
    encodings = {
        secret,
        " ".join(secret.split()),
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        html.escape(secret),
        json.dumps(secret)[1:-1],
        base64.b64encode(secret.encode()).decode().rstrip("="),
    }
    return sorted((e for e in encodings if e), key=len, reverse=True)


def _finite_number(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None
