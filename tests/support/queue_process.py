# SPDX-License-Identifier: GPL-3.0-or-later
"""A process with a queue, to be killed. Arguments: FOLDER BASE_URL FIRST COUNT [LIMIT].

It takes over what dead ones left, adds COUNT jobs numbered from FIRST, prints each change of a state as
"STATE ID" after a line "added", and ends when nothing runs any more; its ready jobs it marks as placed and kept.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import package_stub  # noqa: F401
from image_to_3d.jobs.job import Changed, State
from queues import a_queue, a_request, a_worker, until_journaled


def main() -> None:
    folder, base_url, first, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    limit = int(sys.argv[5]) if len(sys.argv) > 5 else 5
    worker = a_worker()
    queue = a_queue(folder, base_url, worker, limit=limit)
    queue.adopt()
    for number in range(first, first + count):
        until_journaled(queue, queue.add(a_request(number)))
    sys.stdout.write("added\n")
    sys.stdout.flush()
    seen: dict[str, State] = {}
    quiet_rounds = 0
    while quiet_rounds < 50:  # rounds, not seconds: the process may have been suspended meanwhile
        while not queue.events.empty():
            event = queue.events.get()
            if isinstance(event, Changed) and seen.get(event.job.id) is not event.job.state:
                job = event.job
                seen[job.id] = job.state
                sys.stdout.write(f"{job.state} {job.id}\n")
                sys.stdout.flush()
                if job.state is State.READY:
                    queue.mark_placed(job.id, ["object"])
                elif job.state is State.PLACED:
                    queue.mark_saved([job.id])
        quiet_rounds = 0 if queue.running() else quiet_rounds + 1
        time.sleep(0.02)
    queue.stop()


if __name__ == "__main__":
    main()
