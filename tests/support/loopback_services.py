# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's loopback services, started as the engine does; and a generator for tests that make no models."""

from __future__ import annotations

from pathlib import Path

import package_stub  # noqa: F401  makes `image_to_3d` importable
from image_to_3d.errors import Message
from image_to_3d.jobs.config import LOCAL, OFFLINE, Config
from image_to_3d.loopback.generator import Generator, Made
from image_to_3d.loopback.launcher import LoopbackService
from image_to_3d.worker.child_process import Launch

IDLE = Generator(Message("The test"), "Made by nobody.", "", ("glb",), lambda _work: Made([]), lambda _job: 1.0, 1)


def offline_service(folder: Path, launch: Launch | None = None) -> LoopbackService:
    return LoopbackService(launch or Launch.for_wheel(), "offline.server", "Offline Preview", folder)


def local_service(folder: Path) -> LoopbackService:
    return LoopbackService(Launch.for_wheel(), "local_servers.bridge", "Local Server", folder)


class Loopback:
    """What a queue calls to reach the free services."""

    def __init__(self, folder: Path) -> None:
        self.services = {OFFLINE: offline_service(folder / "offline"), LOCAL: local_service(folder / "local")}

    def __call__(self, service: str, config: Config) -> tuple[str, str]:
        return self.services[service].access(config.local_settings if service == LOCAL else {})

    def stop(self) -> None:
        for service in self.services.values():
            service.stop()
