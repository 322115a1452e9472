# SPDX-License-Identifier: GPL-3.0-or-later
"""Create the virtual environments for the demo and the tests: `python3 tools/environment.py demo|tests|docs|all`.

demo   .venv with Blender as a Python module (bpy 4.5) and the extension's dependencies
tests  the same, plus the test and lint tools
docs   .venvs/docs, with what builds the documentation's site
all    the same, plus .venvs/bpy-… for the other Blender versions whose Python is found

Uses the standard library and Python 3.9 syntax only, so any python3 can run it. A stamp file in each environment
records what is installed, so that a second run does nothing. Missing system libraries are installed with apt-get if
that needs no password; otherwise the packages are named.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

TEST_TOOLS = (
    "pytest>=8.3,<10",
    "pytest-httpserver>=1.1,<2",
    "pytest-timeout>=2.3,<3",
    "pytest-xdist>=3.6,<4",
    "hypothesis>=6.120,<7",
    "pillow>=11",
    "selenium>=4.20,<5",  # drives Chromium, for the report's page
    "scikit-image>=0.25",  # for the photos that it includes
    "trimesh>=4.5",  # checks prints independently
    "lxml>=5",  # these three are what trimesh needs for 3MF files and rays
    "networkx>=3",
    "rtree>=1.3",
    "openjd-cli>=0.8,<1",  # runs the template for render farms
    "modelslab_py>=0.2.3,<1",  # the service's own client, which must work with the offline preview
)
CHECK_TOOLS = (
    "ruff>=0.14",
    "mypy>=1.18",
    "fake-bpy-module-4.2",
    "types-requests",
    "import-linter>=2.17,<3",
    "codespell>=2.4,<3",
)

SITE_TOOLS = ("mkdocs==1.6.1", "mkdocs-material==9.8.2")
"""Exact versions: the site is checked strictly, and another version may warn of something else."""

DEBIAN_LIBRARIES = (
    "libx11-6",
    "libxrender1",
    "libxfixes3",
    "libxi6",
    "libxkbcommon0",
    "libsm6",
    "libgl1",
    "libgomp1",
    "libxxf86vm1",
    "libegl1",
)


class EnvironmentFailedError(Exception):
    """An environment could not be created. The message says why and what to do, for the terminal."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment and the Python version that it needs."""

    python: str
    folder: str

    @property
    def path(self) -> Path:
        return ROOT / self.folder

    @property
    def executable(self) -> Path:
        return self.path / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


@dataclass(frozen=True)
class Blender(Environment):
    """The environment of a Blender version as a Python module."""

    version: str
    checks: bool = False


MAIN = Blender("3.11", ".venv", "4.5.15", checks=True)
OTHERS = (
    Blender("3.11", ".venvs/bpy-4.2.23", "4.2.23"),
    Blender("3.11", ".venvs/bpy-5.0.1", "5.0.1"),
    Blender("3.13", ".venvs/bpy-5.2.3", "5.2.3"),
)
SITE = Environment("3.11", ".venvs/docs")


def use_utf8() -> None:
    """Make this process and those that it starts print UTF-8: what Windows uses for a pipe lacks most characters."""
    os.environ["PYTHONUTF8"] = "1"
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")


def log(text: str) -> None:
    print(f"[environment] {text}", file=sys.stderr, flush=True)


