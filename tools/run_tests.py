# SPDX-License-Identifier: GPL-3.0-or-later
"""Run all tests but those that need Blender's window: `python3 tools/run_tests.py [pytest arguments]`.

The code is checked, the unit tests run without Blender (in Python 3.11, and 3.13 where it is), and all that happens
inside Blender is tested in each version's wheel: the installed extension, the worker, the offline preview. What is
between processes only (jobs with their faults and kills, the preview's protocol) is tested with one version. While
the first stages run, the other wheels are being installed. A table at the end says how each stage went; the exit
status is 0 when all went well.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

import environment
from environment import MAIN, OTHERS, ROOT, Blender

LONGEST = 900
"""Seconds before a stage is ended: a wheel that hangs at its exit must not hold up the rest."""

WORKERS = str(2 * (os.cpu_count() or 1))
"""Most of a test's time is waiting: for a service, or for a second Blender."""

IN_BLENDER = ("tests/installed", "tests/worker", "tests/offline")
IN_OTHERS = (*IN_BLENDER, "--ignore=tests/offline/test_contract.py", "--ignore=tests/worker/test_worker_process.py")
"""Without what is between processes only and the same in each version: it is tested with one."""


def end(process: subprocess.Popen[bytes]) -> None:
    """Leave nothing running of a stage: neither it, nor the test workers and Blenders that it started."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


@dataclass
class Summary:
    """How the stages went so far."""

    rows: list[tuple[str, str, float]] = field(default_factory=list)

    def run(self, name: str, *command: object) -> None:
        print(f"\n━━ {name}", flush=True)
        started = time.monotonic()
        process = subprocess.Popen(
            [str(c) for c in command], cwd=ROOT, stdin=subprocess.DEVNULL, start_new_session=os.name == "posix"
        )
        try:
            status = process.wait(LONGEST)
            outcome = "passed" if status == 0 else f"FAILED (exit status {status})"
        except subprocess.TimeoutExpired:
            outcome = f"FAILED (ended after {LONGEST} s)"
        finally:
            end(process)
        self.rows.append((name, outcome, time.monotonic() - started))

    def skip(self, name: str, why: str) -> None:
        self.rows.append((name, f"left out: {why}", 0.0))

    def report(self) -> int:
        print("\n━━ Summary")
        for name, outcome, seconds in self.rows:
            print(f"   {name:<44} {outcome}" + (f", {seconds:.0f} s" if seconds else ""))
        failed = [name for name, outcome, _ in self.rows if outcome.startswith("FAILED")]
        print(f"\n{'FAILED: ' + ', '.join(failed) if failed else 'All tests passed.'}", flush=True)
        return 1 if failed else 0


class Installation(threading.Thread):
    """Makes the other wheels' environments, one after the other, beside the first tests."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.faults: dict[Blender, str] = {}
        self.ready = {blender: threading.Event() for blender in OTHERS}

    def run(self) -> None:
        for blender in OTHERS:
            try:
                if environment.available(blender):
                    environment.ensure(blender, tests=True)
                else:
                    self.faults[blender] = ""
            except (environment.EnvironmentFailedError, OSError, subprocess.CalledProcessError) as error:
                self.faults[blender] = str(error)
            finally:
                self.ready[blender].set()


def pytest(blender: Blender, *arguments: str) -> tuple[object, ...]:
    return (blender.executable, "-m", "pytest", "-q", "-n", WORKERS, "--dist", "loadfile", *arguments)


def main(extra: list[str]) -> int:
    summary = Summary()
    try:
        environment.ensure(MAIN, tests=True)
    except environment.EnvironmentFailedError as error:
        environment.say(str(error))
        return 1
    installation = Installation()
    installation.start()
    summary.run("Code checks (ruff, mypy)", MAIN.executable, "tools/lint.py")
    summary.run("Unit tests, Python 3.11", *pytest(MAIN, "tests/unit", *extra))
    summary.run(f"Jobs, faults and kills, Blender {MAIN.version}", *pytest(MAIN, "tests/jobs", *extra))
    summary.run(f"In Blender {MAIN.version}", *pytest(MAIN, *IN_BLENDER, *extra))
    for blender in OTHERS:
        name = f"In Blender {blender.version}"
        installation.ready[blender].wait()
        fault = installation.faults.get(blender)
        if fault:
            environment.say(fault)
            summary.rows.append((name, "FAILED (not installed)", 0.0))
        elif fault is not None:
            summary.skip(name, f"no Python {blender.python} here")
        else:
            if blender.python != MAIN.python:
                summary.run(f"Unit tests, Python {blender.python}", *pytest(blender, "tests/unit", *extra))
            summary.run(name, *pytest(blender, *IN_OTHERS, *extra))
    return summary.report()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
