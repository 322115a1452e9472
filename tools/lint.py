# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the code without running it: `python tools/lint.py [--fix]`.

Static analysis: ruff (lint and format), mypy --strict, import-linter (the layers and contracts in pyproject.toml) and
codespell (American spelling). `--fix` formats the code and corrects what ruff can correct, then checks.

mypy and import-linter must see the extension as the package `image_to_3d`, whatever the clone's folder is called.
They get a folder of links, build/lint/image_to_3d.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import environment

ROOT = Path(__file__).resolve().parent.parent
LINKS = ROOT / "build" / "lint"
CONFIG = ROOT / "pyproject.toml"


def link_package() -> None:
    """Make build/lint/image_to_3d, which has the extension's modules but an empty __init__.py."""
    package = LINKS / "image_to_3d"
    shutil.rmtree(package, ignore_errors=True)
    package.mkdir(parents=True)
    for entry in ROOT.iterdir():
        is_module = entry.suffix == ".py" or (entry / "__init__.py").exists()
        if is_module and entry.name != "__init__.py":
            _link(entry, package / entry.name)
    (package / "__init__.py").touch()


def _link(source: Path, target: Path) -> None:
    try:
        target.symlink_to(source, target_is_directory=source.is_dir())
    except OSError:  # Windows allows links to administrators only
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copyfile(source, target)


def _module(name: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", name, *map(str, arguments)]


def checks() -> dict[str, tuple[list[str], Path]]:
    """Returns each check's name, command and working directory."""
    mypy = ("--no-error-summary", f"--config-file={CONFIG}", f"--cache-dir={ROOT / '.mypy_cache'}")
    tools = sorted((ROOT / "tools").glob("*.py"))
    imports = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return {
        "ruff check": (_module("ruff", "check", "--quiet", "."), ROOT),
        "ruff format": (_module("ruff", "format", "--check", "."), ROOT),
        "mypy, extension": (_module("mypy", *mypy, "-p", "image_to_3d"), LINKS),
        "mypy, tools": (_module("mypy", *mypy, *tools), LINKS),
        "import-linter": ([sys.executable, "-c", imports, "--no-logo", "--no-cache", str(CONFIG)], LINKS),
        "codespell": (_module("codespell_lib", "--toml", CONFIG, "."), ROOT),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fix", action="store_true", help="format the code and correct what ruff can correct")
    environment.use_utf8()
    if parser.parse_args().fix:
        subprocess.run(_module("ruff", "check", "--fix", "--quiet", "."), cwd=ROOT, check=False)
        subprocess.run(_module("ruff", "format", "."), cwd=ROOT, check=False)
    link_package()
    variables = os.environ | {"MYPYPATH": str(ROOT / "tools"), "PYTHONPATH": str(LINKS), "NO_COLOR": "1"}
    outcomes: list[tuple[str, bool, float]] = []
    for name, (command, folder) in checks().items():
        started = time.monotonic()
        done = subprocess.run(
            command,
            cwd=folder,
            env=variables,
            text=True,
            encoding="utf-8",
            errors="replace",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode:
            print(f"── {name}\n{done.stdout.strip()}\n")
        outcomes.append((name, done.returncode == 0, time.monotonic() - started))
    for name, passed, seconds in outcomes:
        print(f"   {name:<16} {'passed' if passed else 'FAILED'}, {seconds:.1f} s")
    return 0 if all(passed for _, passed, _ in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