def real_path(command: str, version: str, *arguments: str) -> str:
    """Returns the path of the interpreter that `command` runs; "" if it has another version or does not run.

    A pyenv shim exists for versions that are not active, and fails.
    """
    script = "import sys; print('%d.%d' % sys.version_info[:2]); print(sys.executable)"
    try:
        done = subprocess.run(
            [command, *arguments, "-c", script], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = done.stdout.splitlines()
    return lines[1] if done.returncode == 0 and len(lines) == 2 and lines[0] == version else ""


def output_of(*command: str) -> str:
    """Returns the output of a command; "" if it does not exist or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def pyenv_pythons(version: str) -> list[str]:
    root = os.environ.get("PYENV_ROOT") or output_of("pyenv", "root") or str(Path.home() / ".pyenv")
    return [str(p) for p in sorted(Path(root, "versions").glob(f"{version}*/bin/python{version}"), reverse=True)]


def find_python(version: str) -> str:
    """Returns an interpreter of that version ("3.11") that can create environments; "" if there is none."""
    candidates = [f"python{version}", sys.executable, "python3", *pyenv_pythons(version), f"/usr/bin/python{version}"]
    found = [path for path in (real_path(c, version) for c in candidates) if path]
    if not found and os.name == "nt":  # "python3" is the Store's stub there, and the launcher knows each version
        found = [path for path in (real_path("py", version, f"-{version}"),) if path]
    if not found and shutil.which("uv"):
        by_uv = output_of("uv", "python", "find", version)
        found = [path for path in (real_path(by_uv, version),) if by_uv and path]
    for path in found:
        if output_of(path, "-c", "import ensurepip, venv; print(1)"):
            return path
    return ""


def root_prefix() -> list[str] | None:
    """Returns the words before a command that runs as root without a password; None if that is not possible."""
    if not shutil.which("apt-get"):
        return None
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return []
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    ):
        return ["sudo", "-n"]
    return None


def apt_install(packages: tuple[str, ...], why: str) -> bool:
    """Install Debian packages, if that needs no password. Returns whether they were installed."""
    prefix = root_prefix()
    if prefix is None:
        return False
    log(f"{why}: apt-get install {' '.join(packages)}")
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]
    for command in ([*apt, "update"], [*apt, "install", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        log("apt-get failed:\n" + "\n".join((done.stdout + done.stderr).splitlines()[-8:]))
    return done.returncode == 0


def require_python(version: str) -> str:
    """Returns an interpreter of that version, installed with apt-get if possible. Raises EnvironmentFailedError."""
    path = find_python(version)
    if path:
        return path
    packages = (f"python{version}", f"python{version}-venv")
    if apt_install(packages, f"Python {version} with venv is missing"):
        path = find_python(version)
        if path:
            return path
    raise EnvironmentFailedError(
        f"Python {version} with its venv module is needed and was not found.\n"
        f"  Debian, Ubuntu:  sudo apt-get install {' '.join(packages)}\n"
        f"  macOS:           brew install python@{version}\n"
        f"  Windows:         winget install Python.Python.{version}\n"
        f"  anywhere:        uv python install {version}, or pyenv install {version}"
    )


def run_pip(environment: Environment, requirements: tuple[str, ...]) -> None:
    """Install packages into an environment. Raises EnvironmentFailedError with pip's last lines."""
    command = [
        str(environment.executable),
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-input",
        *requirements,
    ]
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise EnvironmentFailedError(
            f"pip could not install {', '.join(requirements)} into {environment.folder}:\n"
            + "\n".join(done.stdout.splitlines()[-15:])
        )


def is_installed(environment: Environment, what: str, requirements: tuple[str, ...]) -> bool:
    """Whether the stamp file says that exactly these packages were installed."""
    stamp = environment.path / f"{what}.stamp"
    return environment.executable.exists() and stamp.exists() and stamp.read_text() == "\n".join(requirements)


def write_stamp(environment: Environment, what: str, requirements: tuple[str, ...]) -> None:
    (environment.path / f"{what}.stamp").write_text("\n".join(requirements))


def check_libraries(blender: Blender) -> None:
    """Import bpy once, and install or name missing system libraries. Raises EnvironmentFailedError."""

    def import_error() -> str:
        # -I: import nothing from the current folder. os._exit: the exit of bpy can be slow or noisy.
        command = [str(blender.executable), "-I", "-c", "import bpy, os; os._exit(0)"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        lines = (done.stderr or done.stdout).strip().splitlines()
        return "" if done.returncode == 0 else (lines[-1] if lines else f"exit status {done.returncode}")

    problem = import_error()
    if not problem:
        return
    shared = "cannot open shared object file" in problem
    if shared and apt_install(DEBIAN_LIBRARIES, f"bpy needs system libraries ({problem})"):
        problem = import_error()
        if not problem:
            return
    advice = ""
    if shared:
        advice = f"\n  Debian, Ubuntu:  sudo apt-get install {' '.join(DEBIAN_LIBRARIES)}"
    raise EnvironmentFailedError(f"bpy {blender.version} can't be imported: {problem}{advice}")


def create(environment: Environment) -> None:
    """Create an empty environment, if it does not exist. Raises EnvironmentFailedError."""
    if not environment.executable.exists():
        python = require_python(environment.python)
        log(f"{environment.folder}: creating it with {python}")
        subprocess.run([python, "-m", "venv", str(environment.path)], check=True)


def ensure_docs() -> None:
    """Create or update the environment that builds the documentation's site. Raises EnvironmentFailedError."""
    if not is_installed(SITE, "tools", SITE_TOOLS):
        create(SITE)
        log(f"{SITE.folder}: installing {', '.join(SITE_TOOLS)}")
        run_pip(SITE, SITE_TOOLS)
        write_stamp(SITE, "tools", SITE_TOOLS)


def ensure(blender: Blender, tests: bool) -> None:
    """Create or update one environment. Raises EnvironmentFailedError."""
    wheel = (f"bpy=={blender.version}", "requests", "numpy")
    tools = TEST_TOOLS + (CHECK_TOOLS if blender.checks else ())
    started = time.monotonic()
    if not is_installed(blender, "wheel", wheel):
        create(blender)
        log(f"{blender.folder}: installing Blender {blender.version} as a Python module (about 400 MB, once)")
        run_pip(blender, wheel)
        check_libraries(blender)
        write_stamp(blender, "wheel", wheel)
        log(f"{blender.folder}: Blender {blender.version} is installed after {time.monotonic() - started:.0f} s")
    if tests and not is_installed(blender, "tools", tools):
        log(f"{blender.folder}: installing the test tools")
        run_pip(blender, tools)
        write_stamp(blender, "tools", tools)


def available(blender: Blender) -> bool:
    """Whether this version's environment exists or can be created on this machine."""
    return blender.executable.exists() or bool(find_python(blender.python))


def main() -> int:
    use_utf8()
    parser = argparse.ArgumentParser(description="Create the environments of the demo and the tests.")
    parser.add_argument("what", choices=("demo", "tests", "docs", "all"))
    what = parser.parse_args().what
    try:
        if what == "docs":
            ensure_docs()
            return 0
        ensure(MAIN, tests=what != "demo")
        for blender in OTHERS if what == "all" else ():
            if available(blender):
                ensure(blender, tests=True)
            else:
                log(f"Blender {blender.version} is skipped: it needs Python {blender.python}, which was not found")
    except (EnvironmentFailedError, subprocess.CalledProcessError) as error:
        log(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
