# SPDX-License-Identifier: GPL-3.0-or-later
"""What the servers' answers mean: the model, or an error in plain words with what to do about it."""

from __future__ import annotations

import base64
import binascii
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..api.sanitize import mapping
from ..errors import LocalServerError, one_line
from ..formats.sniff import FIRST_BYTES, FormatError, sniff
from .connection import Answer
from .errors import BusyError, NoApiError, SettingError

_GLB: Final = b"glTF"
_LONGEST_TEXT: Final = 64 * 1024
"""Bytes of an error in plain text."""
_MEMORY: Final = re.compile(
    r"out of (?:\w+ ){0,2}memory|out_?of_?(?:device_?|host_?)?memory|\boom\b|bad_alloc|alloc_failed"
    r"|(?:not enough|insufficient|too little) (?:\w+ ){0,3}v?(?:ram|memory)|cudaMalloc|hipMalloc"
    r"|(?:failed to|can'?t|cannot|could not|unable to) alloc|alloc\w* (?:\S+ ){0,4}fail",
    re.I,
)
_FAILURE: Final = re.compile(r"fail|error|could not|couldn't|cannot|can't|unable", re.I)
_LOADING: Final = re.compile(r"\b(?:loading|starting|warming up|initiali[sz]ing)\b", re.I)
_BUSY: Final = re.compile(
    r"\bbusy\b|already (?:running|generating|processing)|another (?:job|request|generation)|queue .{0,20}full", re.I
)
_NO_MODEL: Final = re.compile(
    r"model.{0,80}(?:not (?:found|available|installed|exist|downloaded)|n't exist)|(?:unknown|no such|missing) model",
    re.I,
)


def model_in(answer: Answer) -> bytes:
    """Returns the GLB file that is the whole answer. Raises as `require_success`."""
    require_success(answer)
    return _complete(answer.body)


def model_from_base64(text: object) -> bytes:
    """Returns the GLB file in a base64 text, which may be a data URL. Raises LocalServerError."""
    try:
        return _complete(base64.b64decode(str(text or "").rpartition(",")[2], validate=False))
    except (binascii.Error, ValueError):
        raise LocalServerError("The server's answer is not a GLB model: it is not base64.") from None


def _complete(model: bytes) -> bytes:
    """Returns the model. Raises LocalServerError unless it is a whole GLB file."""
    if not model:
        raise LocalServerError("The server sent an empty answer instead of a model.")
    kind = sniff(model[:FIRST_BYTES])
    if kind != "glb":
        if kind and kind != "html":
            raise LocalServerError(
                "The server's answer is not a GLB model: its format is {format}.", format=kind.upper()
            )
        raise LocalServerError("The server's answer is not a GLB model.")
    from ..formats import glb  # not needed when the extension is enabled

    try:
        glb.check(io.BytesIO(model), len(model))
    except FormatError as error:
        raise LocalServerError("The model that the server sent is damaged: {reason}.", reason=error.reason) from error
    return model


def json_object(answer: Answer) -> Mapping[str, Any]:
    """Returns the JSON object in an answer. Raises as `require_success`."""
    require_success(answer)
    value = answer.json
    if not isinstance(value, dict):
        raise LocalServerError("The server's answer is not the JSON that was expected.")
    return value


def require_success(answer: Answer) -> None:
    """Raises the error that an answer stands for, if it is one."""
    succeeded = 200 <= answer.status < 300
    if succeeded and answer.is_web_page:
        raise web_page()
    text = error_text(answer)
    if not succeeded or text:
        raise error_of(answer.status, text)


def require_ready(answer: Answer) -> None:
    """Raises the error of a server that can't work now: it loads, is busy, lacks memory, or wants a token."""
    plain = "" if answer.json or answer.is_web_page else answer.body[:100].decode("utf-8", "replace")
    state = one_line(_words(mapping(answer.json).get("status")) or plain, 100)
    text = words_in(mapping(answer.json)) or state
    if answer.status in (401, 403, 429, 503) or _MEMORY.search(text):
        raise error_of(answer.status, text)
    words = text if answer.status >= 500 else state
    if _LOADING.search(words) and not _FAILURE.search(words):
        raise error_of(answer.status, words)


def web_page() -> LocalServerError:
    """Returns the error for the address of a web page (of Gradio, mostly) instead of an API."""
    return SettingError(
        "There is a web page at this address, not the server's API.",
        advice="Start the API server as well, and enter its address: it has another port than the page.",
    )


def error_of(status: int, text: str) -> LocalServerError:
    """Returns the error for an HTTP status and the server's own words."""
    reason = f"{text}, HTTP {status}" if text else f"HTTP {status}"
    if _MEMORY.search(text):
        return LocalServerError(
            "The graphics card has too little memory ({reason}).",
            advice="Choose a lower resolution or a smaller texture, or close other programs that use the card.",
            reason=reason,
        )
    if status in (401, 403):
        return SettingError(
            "The server requires a token, or a different one ({reason}).",
            advice="Enter it in the add-on's preferences.",
            reason=reason,
        )
    if _NO_MODEL.search(text):
        return SettingError(
            "The server does not have this model ({reason}).",
            advice="Install it on the server, or enter the name of one that it has in the add-on's preferences.",
            reason=reason,
        )
    if _LOADING.search(text) and not _FAILURE.search(text):
        return BusyError("The server is still loading its model ({reason}).", reason=reason)
    if status in (429, 503) or (_BUSY.search(text) and not _FAILURE.search(text)):
        return BusyError("The server is busy, or still loading its model ({reason}).", reason=reason)
    if status in (404, 405, 501):
        return NoApiError("The server has no such API ({reason}).", reason=reason)
    if status >= 500 or 200 <= status < 300:
        return LocalServerError("The server failed ({reason}).", reason=reason)
    return LocalServerError("The server refused the request ({reason}).", reason=reason)


def error_text(answer: Answer) -> str:
    """Returns the server's own words in an error: of `error`, `message`, `detail` or plain text; "" without any."""
    succeeded = 200 <= answer.status < 300
    if isinstance(answer.json, dict):
        return words_in(answer.json, ("error", "detail")) if succeeded else words_in(answer.json)
    if succeeded or answer.is_web_page or answer.body[:4] == _GLB:
        return ""
    return one_line(_telling(answer.body[:_LONGEST_TEXT].decode("utf-8", "replace")), 200)


def words_in(value: Mapping[str, Any], names: Sequence[str] = ("error", "detail", "message", "text")) -> str:
    """Returns the first text in an object that describes an error; "" without any."""
    return one_line(_telling(next((words for name in names if (words := _words(value.get(name)))), "")), 200)


def _telling(text: str) -> str:
    """Returns the part of an error's text that tells most: the last line of a Python traceback, else all of it."""
    return text.rstrip().rpartition("\n")[2] if "Traceback (most recent call last)" in text else text


def _words(value: Any, depth: int = 0) -> str:
    """Returns the text in an error: itself, `message` of an object, or `msg` and its place of each entry of a list."""
    if isinstance(value, str) or depth > 4:
        return str(value).strip() if isinstance(value, str) else ""
    if isinstance(value, list):
        return "; ".join(filter(None, (_words(entry, depth + 1) for entry in value[:5])))
    if isinstance(value, dict):
        place = value.get("loc")
        name = f"{place[-1]}: " if isinstance(place, list) and place else ""
        inner = (_words(value.get(key), depth + 1) for key in ("message", "msg", "details", "error", "type"))
        words = next(filter(None, inner), "")
        return f"{name}{words}" if words else ""
    return ""
