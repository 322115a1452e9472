# SPDX-License-Identifier: GPL-3.0-or-later
"""Background tasks of the preferences: each runs a function in a thread, and keeps its last result to be shown."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .api.money import Money
from .errors import NO_MESSAGE, ErrorInfo, ImageTo3DError, Message, counted
from .jobs.config import LOCAL, Config
from .log import logger

if TYPE_CHECKING:
    from .jobs.move_results import Moved


class Status(NamedTuple):
    """The last result of a task. `text` is a sentence, empty if there is none; `value` a short form of it."""

    text: Message | ErrorInfo = NO_MESSAGE
    value: str = ""
    failed: bool = False
    running: bool = False
    code: str = ""
    """The code of the error that it failed with."""


class BackgroundTask:
    """One task at a time. Only the latest start counts: a late result of an earlier one is ignored."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._number = 0
        self.status = Status()

    def start(self, work: Callable[[], Status]) -> None:
        """Run `work` in a thread. Returns at once."""
        number = self._next(self.status._replace(running=True))
        arguments = (number, work)
        threading.Thread(target=self._run, args=arguments, name=f"image_to_3d {self._name}", daemon=True).start()

    def reset(self) -> None:
        """Forget the last result: it no longer applies."""
        self._next(Status())

    def _next(self, status: Status) -> int:
        with self._lock:
            self._number += 1
            self.status = status
            return self._number

    def _run(self, number: int, work: Callable[[], Status]) -> None:
        try:
            status = work()
        except ImageTo3DError as error:
            status = Status(error.info(), failed=True, code=error.code)
        except Exception:
            logger(__name__).exception("the background task %s failed", self._name)
            status = Status(Message("Internal error in the add-on. See Blender's console."), failed=True)
        with self._lock:
            if number == self._number:
                self.status = status


account: Final = BackgroundTask("account")
"""The account's balance, and whether the key works."""
local_server: Final = BackgroundTask("local server")
"""What answers at the address of the artist's own server. `Status.value` is the id of its dialect."""
storage: Final = BackgroundTask("storage")
"""The disk usage of the results, or their clean-up."""


_TASKS: Final = (account, local_server, storage)
_seen = [task.status for task in _TASKS]


def busy() -> bool:
    """Whether a task runs, or has ended since `changed` was last called."""
    return any(task.status.running or task.status is not seen for task, seen in zip(_TASKS, _seen, strict=True))


def changed() -> bool:
    """Returns whether a task has started or ended since the last call."""
    before = list(_seen)
    _seen[:] = [task.status for task in _TASKS]
    return any(now is not then for now, then in zip(_seen, before, strict=True))


def check_account(base_url: str, key: str) -> None:
    """Ask the service for the account's balance, which also tests the key."""

    def work() -> Status:
        from .api.client import Client

        client = Client(base_url, key)
        try:
            balance = client.balance()
        finally:
            client.close()
        return _balance_status(None if balance.amount is None else Money(balance.amount, balance.currency))

    account.start(work)


def test_local_server(config: Config) -> None:
    """Find out what answers at the address of the artist's own server, if that is the chosen service."""
    settings = config.local_settings
    if config.service != LOCAL or config.why_not_ready() is not None:
        return

    def work() -> Status:
        from .local_servers.connection import Connection
        from .local_servers.probe import probe

        found = probe(Connection(settings["address"], settings["token"]), settings["dialect"], settings["model"])
        return Status(found.text, found.dialect.id)

    local_server.start(work)


def show_balance(balance: Money, spent: Money) -> None:
    """Show a balance that was read while jobs ran, unless the account is being asked at this moment.

    `spent`: since midnight.
    """
    if not account.status.running:
        account.status = _balance_status(balance, spent if spent.amount else None)


def _balance_status(balance: Money | None, spent: Money | None = None) -> Status:
    if balance is None:
        return Status(Message("The key works."))
    if spent is None:
        return Status(Message("The key works. Balance: {balance}", {"balance": str(balance)}), str(balance))
    amounts = {"balance": str(balance), "spent": str(spent)}
    return Status(Message("The key works. Balance: {balance} · Spent today: {spent}", amounts), str(balance))


def measure_results(folders: tuple[Path, ...]) -> None:
    """Measure the disk usage of the results folders."""
    storage.start(lambda: Status(_usage(folders)))


def ask_before_clean_up(config: Config, seconds: float) -> Message | None:
    """Returns the question before a clean-up: how many results it deletes; empty if it deletes none.

    None: measuring takes longer than `seconds`, or fails.
    """
    found: list[Message] = []

    def work() -> None:
        from .jobs import cleanup

        limits: dict[str, Any] = {"older_than_days": config.keep_days, "over_gigabytes": config.keep_gigabytes}
        chosen = cleanup.find_removable(config.results_folders, **limits)
        size = _size_text(sum(each.size for each in chosen))
        question = counted(len(chosen), "Delete 1 Result ({size})?", "Delete {count} Results ({size})?", size=size)
        found.append(question if chosen else NO_MESSAGE)

    thread = threading.Thread(target=work, name="image_to_3d storage", daemon=True)
    thread.start()
    thread.join(seconds)
    return found[0] if found else None


def clean_up(config: Config) -> None:
    """Delete old results within the limits of the preferences, which apply to all folders together."""

    def work() -> Status:
        from .jobs import cleanup

        folders = config.results_folders
        done = cleanup.remove(folders, older_than_days=config.keep_days, over_gigabytes=config.keep_gigabytes)
        template = "Deleted {deleted} ({size}). {usage}"
        if done.in_use:
            template = "Deleted {deleted} ({size}). In use or not deletable: {in_use}. {usage}"
        arguments = {"deleted": _results(done.count), "size": _size_text(done.size), "usage": _usage(folders)}
        return Status(Message(template, arguments | {"in_use": done.in_use}), failed=bool(done.in_use))

    storage.start(work)


def move_results(move: Callable[[], Moved]) -> None:
    """Move results to the current results folder."""

    def work() -> Status:
        moved = move()
        template = "Moved {moved}."
        if moved.left:
            template = "Moved {moved}. Not moved, because they are running, in use, or of another Blender: {left}"
        return Status(Message(template, {"moved": _results(moved.count), "left": moved.left}), failed=bool(moved.left))

    storage.start(work)


def _results(count: int) -> Message:
    return counted(count, "1 result", "{count} results")


def _usage(folders: tuple[Path, ...]) -> Message:
    from .jobs import cleanup

    found = [each for folder in folders for each in cleanup.job_folders(folder)]
    total = sum(each.size for each in found)
    removable = sum(each.size for each in found if each.removable)
    return Message(
        "{results}, {size} ({removable} can be deleted)",
        {"results": _results(len(found)), "size": _size_text(total), "removable": _size_text(removable)},
    )


def _size_text(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
