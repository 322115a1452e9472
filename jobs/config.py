# SPDX-License-Identifier: GPL-3.0-or-later
"""Which service a job talks to, and with which key."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..api.http.urls import host_of, is_loopback, service_base
from ..errors import Action, KeyMissingError, OnlineAccessError, ParameterError

if TYPE_CHECKING:
    from ..api.client import Client

MODELSLAB: Final = "MODELSLAB"
OFFLINE: Final = "OFFLINE"
CUSTOM: Final = "CUSTOM"

MODELSLAB_URL: Final = "https://modelslab.com/api/v6"
_OFFLINE_KEY: Final = "offline-preview"
"""The offline preview takes any key; this one is no secret."""


@dataclass(frozen=True, slots=True)
class Config:
    """What the preferences say. Made anew by the host whenever they change."""

    service: str
    results: Path
    """Where new jobs get their folders."""
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    """API key by service."""
    base_url: str = ""
    """Address of the CUSTOM service."""
    online: bool = True
    """Whether Blender allows online access; a service on this machine needs none."""
    limit: int = 5
    """How many jobs the account's plan lets run at once."""
    earlier_results: tuple[Path, ...] = ()
    """Other places where job folders may lie, for rebuilding a damaged journal."""


def is_local(url: str) -> bool:
    """Whether an address is on this machine."""
    return is_loopback(host_of(url))


class ServiceClients:
    """The client for each job, made from the present setup. Safe to use from several threads."""

    def __init__(self, config: Config, offline: Callable[[], str], timeouts: tuple[float, float]) -> None:
        """`offline`: starts the offline preview if need be, and tells its address. `timeouts`: see Client."""
        self.config = config
        self._timeouts = timeouts
        self._offline = offline
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Client] = {}

    def chosen_url(self) -> str:
        """The address new jobs go to; empty for the offline preview, whose port changes.

        Raises ParameterError where none is set, or it can't be one.
        """
        service = self.config.service
        if service == MODELSLAB:
            return MODELSLAB_URL
        if service == CUSTOM:
            if not self.config.base_url:
                raise ParameterError(
                    "No address is set for the custom service.",
                    advice="Enter its base URL in the add-on's preferences.",
                    action=Action.OPEN_PREFERENCES,
                )
            return service_base(self.config.base_url)
        return ""

    def check(self, service: str, base_url: str) -> str:
        """The key for a service that may be used now. Raises OnlineAccessError, KeyMissingError."""
        if service == OFFLINE:
            return _OFFLINE_KEY
        if not self.config.online and not is_local(base_url):
            raise OnlineAccessError("Blender's online access is switched off.")
        if service == CUSTOM and base_url != self.config.base_url.strip().rstrip("/"):
            raise KeyMissingError(
                "This job belongs to another custom service than the one in the preferences.",
                advice="Set its base URL in the preferences again, then retry.",
            )
        key = self.config.keys.get(service, "")
        if not key and service != self.config.service:
            raise KeyMissingError(
                "This job belongs to another service than the one chosen in the preferences.",
                advice="Choose that service again, and it goes on.",
            )
        if not key:
            raise KeyMissingError("No API key is set.")
        return key

    def client(self, service: str, base_url: str) -> Client:
        """The client to talk to a service with. Starts the offline preview where that is meant: can take seconds.

        Raises OnlineAccessError, KeyMissingError, WorkerError.
        """
        key = self.check(service, base_url)
        url = self._offline() if service == OFFLINE else base_url
        with self._lock:
            client = self._clients.get((url, key))
            if client is None:
                # Here, not at the top: importing requests takes 0.1 s that enabling the extension must not.
                from ..api.client import Client

                client = self._clients[url, key] = Client(url, key, timeouts=self._timeouts)
            return client

    def close(self) -> None:
        """Break off whatever request is under way."""
        with self._lock:
            clients = list(self._clients.values())
        for client in clients:
            client.close()
