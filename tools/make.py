# SPDX-License-Identifier: GPL-3.0-or-later
"""The targets of the Makefile that need no shell, for systems without make: `python tools/make.py TARGET [ARGUMENTS]`.

    py -3.11 tools\\make.py unit -k journal      on Windows
    python3 tools/make.py test                   elsewhere

Each target installs what it needs first. Standard library and Python 3.9 syntax only.
"""

from __future__ import annotations

import subprocess
import sys

import environment
from environment import MAIN, ROOT

TARGETS = {
    "demo": (
        "demo",
        "generate a model without an account, in demo/",
        ["tools/demo.py"],
    ),
    "test": ("", "lint and all tests that need no window, in each Blender version", ["tools/run_tests.py"]),
    "unit": ("tests", "the tests that need no Blender", ["-m", "pytest", "-q", "tests/unit"]),
    "lint": ("tests", "ruff, mypy, import-linter and codespell (--fix formats first)", ["tools/lint.py"]),
    "build": ("demo", "the extension's zip in build/, validated", ["tools/build.py"]),
    "dist": ("demo", "a release from the last commit, in build/repository", ["tools/dist.py"]),
    "dev": ("", "link this checkout into your own Blender (--blender 5.2, --remove)", ["tools/dev.py"]),
    "docs": ("docs", "write the generated parts of docs/, and build the site in build/site", ["tools/build_site.py"]),
    "bench": ("tests", "measure how long the main thread blocks when a model arrives", ["benchmarks/bench.py"]),
}
"""By name: the packages that the target needs ("" for none), what it does, and the arguments of Python."""


def run_in_blender(version: str, extra: list[str]) -> int:
    """Run all tests that need Blender, in one version ("5.2.3"). Returns the exit status."""
    blender = next((known for known in (MAIN, *environment.OTHERS) if known.version == version), None)
    if blender is None:
        environment.log(f"There is no Blender {version} in tools/environment.py.")
        return 2
    environment.ensure(blender, tests=True)
    folders = ("tests/jobs", "tests/offline", "tests/worker", "tests/installed")
    command = [str(blender.executable), "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", *folders, *extra]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def main(arguments: list[str]) -> int:
    environment.use_utf8()
    if arguments[:1] == ["blender"]:
        return run_in_blender((arguments[1:] or [MAIN.version])[0], arguments[2:])
    if not arguments or arguments[0] not in TARGETS:
        print(__doc__)
        for name, (_, text, _) in TARGETS.items():
            print(f"  {name:<8} {text}")
        print("  blender  all tests that need Blender, in one version: blender 5.2.3")
        return 2
    packages, _, command = TARGETS[arguments[0]]
    python = sys.executable
    if packages:
        try:
            environment.ensure(MAIN, tests=packages != "demo")
            if packages == "docs":
                environment.ensure_docs()
        except environment.EnvironmentFailedError as error:
            environment.log(str(error))
            return 1
        python = str(MAIN.executable)
    return subprocess.run([python, *command, *arguments[1:]], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
