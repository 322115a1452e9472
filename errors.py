# SPDX-License-Identifier: GPL-3.0-or-later
"""Every error that the add-on raises on purpose: what happened, what to do about it, and which button does that.

An error keeps its message as data: an English template with named arguments. The text is formatted only when it
is shown, so it can be translated, tested and stored. Nothing else depends on this module's classes having a
particular text.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, Self

MAX_TEXT = 300
"""Characters kept of a text that comes from outside; the interface has no room for more."""

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Message(NamedTuple):
    """A text as data. `str()` formats it in English; an empty template counts as false.

    `template` names its arguments in braces: "{host} can't be reached." An argument can be a Message itself.
    """

    template: str = ""
    arguments: Mapping[str, Any] = {}

    def __str__(self) -> str:
        return _PLACEHOLDER.sub(lambda match: str(self.arguments.get(match[1], match[0])), self.template)

    def __bool__(self) -> bool:
        return bool(self.template)

    def to_json(self) -> dict[str, Any]:
        """The message as plain data; `from_json` reverses it."""
        arguments = {name: a.to_json() if isinstance(a, Message) else a for name, a in self.arguments.items()}
        return {"template": self.template, "arguments": arguments}

    @classmethod
    def from_json(cls, value: object) -> Self:
        """A message from `to_json`'s form, or from the finished text that version 0.1.0 stored."""
        if not isinstance(value, Mapping):
            return cls(str(value or ""))
        arguments = value.get("arguments") or {}
        return cls(
            str(value.get("template", "")),
            {str(n): cls.from_json(a) if isinstance(a, Mapping) else a for n, a in dict(arguments).items()},
        )


NO_MESSAGE = Message()


class Action(enum.StrEnum):
    """What an error advises to do; the job list has a button for each."""

    NONE = ""
    OPEN_PREFERENCES = "OPEN_PREFERENCES"
    ALLOW_ONLINE = "ALLOW_ONLINE"
    RETRY = "RETRY"
    DOWNLOAD_AGAIN = "DOWNLOAD_AGAIN"
    IMPORT_AGAIN = "IMPORT_AGAIN"
    CHECK_AGAIN = "CHECK_AGAIN"

    @classmethod
    def _missing_(cls, value: object) -> Action:
        """An action stored by another version has no button here."""
        return {"LOOK_AGAIN": cls.CHECK_AGAIN}.get(str(value), cls.NONE)  # its name in 0.1.0


class ErrorInfo(NamedTuple):
    """An error as plain data: what the journal stores and the panel shows. `str()` is message and advice."""

    code: str
    message: Message
    advice: Message = NO_MESSAGE
    action: Action = Action.NONE

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".strip()


class ImageTo3DError(Exception):
    """Base class. `message` is a template for a sentence that says what happened; `arguments` fill it in.

    `advice` (a template for the same arguments), `action` and `transient` are defaults of the class.
    `transient`: trying again unchanged can help. `retry_after`: seconds the service asks to wait.
    """

    code: ClassVar[str] = "error"
    default_advice: ClassVar[str] = ""
    transient: bool = False
    action: Action = Action.NONE

    def __init__(
        self,
        message: str,
        *,
        advice: str | None = None,
        action: Action | None = None,
        transient: bool | None = None,
        retry_after: float | None = None,
        **arguments: Any,
    ) -> None:
        self.message = Message(message, arguments)
        self.advice = Message(self.default_advice if advice is None else advice, arguments)
        if action is not None:
            self.action = action
        if transient is not None:
            self.transient = transient
        self.retry_after = retry_after
        super().__init__(message)

    def __str__(self) -> str:
        return str(self.info())

    def info(self) -> ErrorInfo:
        """This error as plain data."""
        return ErrorInfo(self.code, self.message, self.advice, self.action)


class ParameterError(ImageTo3DError):
    """A setting has a value that the service does not take. Raised before anything is sent."""

    code = "parameter"
    default_advice = "Correct the setting and generate again."


class ImageError(ImageTo3DError):
    """The image can't be read or can't be prepared for upload."""

    code = "image"
    default_advice = "Choose another image, or save it as PNG and try again."
    action = Action.RETRY


class OnlineAccessError(ImageTo3DError):
    """Blender's Allow Online Access is off and the service is not on this computer."""

    code = "offline"
    default_advice = "Enable Allow Online Access in Preferences › System, or use Offline Preview."
    action = Action.ALLOW_ONLINE


class KeyMissingError(ImageTo3DError):
    """No API key is set for a service that needs one."""

    code = "key_missing"
    default_advice = "Enter it in the add-on's preferences, or set the environment variable MODELSLAB_API_KEY."
    action = Action.OPEN_PREFERENCES


