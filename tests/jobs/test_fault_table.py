# SPDX-License-Identifier: GPL-3.0-or-later
"""Every promise in docs/faults.md is proven by a test."""

from __future__ import annotations

import re
import subprocess
import sys

from package_stub import ROOT

FOLDERS = [f"tests/{name}" for name in ("jobs", "unit", "worker", "offline", "installed")]
ROW = re.compile(r"^\|.*\|.*\| `([^`]+)` \|$", re.MULTILINE)


def test_every_fault_in_the_table_has_its_test() -> None:
    named = ROW.findall((ROOT / "docs" / "faults.md").read_text("utf-8"))
    assert len(named) >= 40
    listed = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "--no-header", "-p", "no:cacheprovider", *FOLDERS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    tests = {line.removeprefix("tests/").strip() for line in listed.splitlines() if "::" in line}
    for name in named:
        wanted = name if "::" in name else f"jobs/test_faults.py::{name}"
        assert any(test == wanted or test.startswith(f"{wanted}[") for test in tests), name


def test_no_fault_is_proven_by_patching_our_own_functions() -> None:
    for path in (ROOT / "tests" / "jobs").glob("test_*.py"):
        patched = re.findall(r'monkeypatch\.\w+\((\w+), "(\w+)"', path.read_text("utf-8"))
        # The system's clock, sockets and file locks, and our intervals, which are constants.
        assert all(module in {"time", "fcntl", "socket"} or name.isupper() for module, name in patched), path.name
