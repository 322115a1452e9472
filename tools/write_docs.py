# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the documentation that is made from the code: `python tools/write_docs.py`.

docs/parameters.md comes from the one table of parameters, api/parameters.py.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

PARAMETERS = ROOT / "docs" / "parameters.md"
_INTRODUCTION = """\
# Parameters

What the service takes, by its own names: as keyword arguments of `image_to_3d.generate()`, and in the sidebar under
*Generation* and *Output*. `image` is the image, and is filled in by the add-on.

<!-- Made by tools/write_docs.py from api/parameters.py. -->

"""


def parameters() -> str:
    """The content of docs/parameters.md."""
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    importlib.import_module("package_stub")
    table: str = importlib.import_module("image_to_3d.api.parameters").markdown_table()
    return f"{_INTRODUCTION}{table.strip()}\n"


if __name__ == "__main__":
    PARAMETERS.write_text(parameters(), encoding="utf-8")
