# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration: which service jobs use, with which key and limits; and whether a service can be used now."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..api.http.urls import host_of, is_loopback, service_base
from ..api.parameters import PARAMETERS, VIEWS
from ..errors import Action, ImageTo3DError, KeyMissingError, OnlineAccessError, ParameterError
from ..local_servers.dialects import DIALECTS
from ..log import logger
from .job import Job, State

if TYPE_CHECKING:
    from ..api.client import Client

MODELSLAB: Final = "MODELSLAB"
OFFLINE: Final = "OFFLINE"
CUSTOM: Final = "CUSTOM"
LOCAL: Final = "LOCAL"
FREE: Final = frozenset({OFFLINE, LOCAL})
"""The services that cost nothing and need no API key: processes on this computer speak the contract for them."""

MODELSLAB_URL: Final = "https://modelslab.com/api/v6"
KEY_PAGE: Final = "https://modelslab.com/dashboard/api-keys"
"""Web page where an account's API keys are made, after signing in or up."""


class Config(NamedTuple):
    """The preferences, as the queue and the interface use them. Created anew whenever they change."""

    service: str
    """MODELSLAB, OFFLINE, CUSTOM or LOCAL: where new jobs go."""
    results: Path
    """Where new jobs get their folders."""
    keys: Mapping[str, str] = {}
    """API key by service; the free ones have none."""
    base_url: str = ""
    """Base URL of the CUSTOM service, without a slash at its end."""
    local_url: str = ""
    """Base URL of the server that the artist runs (LOCAL), without a slash at its end."""
    local_settings: Mapping[str, Any] = {}
    """How to speak to it: what its process gets, besides its address."""
    local_dialect: str = ""
    """The id of the dialect that it speaks, as far as that is known."""
    online: bool = True
    """Whether Blender allows online access; a service on this computer needs none."""
    limit: int = 5
    """How many jobs the account's plan runs at once."""
    results_refused: str = ""
    """Why the results folder that was entered is not used; nothing is generated until it is corrected."""
    earlier_results: tuple[Path, ...] = ()
    """Other results folders, for rebuilding a damaged journal."""
    keep_days: float | None = None
    keep_gigabytes: float | None = None
    """The limits of a clean-up; None: no limit."""
    clean_up_at_start: bool = False
    daily_limit: float | None = None
    """The most that may be spent on one day, in the account's currency; None: no limit."""

    def __repr__(self) -> str:
        """Leaves out the keys, so that no log or traceback shows them."""
        return f"<Config for {self.service}>"

    @property
    def results_folders(self) -> tuple[Path, ...]:
        """All results folders, the current one first."""
        return tuple(dict.fromkeys((self.results, *self.earlier_results)))

    def chosen_url(self) -> str:
        """Returns the base URL for new jobs; empty for the offline preview, whose port changes.

        Raises ParameterError if none is set, or it can't be one.
        """
        if self.service == MODELSLAB:
            return MODELSLAB_URL
        if self.service == OFFLINE:
            return ""
        url = self.local_url if self.service == LOCAL else self.base_url
        if not url:
            raise ParameterError(
                "No server URL is set in the preferences.",
                advice="Enter it in the add-on's preferences.",
                action=Action.OPEN_PREFERENCES,
            )
        return service_base(url, "http://127.0.0.1:8080") if self.service == LOCAL else service_base(url)

    def require_ready(self) -> str:
        """Returns the base URL for new jobs. Raises as `chosen_url` and `require_usable` if none can be started now."""
        if self.results_refused:
            raise ParameterError(
                "{reason}",
                advice="Correct the results folder in the add-on's preferences.",
                action=Action.OPEN_PREFERENCES,
                reason=self.results_refused,
            )
        base_url = self.chosen_url()
        self.require_usable(self.service, base_url)
        return base_url

    def require_usable(self, service: str, base_url: str, *, accepted: bool = False) -> str:
        """Returns the key for a service that can be used now; "" for the free ones, which have one for each start.

        `accepted`: for a job that the service has. One that is made by the artist's own server goes on when another
        address is entered. Raises OnlineAccessError, KeyMissingError.
        """
        if service == OFFLINE:
            return ""
        if service == MODELSLAB:
            base_url = MODELSLAB_URL
        if not self.online and not is_loopback(host_of(base_url)):
            raise OnlineAccessError("Online access is disabled.")
        if accepted and service == LOCAL:
            return ""
        if base_url != {CUSTOM: self.base_url, LOCAL: self.local_url}.get(service, base_url):
            raise KeyMissingError(
                "This job belongs to another server than the one in the preferences.",
                advice="Enter its server URL in the preferences again, then retry.",
            )
        if service == LOCAL:
            return ""
        key = self.keys.get(service, "")
        if not key and service != self.service:
            raise KeyMissingError(
                "This job belongs to another service than the one chosen in the preferences.",
                advice="Choose that service again to continue the job.",
            )
        if not key:
            raise KeyMissingError("The service needs an API key.")
        return key

    @property
    def takes_views(self) -> bool:
        """Whether jobs can have further images of their subjects, from other sides."""
        return self.service == LOCAL and any(self.uses(f"image_{side}") for side in VIEWS)

    def require_takes(self, image_url: str, views: Collection[str]) -> None:
        """Raises ParameterError if the chosen service can't take an image by its URL (if any), or views (if any)."""
        if image_url and self.service in FREE:
            raise ParameterError(
                "The chosen service takes image files only: nothing is downloaded for it.",
                advice="Save the image and choose its file.",
            )
        if views and not self.takes_views:
            raise ParameterError(
                "The chosen service takes one image of the subject, and no views of other sides.",
                advice="Leave the views out, or choose Local Server with a server that takes them.",
            )

    def wallet(self, account: tuple[str, str]) -> str:
        """Returns the name of what an account's jobs are paid from; "" if they cost nothing, or have no key."""
        key = self.keys.get(account[0], "")
        from .wallet import wallet_of  # hashlib is slow to import

        return wallet_of(account, key) if key and account[0] not in FREE else ""

    def uses(self, parameter: str) -> bool:
        """Whether a request parameter has an effect with the chosen service; True if that is not known."""
        row = PARAMETERS[parameter]
        if self.service == OFFLINE:
            return row.offline
        if self.service == LOCAL:
            dialect = DIALECTS.get(self.local_dialect)
            return dialect is None or parameter in dialect.parameters
        return not row.local_only

    def at_once(self, service: str) -> int:
        """Returns how many models a service makes at once. An artist's own server makes one after the other."""
        return 1 if service == LOCAL else self.limit

    def slots(self, service: str) -> int:
        """Returns how many jobs use a service at once: while the artist's own server makes one, the next gets ready."""
        return self.at_once(service) + (service == LOCAL)

    def why_not_ready(self) -> ImageTo3DError | None:
        """Returns why the chosen service can't be used now; None if it can."""
        try:
            self.require_ready()
        except ImageTo3DError as error:
            return error
        return None


