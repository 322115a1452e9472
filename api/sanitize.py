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
from typing import Any, Final
from urllib.parse import quote, quote_plus

from ..errors import MAX_TEXT, one_line

MARK: Final = "[key]"
"""Replaces the API key."""

_MAX_DEPTH: Final = 40
_MAX_DIGITS: Final = 40
_MIN_SECRET: Final = 6
"""A shorter key is not a secret: redacting it everywhere would only damage URLs."""

_TAG = re.compile(r"</?[a-zA-Z!][^<>]{0,300}>")


class NotJsonError(ValueError):
    """The bytes are not JSON."""


class Redactor:
    """Removes the API key from texts, in any of its encodings. Its `repr` does not show the key."""

    def __init__(self, secret: str) -> None:
        self._pattern: re.Pattern[str] | None = None
        if len(secret) >= _MIN_SECRET:
            self._pattern = re.compile("|".join(re.escape(s) for s in _encodings(secret)), re.IGNORECASE)

    def __call__(self, text: str) -> str:
        """Returns the text without the key, and without lone surrogates, which no file can hold."""
        read_all = text.encode("utf-8", "replace").decode("utf-8")
        return self._pattern.sub(MARK, read_all) if self._pattern else read_all

    def line(self, text: object, max_length: int = MAX_TEXT) -> str:
        """Returns a short printable line for the interface."""
        raw = text if isinstance(text, str) else str(text)
        without_tags = html.unescape(_TAG.sub(" ", raw[: max_length * 40]))
        # Twice: normalizing whitespace can join parts of the key.
        return one_line(self(one_line(self(without_tags), max_length * 3)), max_length)


def parse_json(body: bytes) -> object:
    """Returns the JSON value in some bytes. Raises NotJsonError, and nothing else."""
    try:
        text = body.decode(json.detect_encoding(body), "replace").lstrip("\ufeff")
        value: object = json.loads(
            text, parse_int=_whole_number, parse_float=_finite_number, parse_constant=lambda _: None
        )
    except (ValueError, RecursionError, MemoryError) as error:
        raise NotJsonError(type(error).__name__) from None
    return value


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
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        try:
            found = float(value)
        except OverflowError:
            return None
        return found if math.isfinite(found) else None
    if isinstance(value, str):
        match = re.search(
            r"-?(?:\d{1,30}(?:\.\d{1,30})?|\.\d{1,30})(?:e[+-]?\d{1,2})?", value[:80].replace(",", ""), re.I
        )
        return number(float(match[0])) if match else None
    return None


def id_text(value: object) -> str:
    """Returns an id (a number or a text) as text; "" if it can't be one."""
    if isinstance(value, bool):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        text = value.strip()
        if text.isprintable() and len(text) <= 200 and text.strip("."):
            return text
    return ""


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


def _whole_number(text: str) -> int | None:
    return int(text) if len(text) <= _MAX_DIGITS else None


def _finite_number(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None
