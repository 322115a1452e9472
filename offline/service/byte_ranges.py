# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP range requests: which bytes of a file a GET asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The part of a file to send."""

    status: int
    """200, 206 or 416."""
    first: int
    length: int
    total: int

    @property
    def content_range(self) -> str:
        """The Content-Range header; empty if it is not sent."""
        match self.status:
            case 206:
                return f"bytes {self.first}-{self.first + self.length - 1}/{self.total}"
            case 416:
                return f"bytes */{self.total}"
        return ""


def parse_range(total: int, range_header: str | None, if_range: str | None, etag: str) -> ByteRange:
    """Parse the headers Range and If-Range for a file of `total` bytes. Multiple and unusual ranges give all of it."""
    whole = ByteRange(200, 0, total, total)
    if not range_header or (if_range is not None and if_range != etag):
        return whole
    match = _RANGE.fullmatch(range_header.strip())
    if match is None or match[1] == match[2] == "":
        return whole
    if match[1] == "":
        length = min(int(match[2]), total)
        return ByteRange(206, total - length, length, total) if length else ByteRange(416, 0, 0, total)
    first = int(match[1])
    last = min(int(match[2]), total - 1) if match[2] else total - 1
    if first >= total:
        return ByteRange(416, 0, 0, total)
    return ByteRange(206, first, last - first + 1, total) if first <= last else whole
