# SPDX-License-Identifier: GPL-3.0-or-later
"""A child that is stuck in a regular expression: it holds the GIL, so that none of its threads runs."""

from __future__ import annotations

import os
import re
import sys


def main(args: list[str]) -> None:
    sys.stdout.write(f'{{"stuck": {os.getpid()}}}\n')
    sys.stdout.flush()
    re.match(r"(a*)*b", "a" * 60)
