# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP range requests: which bytes of a file a GET asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@dataclass(frozen=True, slots=True)
class Piece:
    """The part of a file to send."""

    status: int
    """200, 206 or 416."""
    first: int
    length: int
    total: int

    @property
    def content_range(self) -> str:
        """The header's value; empty if the header is not sent."""
        match self.status:
            case 206:
                return f"bytes {self.first}-{self.first + self.length - 1}/{self.total}"
            case 416:
                return f"bytes */{self.total}"
        return ""


def piece(total: int, wanted: str | None, only_if: str | None, tag: str) -> Piece:
    """Parse the headers Range and If-Range. Several ranges at once, and unusual ones, give the whole file."""
    whole = Piece(200, 0, total, total)
    if not wanted or (only_if is not None and only_if != tag):
        return whole
    found = _RANGE.fullmatch(wanted.strip())
    if found is None or found[1] == found[2] == "":
        return whole
    if found[1] == "":
        length = min(int(found[2]), total)
        return Piece(206, total - length, length, total) if length else Piece(416, 0, 0, total)
    first = int(found[1])
    last = min(int(found[2]), total - 1) if found[2] else total - 1
    if first >= total:
        return Piece(416, 0, 0, total)
    return Piece(206, first, last - first + 1, total) if first <= last else whole
