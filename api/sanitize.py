# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes from outside, made into plain values that can be kept, shown and searched without harm.

JSON as the world sends it holds more than JSON allows: NaN, numbers of thousands of digits, half
characters, nesting without end. None of it gets past here, and neither does the API key, which some
services repeat in their messages.
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
"""Stands where the API key stood."""

_DEEPEST: Final = 40
_LONGEST_NUMBER: Final = 40
_SHORTEST_SECRET: Final = 6
"""A shorter key is no secret: taking it out of every text would only spoil addresses."""

_TAG = re.compile(r"</?[a-zA-Z!][^<>]{0,300}>")


class NotJsonError(ValueError):
    """The bytes are no JSON."""


class Redactor:
    """Takes the API key out of texts, however it is written there. Its `repr` tells nothing."""

    def __init__(self, secret: str) -> None:
        self._pattern: re.Pattern[str] | None = None
        if len(secret) >= _SHORTEST_SECRET:
            self._pattern = re.compile("|".join(re.escape(s) for s in _spellings(secret)), re.IGNORECASE)

    def __call__(self, text: str) -> str:
        """The text without the key, and without half characters that no file can hold."""
        read_all = text.encode("utf-8", "replace").decode("utf-8")
        return self._pattern.sub(MARK, read_all) if self._pattern else read_all

    def line(self, text: object, longest: int = MAX_TEXT) -> str:
        """A short printable line for the interface."""
        raw = text if isinstance(text, str) else str(text)
        without_tags = html.unescape(_TAG.sub(" ", raw[: longest * 40]))
        # Twice: tidying up can join what was apart.
        return one_line(self(one_line(self(without_tags), longest * 3)), longest)


def parse_json(body: bytes) -> object:
    """The JSON value in some bytes. Raises NotJsonError, and nothing else."""
    try:
        text = body.decode(json.detect_encoding(body), "replace").lstrip("\ufeff")
        value: object = json.loads(
            text, parse_int=_whole_number, parse_float=_finite_number, parse_constant=lambda _: None
        )
    except (ValueError, RecursionError, MemoryError) as error:
        raise NotJsonError(type(error).__name__) from None
    return value


def redacted(value: object, redactor: Redactor, depth: int = 0) -> Any:
    """A parsed value without the key in it, no deeper than anything sensible is."""
    if isinstance(value, str):
        return redactor(value)
    if isinstance(value, Mapping | list) and depth >= _DEEPEST:
        return None
    if isinstance(value, Mapping):
        return {redactor(str(k)): redacted(v, redactor, depth + 1) for k, v in value.items()}
    if isinstance(value, list):
        return [redacted(v, redactor, depth + 1) for v in value]
    return value


def number(value: object) -> float | None:
    """A finite number, however it is written (43.6, "43.60", "$1,234.50 USD"); None for anything else."""
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
    """An id as text: from a number or a text; "" for what can't be one."""
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
    """The value where it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def _spellings(secret: str) -> list[str]:
    forms = {
        secret,
        " ".join(secret.split()),
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        html.escape(secret),
        json.dumps(secret)[1:-1],
        base64.b64encode(secret.encode()).decode().rstrip("="),
    }
    return sorted((f for f in forms if f), key=len, reverse=True)


def _whole_number(text: str) -> int | None:
    return int(text) if len(text) <= _LONGEST_NUMBER else None


def _finite_number(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None
