# SPDX-License-Identifier: GPL-3.0-or-later
"""The name of a wallet: an account with one key, from which jobs are paid."""

from __future__ import annotations

import hashlib


def wallet_of(account: tuple[str, str], key: str) -> str:
    """Returns the name of a wallet. The key can't be found from it."""
    digest = hashlib.sha256(b"image_to_3d wallet " + key.encode("utf-8", "replace")).hexdigest()
    return " ".join((*account, digest[:12]))
