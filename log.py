# SPDX-License-Identifier: GPL-3.0-or-later
"""Loggers for modules that are imported when the add-on is enabled: importing `logging` there would take 2 ms."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging


def logger(name: str) -> logging.Logger:
    """Returns the logger of a module."""
    import logging

    return logging.getLogger(name)
