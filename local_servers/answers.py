# SPDX-License-Identifier: GPL-3.0-or-later
"""What the servers' answers mean: the model, or an error in plain words with what to do about it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Final

from ..errors import LocalServerError, one_line
from .connection import Answer
from .errors import BusyError

_GLB: Final = b"glTF"
_MEMORY: Final = re.compile(
    r"out of (?:\w+ ){0,2}memory|\boom\b|not enough (?:\w+ ){0,3}memory|cudaMalloc|OutOfMemory|failed to allocate"
    r"|ErrorOutOfDeviceMemory|alloc\w* (?:\w+ ){0,3}fail|insufficient (?:\w+ ){0,2}memory",
    re.I,
)
_LOADING: Final = re.compile(r"\b(?:is |still |model )?(?:loading|starting up|warming up|initiali[sz]ing)\b", re.I)
_BUSY: Final = re.compile(
    r"\bbusy\b|already (?:running|generating|processing)|another (?:job|request)|queue .{0,20}full", re.I
)
_NO_MODEL: Final = re.compile(r"model.{0,80}not (?:found|available|installed|exist)|unknown model|no such model", re.I)


def model_in(answer: Answer) -> bytes:
    """Returns the GLB file that is the whole answer. Raises as `require_success`."""
    require_success(answer)
    if answer.body[:4] != _GLB:
        raise not_a_model(answer.body)
    return answer.body


def model_from_base64(text: object) -> bytes:
    """Returns the GLB file in a base64 text. Raises LocalServerError."""
    try:
        model = base64.b64decode(str(text or "").rpartition(",")[2], validate=False)
    except (binascii.Error, ValueError):
        model = b""
    if model[:4] != _GLB:
        raise not_a_model(model)
    return model


def not_a_model(content: bytes) -> LocalServerError:
    """Returns the error for an answer that should be a model."""
    if not content:
        return LocalServerError("The server sent an empty answer instead of a model.")
    return LocalServerError("The server's answer is not a GLB model.")


def json_object(answer: Answer) -> Mapping[str, Any]:
    """Returns the JSON object in an answer. Raises as `require_success`."""
    require_success(answer)
    value = answer.json
    if not isinstance(value, dict):
        raise LocalServerError("The server's answer is not the JSON that was expected.")
    return value


def require_success(answer: Answer) -> None:
    """Raises the error that an answer stands for, if it is one."""
    if answer.is_web_page:
        raise web_page()
    text = error_text(answer)
    if 200 <= answer.status < 300 and not (text and answer.body[:4] != _GLB):
        return
    raise error_of(answer.status, text)


def web_page() -> LocalServerError:
    """Returns the error for the address of a web page (of Gradio, mostly) instead of an API."""
    return LocalServerError(
        "There is a web page at this address, not the server's API.",
        advice="Start the API server as well, and enter its address: it has another port than the page.",
    )


def error_of(status: int, text: str) -> LocalServerError:
    """Returns the error for an HTTP status and the server's own words."""
    reason = f"{text}, HTTP {status}" if text else f"HTTP {status}"
    if _MEMORY.search(text):
        return LocalServerError(
            "The graphics card's memory is not enough ({reason}).",
            advice="Choose a lower resolution or a smaller texture, or close other programs that use the card.",
            reason=reason,
        )
    if status in (401, 403):
        return LocalServerError(
            "The server wants a token ({reason}).", advice="Enter it in the add-on's preferences.", reason=reason
        )
    if _LOADING.search(text):
        return BusyError("The server is still loading its model ({reason}).", reason=reason)
    if status in (429, 503) or _BUSY.search(text):
        return BusyError("The server is busy ({reason}).", reason=reason)
    if _NO_MODEL.search(text):
        return LocalServerError(
            "The server does not have this model ({reason}).",
            advice="Install it on the server, or enter the name of one that it has in the add-on's preferences.",
            reason=reason,
        )
    if status in (404, 405):
        return LocalServerError(
            "The server has no such API ({reason}).",
            advice="Check the address and the kind of server in the add-on's preferences.",
            reason=reason,
        )
    if status >= 500:
        return LocalServerError("The server failed ({reason}).", reason=reason)
    return LocalServerError("The server refused the request ({reason}).", reason=reason)


def error_text(answer: Answer) -> str:
    """Returns the server's own words in an error: of `error`, `message`, `detail` or plain text; "" without any."""
    value = answer.json
    if isinstance(value, dict):
        for name in ("error", "message", "detail", "text"):
            inner = value.get(name)
            while isinstance(inner, dict):
                inner = inner.get("message") or inner.get("details") or inner.get("error")
            if inner and (name != "message" or not 200 <= answer.status < 300):
                return one_line(inner, 200)
        return ""
    if not 200 <= answer.status < 300 and not answer.is_web_page:
        return one_line(answer.body[:400].decode("utf-8", "replace"), 200)
    return ""
