# SPDX-License-Identifier: GPL-3.0-or-later
"""The script that a background Blender runs: `… bootstrap.py -- MODULE ARGS…` calls `main(args)` of our module.

The extension's own `__init__` is for the artist's Blender (it registers panels and operators), so a bare package with
another name replaces it: the modules in it are imported as they are.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
import types
from pathlib import Path

PACKAGE = "image_to_3d_package"


def main(name: str, *args: str) -> None:
    """Call `main(args)` of our module `name`."""
    package = types.ModuleType(PACKAGE)
    package.__path__ = [str(Path(__file__).absolute().parent.parent)]
    sys.modules[PACKAGE] = package
    importlib.import_module(f"{PACKAGE}.worker.child_side").confine_process()
    importlib.import_module(f"{PACKAGE}.{name}").main(list(args))


if __name__ == "__main__":
    code = 1
    try:
        main(*sys.argv[sys.argv.index("--") + 1 :])
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        # Blender's own exit can hang (the wheel) or take seconds, and there is nothing left to save.
        os._exit(code)
