# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong, in an artist's words, with what to do about it.

Every error the add-on raises on purpose is an `ImageTo3DError`. It says what happened, what to do,
whether trying again unchanged can help, and which button helps. Texts that come from outside
(the service, a file, the system) go through `readable` before they get into one.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import ClassVar

LONGEST_TEXT = 300
"""Characters kept of a text that comes from outside; the interface has no room for more."""


class Action(enum.StrEnum):
    """The button that does what an error advises."""

    NONE = ""
    OPEN_PREFERENCES = "OPEN_PREFERENCES"
    ALLOW_ONLINE = "ALLOW_ONLINE"
    RETRY = "RETRY"
    DOWNLOAD_AGAIN = "DOWNLOAD_AGAIN"
    IMPORT_AGAIN = "IMPORT_AGAIN"
    OPEN_FOLDER = "OPEN_FOLDER"
    CHECK_AGAIN = "CHECK_AGAIN"


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """An error as plain data: what the journal keeps and the panel shows."""

    code: str
    what: str
    advice: str = ""
    transient: bool = False
    action: Action = Action.NONE

    def __str__(self) -> str:
        return f"{self.what} {self.advice}".strip()


class ImageTo3DError(Exception):
    """The family. `what` is a sentence that says what happened; a subclass knows what to do.

    `transient`: trying again unchanged can help. `retry_after`: seconds the service asks to wait.
    """

    code: ClassVar[str] = "error"
    advice: str = ""
    transient: bool = False
    action: Action = Action.NONE

    def __init__(
        self,
        what: str,
        *,
        advice: str | None = None,
        action: Action | None = None,
        transient: bool | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.what = what
        if advice is not None:
            self.advice = advice
        if action is not None:
            self.action = action
        if transient is not None:
            self.transient = transient
        self.retry_after = retry_after
        super().__init__(f"{what} {self.advice}".strip())

    def info(self) -> ErrorInfo:
        """This error as plain data."""
        return ErrorInfo(self.code, self.what, self.advice, self.transient, self.action)


class ParameterError(ImageTo3DError):
    """A setting is not one the service takes. Raised before anything is sent."""

    code = "parameter"
    advice = "Correct the setting and generate again."


class ImageError(ImageTo3DError):
    """The image can't be read, or can't be made fit for upload."""

    code = "image"
    advice = "Choose another image, or save it as PNG and try again."
    action = Action.RETRY


class OnlineAccessError(ImageTo3DError):
    """Blender's Allow Online Access is off and the service is not on this machine."""

    code = "offline"
    advice = "Switch on Allow Online Access in the preferences under System, or use the offline preview."
    action = Action.ALLOW_ONLINE


class KeyMissingError(ImageTo3DError):
    """No API key is set for a service that needs one."""

    code = "key_missing"
    advice = "Enter it in the add-on's preferences, or set the environment variable MODELSLAB_API_KEY."
    action = Action.OPEN_PREFERENCES


class KeyRejectedError(ImageTo3DError):
    """The service does not accept the API key (401, 403)."""

    code = "key_rejected"
    advice = "Check the API key in the add-on's preferences."
    action = Action.OPEN_PREFERENCES


class NoCreditError(ImageTo3DError):
    """The account can't pay for it (402, or a text that speaks of credit)."""

    code = "no_credit"
    advice = "Top up the account at the service, then retry."
    action = Action.RETRY


class RateLimitError(ImageTo3DError):
    """Too many requests (429): wait `retry_after` seconds."""

    code = "rate_limit"
    advice = "It goes on by itself when the service allows it."
    transient = True
    action = Action.RETRY


class ConnectionFailedError(ImageTo3DError):
    """The service was not reached: nothing was sent."""

    code = "connection"
    advice = "Check the network connection."
    transient = True
    action = Action.RETRY


class ConnectionLostError(ImageTo3DError):
    """The connection broke, stalled or timed out after the request had begun."""

    code = "connection_lost"
    advice = "Check the network connection."
    transient = True
    action = Action.RETRY


class CertificateError(ImageTo3DError):
    """TLS could not be set up safely. Never bypassed."""

    code = "certificate"
    advice = "Check the computer's clock, and whether a proxy or virus scanner intercepts connections."
    action = Action.RETRY


class ServiceBrokenError(ImageTo3DError):
    """The service answered with a server error, or with something that is no reply."""

    code = "service_broken"
    advice = "The service has a problem; try again later."
    transient = True
    action = Action.RETRY


class ServiceRefusedError(ImageTo3DError):
    """The service understood and said no; `what` holds its reason."""

    code = "refused"
    advice = "Change what it names, then retry."
    action = Action.RETRY


class OutcomeUnknownError(ImageTo3DError):
    """A submit went out and no answer came back: it may have been paid for."""

    code = "outcome_unknown"
    advice = "Look again, or submit again if it is not in your account's list."
    action = Action.CHECK_AGAIN


class TookTooLongError(ImageTo3DError):
    """The service did not finish within the longest time waited."""

    code = "too_long"
    advice = "Look again later: it may still finish."
    action = Action.CHECK_AGAIN


class ResultMissingError(ImageTo3DError):
    """The result's links answer no more, or there are none."""

    code = "result_missing"
    advice = "Download again to ask the service for fresh links."
    transient = True
    action = Action.DOWNLOAD_AGAIN


class ResultDamagedError(ImageTo3DError):
    """What was downloaded is not a whole file of the format asked for."""

    code = "result_damaged"
    advice = "Download again."
    transient = True
    action = Action.DOWNLOAD_AGAIN


class ResultTooLargeError(ImageTo3DError):
    """The file is larger than the add-on accepts."""

    code = "result_too_large"
    advice = "Ask for a simpler model."
    action = Action.RETRY


class UnsafeAddressError(ImageTo3DError):
    """A link or redirect that the add-on does not follow."""

    code = "unsafe_address"
    advice = "The service's answer can't be trusted; report it to the service."
    action = Action.DOWNLOAD_AGAIN


class StorageError(ImageTo3DError):
    """The results folder can't be written: full, read-only or gone."""

    code = "storage"
    advice = "Make room, or choose another results folder in the preferences, then download again."
    action = Action.DOWNLOAD_AGAIN


class WorkerError(ImageTo3DError):
    """The second Blender could not be started, or died."""

    code = "worker"
    advice = "Import again; the model file is kept."
    transient = True
    action = Action.IMPORT_AGAIN


class ImportFailedError(ImageTo3DError):
    """Blender's importer could not make a model of the file."""

    code = "import_failed"
    advice = "Import again, or open the folder to look at the file."
    action = Action.IMPORT_AGAIN


class CancelledError(ImageTo3DError):
    """Somebody cancelled; not a fault."""

    code = "cancelled"


def one_line(text: object, longest: int = LONGEST_TEXT) -> str:
    """A text from outside as one short printable line: no control characters, no line breaks, cut to `longest`."""
    raw = text if isinstance(text, str) else str(text)
    words = "".join(c if c.isprintable() else " " for c in raw[: longest * 4]).split()
    line = " ".join(words)
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"
