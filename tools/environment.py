# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the Python environments that the demo and the tests run in: `python3 tools/environment.py demo|tests|all`.

demo   .venv with Blender as a Python module (bpy 4.5) and what the extension uses
tests  the same, and the test and checking tools
all    the same, and .venvs/bpy-… for the other Blender versions, where a Python for them is found

Standard library only, Python 3.9 syntax: it runs on whatever python3 a machine has. A stamp file in each
environment says what is in it, so that a second run does nothing. Where system libraries are missing they are
installed with apt-get when that is allowed without asking; else the packages are named.
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
)
CHECK_TOOLS = ("ruff>=0.14", "mypy>=1.18", "fake-bpy-module-4.2", "types-requests")

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
    """What stopped it and what to do, for the terminal."""


@dataclass(frozen=True)
class Blender:
    """One Blender version as a Python module, and the environment it lives in."""

    version: str
    python: str
    folder: str
    checks: bool = False

    @property
    def path(self) -> Path:
        return ROOT / self.folder

    @property
    def executable(self) -> Path:
        return self.path / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


MAIN = Blender("4.5.15", "3.11", ".venv", checks=True)
OTHERS = (
    Blender("4.2.23", "3.11", ".venvs/bpy-4.2.23"),
    Blender("5.0.1", "3.11", ".venvs/bpy-5.0.1"),
    Blender("5.2.3", "3.13", ".venvs/bpy-5.2.3"),
)


def say(text: str) -> None:
    print(f"[environment] {text}", file=sys.stderr, flush=True)


def answers_as(command: str, version: str) -> str:
    """The real path of an interpreter, if `command` runs and is of that version (a pyenv shim may not); else ""."""
    question = "import sys; print('%d.%d' % sys.version_info[:2]); print(sys.executable)"
    try:
        done = subprocess.run([command, "-c", question], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = done.stdout.splitlines()
    return lines[1] if done.returncode == 0 and len(lines) == 2 and lines[0] == version else ""


def output_of(*command: str) -> str:
    """What a command prints, or "" if it isn't there or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def pyenv_pythons(version: str) -> list[str]:
    root = os.environ.get("PYENV_ROOT") or output_of("pyenv", "root") or str(Path.home() / ".pyenv")
    return [str(p) for p in sorted(Path(root, "versions").glob(f"{version}*/bin/python{version}"), reverse=True)]


def find_python(version: str) -> str:
    """An interpreter of that version ("3.11") that can make an environment, or ""."""
    candidates = [f"python{version}", sys.executable, "python3", *pyenv_pythons(version), f"/usr/bin/python{version}"]
    found = [path for path in (answers_as(c, version) for c in candidates) if path]
    if not found and shutil.which("uv"):
        by_uv = output_of("uv", "python", "find", version)
        found = [path for path in (answers_as(by_uv, version),) if by_uv and path]
    for path in found:
        if output_of(path, "-c", "import ensurepip, venv; print(1)"):
            return path
    return ""


def administrator() -> list[str] | None:
    """What to put before a command to run it as administrator without being asked; None where that can't be."""
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
    """Install Debian packages where that is allowed; False where it isn't or fails."""
    prefix = administrator()
    if prefix is None:
        return False
    say(f"{why}: apt-get install {' '.join(packages)}")
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]
    for command in ([*apt, "update"], [*apt, "install", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        say("apt-get failed:\n" + "\n".join((done.stdout + done.stderr).splitlines()[-8:]))
    return done.returncode == 0


def require_python(version: str) -> str:
    """An interpreter of that version, installed by apt where possible. Raises EnvironmentFailedError."""
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
        f"  anywhere:        uv python install {version}, or pyenv install {version}"
    )


def run_pip(blender: Blender, requirements: tuple[str, ...]) -> None:
    """Install into an environment, quietly unless it fails. Raises EnvironmentFailedError with pip's last lines."""
    command = [
        str(blender.executable),
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
            f"pip could not install {', '.join(requirements)} into {blender.folder}:\n"
            + "\n".join(done.stdout.splitlines()[-15:])
        )


def stamped(blender: Blender, what: str, requirements: tuple[str, ...]) -> bool:
    scene_token = blender.path / f"{what}.stamp"
    return blender.executable.exists() and scene_token.exists() and scene_token.read_text() == "\n".join(requirements)


def scene_token(blender: Blender, what: str, requirements: tuple[str, ...]) -> None:
    (blender.path / f"{what}.stamp").write_text("\n".join(requirements))


def check_libraries(blender: Blender) -> None:
    """Import bpy once, and mend or name missing system libraries. Raises EnvironmentFailedError."""

    def fault() -> str:
        # -I: nothing of the folder it happens to run in; bpy's exit can be slow or noisy, so leave at once.
        command = [str(blender.executable), "-I", "-c", "import bpy, os; os._exit(0)"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        lines = (done.stderr or done.stdout).strip().splitlines()
        return "" if done.returncode == 0 else (lines[-1] if lines else f"it ended with status {done.returncode}")

    problem = fault()
    if not problem:
        return
    shared = "cannot open shared object file" in problem
    if shared and apt_install(DEBIAN_LIBRARIES, f"bpy needs system libraries ({problem})"):
        problem = fault()
        if not problem:
            return
    advice = ""
    if shared:
        advice = f"\n  Debian, Ubuntu:  sudo apt-get install {' '.join(DEBIAN_LIBRARIES)}"
    raise EnvironmentFailedError(f"bpy {blender.version} can't be imported: {problem}{advice}")


def ensure(blender: Blender, tests: bool) -> None:
    """Make one environment as it should be. Raises EnvironmentFailedError."""
    wheel = (f"bpy=={blender.version}", "requests", "numpy")
    tools = TEST_TOOLS + (CHECK_TOOLS if blender.checks else ())
    started = time.monotonic()
    if not stamped(blender, "wheel", wheel):
        if not blender.executable.exists():
            python = require_python(blender.python)
            say(f"{blender.folder}: making it with {python}")
            subprocess.run([python, "-m", "venv", str(blender.path)], check=True)
        say(f"{blender.folder}: installing Blender {blender.version} as a Python module (about 400 MB, once)")
        run_pip(blender, wheel)
        check_libraries(blender)
        scene_token(blender, "wheel", wheel)
        say(f"{blender.folder}: Blender {blender.version} is there after {time.monotonic() - started:.0f} s")
    if tests and not stamped(blender, "tools", tools):
        say(f"{blender.folder}: installing the test tools")
        run_pip(blender, tools)
        scene_token(blender, "tools", tools)


def available(blender: Blender) -> bool:
    """Whether this version's environment is there or can be made here."""
    return blender.executable.exists() or bool(find_python(blender.python))


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the environments of the demo and the tests.")
    parser.add_argument("what", choices=("demo", "tests", "all"))
    what = parser.parse_args().what
    try:
        ensure(MAIN, tests=what != "demo")
        for blender in OTHERS if what == "all" else ():
            if available(blender):
                ensure(blender, tests=True)
            else:
                say(f"Blender {blender.version} is left out: it needs Python {blender.python}, which is not here")
    except (EnvironmentFailedError, subprocess.CalledProcessError) as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
