# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the tests that need no window: `python3 tools/run_tests.py [--every-version] [pytest arguments]`.

Stages: lint; the documentation's site; unit tests without Blender (Python 3.11, and 3.13 if it is found); the report in
Chromium; jobs, faults and kills in one Blender version; and what runs inside Blender (the installed extension, the
worker, the offline preview) in the bpy wheels of the main, the oldest and the newest version, in the latter two without
tests that are the same in each version. With `--every-version`, the versions between run them, too. The other wheels
are installed while the first stages run. A summary is printed at the end. The exit status is 0 if every stage passed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import environment
from environment import MAIN, OTHERS, ROOT, Blender

STAGE_TIMEOUT = 900
"""Seconds until a stage is killed: a wheel that hangs at its exit must not block the others."""

WORKERS = str(2 * (os.cpu_count() or 1))
"""pytest-xdist workers. Tests mostly wait: for a service, or for a background Blender."""

IN_BLENDER = ("tests/installed", "tests/worker", "tests/offline")
IN_OTHERS = (*IN_BLENDER, "-m", "not long and (not heavy or each_version)")


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a stage with the test workers and Blenders that it started."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:  # its children can be found only while it runs
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)
    process.kill()
    process.wait()


@dataclass
class Summary:
    """The outcome of each stage so far."""

    rows: list[tuple[str, str, float]] = field(default_factory=list)

    def run(self, name: str, *command: object) -> None:
        print(f"\n━━ {name}", flush=True)
        started = time.monotonic()
        process = subprocess.Popen(
            [str(c) for c in command], cwd=ROOT, stdin=subprocess.DEVNULL, start_new_session=os.name == "posix"
        )
        try:
            status = process.wait(STAGE_TIMEOUT)
            outcome = "passed" if status == 0 else f"FAILED (exit status {status})"
        except subprocess.TimeoutExpired:
            outcome = f"FAILED (killed after {STAGE_TIMEOUT} s)"
        finally:
            kill(process)
        self.rows.append((name, outcome, time.monotonic() - started))

    def skip(self, name: str, reason: str) -> None:
        self.rows.append((name, f"skipped: {reason}", 0.0))

    def report(self) -> int:
        print("\n━━ Summary")
        for name, outcome, seconds in self.rows:
            print(f"   {name:<44} {outcome}" + (f", {seconds:.0f} s" if seconds else ""))
        failed = [name for name, outcome, _ in self.rows if outcome.startswith("FAILED")]
        print(f"\n{'FAILED: ' + ', '.join(failed) if failed else 'All tests passed.'}", flush=True)
        return 1 if failed else 0


class Installation(threading.Thread):
    """Creates the environments of other Blender versions, one after another, while the first stages run."""

    def __init__(self, versions: Sequence[Blender]) -> None:
        super().__init__(daemon=True)
        self._versions = versions
        self.errors: dict[Blender, str] = {}
        """Why a version is not installed; "" if there is no Python for it."""
        self.ready = {blender: threading.Event() for blender in versions}

    def run(self) -> None:
        for blender in self._versions:
            try:
                if environment.available(blender):
                    environment.ensure(blender, tests=True)
                else:
                    self.errors[blender] = ""
            except (environment.EnvironmentFailedError, OSError, subprocess.CalledProcessError) as error:
                self.errors[blender] = str(error)
            finally:
                self.ready[blender].set()


def pytest(blender: Blender, *arguments: str) -> tuple[object, ...]:
    return (blender.executable, "-m", "pytest", "-q", "-n", WORKERS, "--dist", "loadfile", *arguments)


def main(extra: list[str]) -> int:
    environment.use_utf8()
    every = "--every-version" in extra
    extra = [argument for argument in extra if argument != "--every-version"]
    versions = OTHERS if every else (OTHERS[0], OTHERS[-1])
    summary = Summary()
    try:
        environment.ensure(MAIN, tests=True)
    except environment.EnvironmentFailedError as error:
        environment.log(str(error))
        return 1
    installation = Installation(versions)
    installation.start()
    summary.run("Lint", MAIN.executable, "tools/lint.py")
    summary.run("The documentation's site", MAIN.executable, "tools/build_site.py", "--check")
    summary.run("Unit tests, Python 3.11", *pytest(MAIN, "tests/unit", *extra))
    summary.run("The report in a browser", *pytest(MAIN, "tests/browser", *extra))
    summary.run(f"Jobs, faults and kills, Blender {MAIN.version}", *pytest(MAIN, "tests/jobs", *extra))
    summary.run(f"In Blender {MAIN.version}", *pytest(MAIN, *IN_BLENDER, *extra))
    for blender in versions:
        name = f"In Blender {blender.version}"
        installation.ready[blender].wait()
        failure = installation.errors.get(blender)
        if failure:
            environment.log(failure)
            summary.rows.append((name, "FAILED (not installed)", 0.0))
        elif failure is not None:
            summary.skip(name, f"Python {blender.python} was not found")
        else:
            if blender.python != MAIN.python:
                unit = ("tests/unit", "-m", "not long and not heavy")
                summary.run(f"Unit tests, Python {blender.python}", *pytest(blender, *unit, *extra))
            summary.run(name, *pytest(blender, *IN_OTHERS, *extra))
    return summary.report()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
