# SPDX-License-Identifier: GPL-3.0-or-later
"""Every error that the add-on raises on purpose: what happened, what to do about it, and which button does that.

An error keeps its message as data, an English template with named arguments, which is formatted only when it is
shown, so it can be translated, tested and stored.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, Self

from .system_errors import is_in_use, reason_of

MAX_TEXT = 300
"""Characters kept of a text that comes from outside; the interface has no room for more."""

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_TERMINAL_CODE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*)")
"""An ANSI escape sequence, by which programs color their output."""


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
        stored = dict(value.get("arguments") or {})
        arguments = {str(n): cls.from_json(a) if isinstance(a, Mapping) else a for n, a in stored.items()}
        return cls(str(value.get("template", "")), arguments)


NO_MESSAGE = Message()


def counted(count: int, one: str, many: str, **arguments: Any) -> Message:
    """Returns a message about `count` things: the template `one`, or `many`, which names the `count`."""
    return Message(one, arguments) if count == 1 else Message(many, {"count": f"{count:,}", **arguments})


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
    `cause`: what the system refused; it gives the argument `reason`.
    """

    code: ClassVar[str] = "error"
    default_advice: ClassVar[str] = ""
    writing: ClassVar[bool] = False
    transient: bool = False
    action: Action = Action.NONE

    def __init_subclass__(cls, code: str = "", action: Action = Action.NONE, transient: bool = False) -> None:
        if code:  # a variant without a code of its own inherits everything
            cls.code, cls.action, cls.transient = code, action, transient

    def __init__(
        self,
        message: str,
        *,
        advice: str | None = None,
        action: Action | None = None,
        retry_after: float | None = None,
        cause: OSError | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(message)
        if cause is not None:
            arguments["reason"] = Message(one_line(reason_of(cause, writing=self.writing), 160))
        self.message = Message(message, arguments)
        self.advice = Message(self.default_advice if advice is None else advice, arguments)
        self.action = self.action if action is None else action
        self.retry_after = retry_after

    def __str__(self) -> str:
        return str(self.info())

    def info(self) -> ErrorInfo:
        """This error as plain data."""
        return ErrorInfo(self.code, self.message, self.advice, self.action)


class ParameterError(ImageTo3DError, code="parameter"):
    """A setting has a value that the service does not take. Raised before anything is sent."""

    default_advice = "Correct the setting and generate again."


class ImageError(ImageTo3DError, code="image", action=Action.RETRY):
    """The image can't be read or can't be prepared for upload."""

    default_advice = "Choose another image, or save it as PNG and try again."


class OnlineAccessError(ImageTo3DError, code="offline", action=Action.ALLOW_ONLINE):
    """Blender's Allow Online Access is off and the service is not on this computer."""

    default_advice = "Enable Allow Online Access in Preferences › System, or use Offline Preview."


class KeyMissingError(ImageTo3DError, code="key_missing", action=Action.OPEN_PREFERENCES):
    """No API key is set for a service that needs one."""

    default_advice = "Enter it in the add-on's preferences, or set the environment variable MODELSLAB_API_KEY."


class KeyRejectedError(ImageTo3DError, code="key_rejected", action=Action.OPEN_PREFERENCES):
    """The service does not accept the API key (401, 403)."""

    default_advice = "Check the API key in the add-on's preferences."


class NoCreditError(ImageTo3DError, code="no_credit", action=Action.RETRY):
    """The account has not enough credit (402, or a text that speaks of credit). Nothing was charged."""

    default_advice = "Top up your account at the service, then retry."


class SpendingLimitError(ImageTo3DError, code="spending_limit", action=Action.OPEN_PREFERENCES):
    """The job could exceed the daily limit in the preferences. Nothing was sent; it starts on another day."""

    default_advice = "To continue today, raise the daily limit in the add-on's preferences."


class RateLimitError(ImageTo3DError, code="rate_limit", action=Action.RETRY, transient=True):
    """Too many requests (429): wait `retry_after` seconds."""

    default_advice = "The job continues by itself when the service allows it."


class ConnectionFailedError(ImageTo3DError, code="connection", action=Action.RETRY, transient=True):
    """The service was not reached: nothing was sent."""

    default_advice = "Check the network connection."


class ProxyError(ConnectionFailedError, code="proxy", action=Action.RETRY):
    """The proxy in the settings can't be used as it is set: nothing was sent. Trying again unchanged can't help."""

    default_advice = "Correct the proxy settings: the environment variable HTTPS_PROXY, or those of the system."


class ConnectionLostError(ImageTo3DError, code="connection_lost", action=Action.RETRY, transient=True):
    """The connection broke, stalled or timed out after the request was started."""

    default_advice = "Check the network connection."


class CertificateError(ImageTo3DError, code="certificate", action=Action.RETRY):
    """TLS could not be set up safely. Never bypassed."""

    default_advice = (
        "Check the computer's clock. If a proxy or virus scanner inspects connections, its root certificate must be in "
        "the system's certificate store, or in the file that SSL_CERT_FILE or REQUESTS_CA_BUNDLE names."
    )


class ServiceBrokenError(ImageTo3DError, code="service_broken", action=Action.RETRY, transient=True):
    """The service answered with a server error, or with something that is not a reply."""

    default_advice = "The service has a problem; try again later."


class ServiceRefusedError(ImageTo3DError, code="refused", action=Action.RETRY):
    """The service understood the request and refused it; the message holds its reason."""

    default_advice = "Change what the service names, then retry."


class OutcomeUnknownError(ImageTo3DError, code="outcome_unknown", action=Action.CHECK_AGAIN):
    """A submit request was sent, and no reply says whether it was accepted: it may have been charged."""

    default_advice = "Check again, or send it again if it is not in your account's list."


class TookTooLongError(ImageTo3DError, code="too_long", action=Action.CHECK_AGAIN):
    """The service did not finish within the longest time waited."""

    default_advice = "Check again later: the service may still finish."


class ResultMissingError(ImageTo3DError, code="result_missing", action=Action.DOWNLOAD_AGAIN, transient=True):
    """The result's links no longer answer, or there are none."""

    default_advice = "Download again to ask the service for new links."


class ResultDamagedError(ImageTo3DError, code="result_damaged", action=Action.DOWNLOAD_AGAIN, transient=True):
    """The download is not a complete file of the expected format."""

    default_advice = "Download again."


class ResultTooLargeError(ImageTo3DError, code="result_too_large", action=Action.RETRY):
    """The file is larger than the add-on accepts."""

    default_advice = "Ask for a simpler model."


class UnsafeAddressError(ImageTo3DError, code="unsafe_address", action=Action.DOWNLOAD_AGAIN):
    """A link or redirect that the add-on does not follow."""

    default_advice = "The service's reply can't be trusted; report it to the service."


class StorageError(ImageTo3DError, code="storage", action=Action.DOWNLOAD_AGAIN):
    """The results folder can't be written: full, read-only, missing, or a file in it is open in another program."""

    default_advice = "Make room, or choose another results folder in the preferences, then download again."
    writing = True

    def __init__(
        self, message: str, *, advice: str | None = None, cause: OSError | None = None, **options: Any
    ) -> None:
        in_use = cause is not None and is_in_use(cause)
        if in_use:
            advice = "Close the program that has it open, then retry." if advice is None else advice
            options.setdefault("action", Action.RETRY)
        super().__init__(message, advice=advice, cause=cause, **options)
        self.transient = in_use


class TakenOverError(StorageError, code="taken_over"):
    """The job or batch belongs to another process now, which took this one for dead: it must not be continued here."""


class WorkerError(ImageTo3DError, code="worker", action=Action.IMPORT_AGAIN, transient=True):
    """The background Blender could not be started, or it ended unexpectedly."""

    default_advice = "Import again; the model file is kept."


class ImportFailedError(ImageTo3DError, code="import_failed", action=Action.IMPORT_AGAIN):
    """Blender's importer could not read the model file."""

    default_advice = "Import again, or open the folder to look at the file."


class ConversionLimitError(ImportFailedError, code="conversion_limit", action=Action.IMPORT_AGAIN):
    """The model file needs more time or memory than a background Blender may use."""

    default_advice = (
        "Import again when the computer is less busy, or ask for a simpler model. The folder has the file, but it "
        "could do the same to your own Blender."
    )


class MeshToolError(ImageTo3DError, code="mesh_tool"):
    """A mesh tool can't do this to this mesh. The object is unchanged."""

    default_advice = "The object is unchanged."


class LocalServerError(ServiceRefusedError, code="local_server", action=Action.RETRY):
    """The server that the artist runs can't do what is asked. Nothing was paid."""

    default_advice = "See the output of the server."


class CancelledError(ImageTo3DError, code="cancelled"):
    """The job was cancelled; not a fault."""

    def __init__(self) -> None:
        super().__init__("Cancelled.")


class InternalError(ImageTo3DError, code="internal", action=Action.RETRY):
    """A bug in the add-on; Blender's console has the traceback."""

    default_advice = "See Blender's console, then retry."


def one_line(text: object, max_length: int = MAX_TEXT) -> str:
    """A text from outside as one printable line: no control characters or line breaks, at most `max_length` long."""
    line = str(text)[: max_length * 4]
    if not line.isprintable():
        line = _TERMINAL_CODE.sub("", line)
        line = "".join(c if c.isprintable() else " " for c in line)
    line = " ".join(line.split())
    return line if len(line) <= max_length else line[: max_length - 1].rstrip() + "…"
