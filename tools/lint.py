# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the code without running it: ruff on everything, mypy --strict on the extension and the tools.

mypy has to see the extension as the package `image_to_3d`, whatever the clone's folder is called: it is
given a folder of links, build/lint/image_to_3d.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINKS = ROOT / "build" / "lint"


def link_package() -> Path:
    """A folder that holds the extension's modules as the package `image_to_3d`."""
    package = LINKS / "image_to_3d"
    shutil.rmtree(package, ignore_errors=True)
    package.mkdir(parents=True)
    for entry in ROOT.iterdir():
        if entry.suffix == ".py" or (entry / "__init__.py").exists():
            (package / entry.name).symlink_to(entry)
    (package / "__init__.py").touch()
    return package


def main() -> int:
    package = link_package()
    ruff = subprocess.run([sys.executable, "-m", "ruff", "check", "."], cwd=ROOT, check=False)
    mypy = [sys.executable, "-m", "mypy", f"--config-file={ROOT / 'pyproject.toml'}"]
    mypy.append(f"--cache-dir={ROOT / '.mypy_cache'}")
    extension = subprocess.run([*mypy, "-p", package.name], cwd=LINKS, check=False)
    paths = os.environ | {"MYPYPATH": str(ROOT / "tools")}
    files = [str(path) for path in sorted((ROOT / "tools").glob("*.py"))]
    tools = subprocess.run([*mypy, *files], cwd=LINKS, env=paths, check=False)
    return ruff.returncode or extension.returncode or tools.returncode


if __name__ == "__main__":
    sys.exit(main())