Loopback = Callable[[str, Config], tuple[str, str]]
"""Starts the process of a free service if needed, with the configuration. Returns its base URL and key."""


class ServiceClients:
    """Creates the client for each job, from the current configuration. Thread-safe."""

    def __init__(self, config: Config, loopback: Loopback, timeouts: tuple[float, float]) -> None:
        """`loopback`: starts the process of a free service if needed, and returns its base URL and key.

        `timeouts`: see Client.
        """
        self.config = config
        self._timeouts = timeouts
        self._loopback = loopback
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Client] = {}
        self._free: dict[str, Client] = {}
        """By free service: the client of its process that was started last."""

    def client(self, service: str, base_url: str, *, accepted: bool = False) -> Client:
        """Returns the client for a service. Starts the process of a free one, which can take seconds.

        `accepted`: see `Config.require_usable`. Raises OnlineAccessError, KeyMissingError, WorkerError.
        """
        config = self.config
        key = config.require_usable(service, base_url, accepted=accepted)
        if service in FREE:
            url, key = self._loopback(service, config)
        else:
            # Never what a job's record says: the key goes to the service whose key it is.
            url = MODELSLAB_URL if service == MODELSLAB else base_url
        with self._lock:
            client = self._clients.get((url, key))
            if client is None:
                from ..api.client import Client  # imports requests later: slow, so not when the extension is enabled

                client = self._clients[url, key] = Client(
                    url, key, timeouts=self._timeouts, is_loopback_service=service in FREE
                )
            if service in FREE:
                self._free[service] = client
            return client

    def cancel(self, service: str, service_id: str) -> None:
        """Have the process of a free service stop working on a job. Starts none. Raises ImageTo3DError."""
        client = self._free.get(service)
        if client is not None and service_id:
            client.cancel(service_id)

    def with_current_service(self, job: Job) -> Job:
        """A job that starts from the beginning goes to the service that is chosen now, if that is usable.

        One with views, or with the URL of an image, stays at a service that takes that.
        """
        if job.state is not State.QUEUED:
            return job
        try:
            self.config.require_takes(job.image.url, job.views)
            chosen = replace(job, service=self.config.service, base_url=self.config.chosen_url())
            return chosen if chosen.account == job.account else chosen.without_uploads()
        except ImageTo3DError as error:
            logger(__name__).info("%s keeps its service: %s", job.id, error)
            return job

    def close(self) -> None:
        """Cancel the active requests."""
        with self._lock:
            clients = list(self._clients.values())
        for client in clients:
            client.close()
