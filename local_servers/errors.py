# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong with a server that the artist runs."""

from __future__ import annotations

from ..errors import ImageTo3DError


class LocalServerError(ImageTo3DError, code="local_server"):
    """The artist's own server can't do what is asked."""

    default_advice = "See the output of the server."


class NotRunningError(LocalServerError, code="local_not_running", transient=True):
    """Nothing listens at the address, or the connection broke."""

    default_advice = "Start the server, or correct its address in the add-on's preferences."


class BusyError(LocalServerError, code="local_busy", transient=True):
    """The server loads its model or works for somebody else."""

    default_advice = "Wait until it is ready."


class TimeLimitError(LocalServerError, code="local_time_limit"):
    """The server did not finish a model within the time limit: it is slow, or failed without saying so."""

    default_advice = (
        "See the output of the server: it may have failed. If it is only slow, raise the time limit in the add-on's "
        "preferences, or choose a lower resolution."
    )
