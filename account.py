# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service says of the artist's account: whether the key is good, and what is left on it.

Asked in a thread; the answer waits to be fetched by the main thread.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace

from .errors import ImageTo3DError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    """The last answer. `balance` is short ("43.60 USD") and empty where not known; `text` is a sentence."""

    text: str = ""
    balance: str = ""
    failed: bool = False
    asking: bool = False


_account = Account()
_number = 0
"""Of the last question: an answer to an earlier one, about another key perhaps, is not heard."""
_guard = threading.Lock()


def now() -> Account:
    """What is known now."""
    return _account


def forget() -> None:
    """The key or the service is another one: what was said does not hold any more."""
    _set(_next(), Account())


def ask(base_url: str, key: str) -> None:
    """Ask the service in a thread; `now().asking` until the answer is there."""
    number = _next()
    _set(number, replace(_account, asking=True))
    threading.Thread(target=_ask, args=(number, base_url, key), name="image_to_3d account", daemon=True).start()


def _ask(number: int, base_url: str, key: str) -> None:
    from .api.client import Client

    client = None
    try:
        client = Client(base_url, key)
        balance = client.balance()
    except ImageTo3DError as error:
        _set(number, Account(text=str(error), failed=True))
    except Exception:
        _log.exception("asking for the balance failed")
        _set(number, Account(text="The service could not be asked; Blender's log says why.", failed=True))
    else:
        amount = "" if balance.amount is None else f"{balance.amount:.2f} {balance.currency}".strip()
        _set(number, Account(text=f"The key works. Balance: {amount}" if amount else "The key works", balance=amount))
    finally:
        if client is not None:
            client.close()


def _next() -> int:
    global _number
    with _guard:
        _number += 1
        return _number


def _set(number: int, account: Account) -> None:
    global _account
    with _guard:
        if number == _number:
            _account = account
