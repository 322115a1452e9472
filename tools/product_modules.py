# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the extension's modules, for tools and tests that read them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent


def product_modules() -> list[Path]:
    """Returns the files of the extension's modules, sorted by their paths below the root."""
    packages = [path.parent for path in ROOT.glob("*/__init__.py")]
    found = [*ROOT.glob("*.py"), *(module for package in packages for module in package.rglob("*.py"))]
    return sorted(found, key=lambda path: path.relative_to(ROOT).as_posix())
