# SPDX-License-Identifier: GPL-3.0-or-later
"""A process with a queue for a local server and its own bridge, to be killed. Arguments: FOLDER ADDRESS COUNT.

It takes over what dead ones left, adds COUNT jobs, and ends when nothing runs any more.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import package_stub  # noqa: F401
from image_to_3d.jobs.config import LOCAL
from loopback_services import Loopback
from queues import a_queue, a_request, a_worker, until_journaled


def main() -> None:
    folder, address, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    services = Loopback(folder / "services")
    settings = {"address": address, "wait": 20.0, "time_limit": 60.0}
    queue = a_queue(
        folder,
        "",
        a_worker(),
        loopback=services,
        service=LOCAL,
        local_url=address,
        local_settings=settings,
        keys={},
    )
    queue.adopt()
    for number in range(count):
        until_journaled(queue, queue.add(a_request(number)))
    quiet_rounds = 0
    while quiet_rounds < 50:
        quiet_rounds = 0 if queue.running() else quiet_rounds + 1
        time.sleep(0.02)
    queue.stop()
    services.stop()


if __name__ == "__main__":
    main()
