# SPDX-License-Identifier: GPL-3.0-or-later
"""A Lemonade server that can be killed while it makes a model, and started again."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from dialect_servers import Lemonade, running
from local_server import has_left


@dataclass
class SlowLemonade(Lemonade):
    """Makes models in `seconds`, which may change meanwhile, and knows when it made them."""

    work: list[tuple[float, float]] = field(default_factory=list)
    """When the models were begun and done (monotonic)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.dies = threading.Event()

    def make(self, handler: BaseHTTPRequestHandler | None = None) -> bytes | None:
        assert handler is not None
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        began, dies = time.monotonic(), self.dies
        try:
            while time.monotonic() < began + self.seconds:
                if has_left(handler):
                    self.left += 1
                    handler.close_connection = True
                    return None
                if dies.is_set():
                    handler.connection.shutdown(socket.SHUT_RDWR)
                    return None
                time.sleep(0.01)
        finally:
            with self._lock:
                self.at_once -= 1
        self.work.append((began, time.monotonic()))
        return self.model

    @property
    def idle(self) -> float:
        """The part of the time from its first model to its last in which it made none."""
        gaps = sum(max(0.0, after[0] - before[1]) for before, after in zip(self.work, self.work[1:], strict=False))
        return gaps / (self.work[-1][1] - self.work[0][0])


class Machine:
    """Where a server runs, at one address; it can be killed and started again."""

    def __init__(self, server: SlowLemonade, stack: ExitStack) -> None:
        self.server = server
        self.address = ""
        self._stack = stack
        self.start()

    def start(self) -> None:
        self.server.dies = threading.Event()
        self._running = ExitStack()
        self._stack.push(self._running)
        port = int(self.address.rpartition(":")[2]) if self.address else 0
        self.address = self._running.enter_context(running(self.server, port))

    def kill(self) -> None:
        self.server.dies.set()
        self._running.close()


@contextmanager
def machine(model: bytes, seconds: float = 0.0) -> Iterator[Machine]:
    with ExitStack() as stack:
        yield Machine(SlowLemonade(model, seconds), stack)
