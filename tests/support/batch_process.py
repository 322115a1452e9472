# SPDX-License-Identifier: GPL-3.0-or-later
"""A process with a batch, to be killed. Arguments: FOLDER BASE_URL LIMIT.

It takes over what dead ones left; the first one starts a batch of the images in FOLDER/images. It prints the number of
jobs that are done whenever that changes, and ends when the batch is finished.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import package_stub  # noqa: F401
from image_to_3d.jobs.batch import progress, states_of
from image_to_3d.jobs.batch_request import BatchImage, BatchRequest
from image_to_3d.jobs.journal import FILE_NAME
from queues import a_queue, a_worker


def main() -> None:
    folder, base_url, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    is_first = not (folder / "user" / FILE_NAME).exists()
    queue = a_queue(folder, base_url, a_worker(), limit=limit)
    queue.adopt()
    if is_first:
        queue.add_batch(BatchRequest([BatchImage(image) for image in sorted((folder / "images").iterdir())]))
    done = -1
    while True:
        while not queue.events.empty():
            queue.events.get()
        batches = queue.batches()
        if batches:
            found = progress(len(batches[0].items), states_of(queue.batch_jobs(batches[0].id)))
            if found.done != done:
                done = found.done
                sys.stdout.write(f"{done}\n")
                sys.stdout.flush()
            if found.finished and queue.is_idle():
                break
        time.sleep(0.02)
    queue.stop()


if __name__ == "__main__":
    main()
