# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong with a server that the artist runs."""

from __future__ import annotations

from ..errors import Action, ConnectionLostError, LocalServerError


class SettingError(LocalServerError):
    """What is entered in the add-on's preferences does not fit the server."""

    action = Action.OPEN_PREFERENCES


class NotRunningError(SettingError):
    """Nothing listens at the address, or the connection broke."""

    transient = True
    default_advice = "Start the server, or correct its address."


class BusyError(LocalServerError):
    """The server loads its model or works for somebody else."""

    transient = True
    default_advice = "Wait until it is ready."


class NoApiError(SettingError):
    """The server does not know the path for models: it is of another kind."""

    default_advice = (
        "Check the address and the kind of server in the add-on's preferences. Often the address is that of a web "
        "page, such as Gradio's: the API has another port."
    )


class TimeLimitError(LocalServerError):
    """The server did not finish a model within the time limit: it is slow, or failed without saying so."""

    default_advice = (
        "See the output of the server: it may have failed. If it is only slow, raise the time limit in the add-on's "
        "preferences, or choose a lower resolution."
    )


class NoAnswerError(ConnectionLostError):
    """The server took a request, and did not answer in time: it is busy, or hangs."""

    default_advice = "See the output of the server: it is busy, or it hangs."