class KeyRejectedError(ImageTo3DError):
    """The service does not accept the API key (401, 403)."""

    code = "key_rejected"
    default_advice = "Check the API key in the add-on's preferences."
    action = Action.OPEN_PREFERENCES


class NoCreditError(ImageTo3DError):
    """The account has not enough credit (402, or a text that speaks of credit). Nothing was charged."""

    code = "no_credit"
    default_advice = "Top up your account at the service, then retry."
    action = Action.RETRY


class RateLimitError(ImageTo3DError):
    """Too many requests (429): wait `retry_after` seconds."""

    code = "rate_limit"
    default_advice = "The job continues by itself when the service allows it."
    transient = True
    action = Action.RETRY


class ConnectionFailedError(ImageTo3DError):
    """The service was not reached: nothing was sent."""

    code = "connection"
    default_advice = "Check the network connection."
    transient = True
    action = Action.RETRY


class ConnectionLostError(ImageTo3DError):
    """The connection broke, stalled or timed out after the request was started."""

    code = "connection_lost"
    default_advice = "Check the network connection."
    transient = True
    action = Action.RETRY


class CertificateError(ImageTo3DError):
    """TLS could not be set up safely. Never bypassed."""

    code = "certificate"
    default_advice = "Check the computer's clock, and whether a proxy or virus scanner intercepts connections."
    action = Action.RETRY


class ServiceBrokenError(ImageTo3DError):
    """The service answered with a server error, or with something that is not a reply."""

    code = "service_broken"
    default_advice = "The service has a problem; try again later."
    transient = True
    action = Action.RETRY


class ServiceRefusedError(ImageTo3DError):
    """The service understood the request and refused it; the message holds its reason."""

    code = "refused"
    default_advice = "Change what the service names, then retry."
    action = Action.RETRY


class OutcomeUnknownError(ImageTo3DError):
    """A submit request was sent and no reply was received: it may have been charged."""

    code = "outcome_unknown"
    default_advice = "Check again, or send it again if it is not in your account's list."
    action = Action.CHECK_AGAIN


class TookTooLongError(ImageTo3DError):
    """The service did not finish within the longest time waited."""

    code = "too_long"
    default_advice = "Check again later: the service may still finish."
    action = Action.CHECK_AGAIN


class ResultMissingError(ImageTo3DError):
    """The result's links no longer answer, or there are none."""

    code = "result_missing"
    default_advice = "Download again to ask the service for new links."
    transient = True
    action = Action.DOWNLOAD_AGAIN


class ResultDamagedError(ImageTo3DError):
    """The download is not a complete file of the expected format."""

    code = "result_damaged"
    default_advice = "Download again."
    transient = True
    action = Action.DOWNLOAD_AGAIN


class ResultTooLargeError(ImageTo3DError):
    """The file is larger than the add-on accepts."""

    code = "result_too_large"
    default_advice = "Ask for a simpler model."
    action = Action.RETRY


class UnsafeAddressError(ImageTo3DError):
    """A link or redirect that the add-on does not follow."""

    code = "unsafe_address"
    default_advice = "The service's reply can't be trusted; report it to the service."
    action = Action.DOWNLOAD_AGAIN


class StorageError(ImageTo3DError):
    """The results folder can't be written: full, read-only or missing."""

    code = "storage"
    default_advice = "Make room, or choose another results folder in the preferences, then download again."
    action = Action.DOWNLOAD_AGAIN


class WorkerError(ImageTo3DError):
    """The background Blender could not be started, or it ended unexpectedly."""

    code = "worker"
    default_advice = "Import again; the model file is kept."
    transient = True
    action = Action.IMPORT_AGAIN


class ImportFailedError(ImageTo3DError):
    """Blender's importer could not read the model file."""

    code = "import_failed"
    default_advice = "Import again, or open the folder to look at the file."
    action = Action.IMPORT_AGAIN


class CancelledError(ImageTo3DError):
    """The job was cancelled; not a fault."""

    code = "cancelled"

    def __init__(self, message: str = "Cancelled.", **arguments: Any) -> None:
        super().__init__(message, **arguments)


class InternalError(ImageTo3DError):
    """A bug in the add-on; Blender's console has the traceback."""

    code = "internal"
    default_advice = "See Blender's console, then retry."
    action = Action.RETRY


def one_line(text: object, max_length: int = MAX_TEXT) -> str:
    """A text from outside as one printable line: no control characters or line breaks, at most `max_length` long."""
    raw = text if isinstance(text, str) else str(text)
    words = "".join(c if c.isprintable() else " " for c in raw[: max_length * 4]).split()
    line = " ".join(words)
    return line if len(line) <= max_length else line[: max_length - 1].rstrip() + "…"
