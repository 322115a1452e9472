# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests and tools run on Windows and macOS, too, apart from tests that say what they need."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import package_stub
import pytest

ROOT = package_stub.ROOT
TESTS = [path for path in sorted((ROOT / "tests").rglob("*.py")) if "window" not in path.relative_to(ROOT).as_posix()]

POSIX_MODULES = {"resource", "fcntl", "pwd", "grp", "termios"}
NEEDS = {
    **dict.fromkeys(
        ("SIGKILL", "SIGSTOP", "SIGCONT", "SIGSEGV", "killpg", "mkfifo", "AF_UNIX", "setrlimit"), "needs_posix"
    ),
    **dict.fromkeys(("SIGKILL", "SIGSTOP", "SIGCONT", "SIGSEGV", "killpg"), "needs_posix"),
    **dict.fromkeys(("mkfifo", "AF_UNIX", "setrlimit"), "needs_posix"),
    **dict.fromkeys(("symlink", "symlink_to"), "needs_symlinks"),
}
"""Names that do not exist or work everywhere, and the mark for a test that uses them."""
TEXTS = {"resource.setrlimit": "needs_posix", "os.kill(": "needs_posix", "/proc/": "needs_proc"}
GUARDS = ("needs_", "skipif")


def needs_of(function: ast.AST, helpers: dict[str, str]) -> set[str]:
    """Returns the marks that a function needs, because of what it uses itself or by a helper."""
    found = set()
    for node in ast.walk(function):
        name = getattr(node, "attr", getattr(node, "id", ""))
        found.add((NEEDS | helpers).get(name, ""))
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= {mark for text, mark in TEXTS.items() if text in node.value}
    return found - {""}


def unguarded(path: Path) -> list[tuple[int, str, str]]:
    """Returns line, name and missing mark of each test that needs something that not every system has."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    helpers: dict[str, str] = {}
    for function in functions:
        if not function.name.startswith("test_") and (found := needs_of(function, {})):
            helpers[function.name] = max(found)
    missing = []
    for function in functions:
        guard = " ".join(map(ast.unparse, function.decorator_list))
        found = needs_of(function, helpers)
        if found and function.name.startswith("test_") and not any(word in guard for word in GUARDS):
            missing.append((function.lineno, function.name, max(found)))
    return missing


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT / "tests")))
def test_what_needs_a_certain_system_says_so(path: Path) -> None:
    assert unguarded(path) == []
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert imported & POSIX_MODULES == set()


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_the_tools_print_where_the_console_has_few_characters(encoding: str) -> None:
    script = "import environment, run_tests; environment.use_utf8(); summary = run_tests.Summary(); summary.report()"
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT / "tools"), "PYTHONUTF8": "0"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    assert "━━ Summary" in done.stdout.decode("utf-8")


def test_without_make_each_target_can_be_listed_and_run() -> None:
    command = [sys.executable, str(ROOT / "tools" / "make.py")]
    listed = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert all(f"  {name} " in listed.stdout for name in ("demo", "test", "unit", "lint", "build", "dev", "docs"))
    helped = subprocess.run([*command, "dev", "--help"], capture_output=True, text=True, encoding="utf-8", check=False)
    assert helped.returncode == 0
    assert "--blender" in helped.stdout


def test_tests_and_the_processes_that_they_start_do_not_write_into_the_developer_s_folders() -> None:
    script = "import os; print(os.environ['XDG_DATA_HOME'], os.environ['LOCALAPPDATA'], sep='\\n')"
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len(told) == 2
    for folder in told:
        assert Path(folder).parent.name.startswith("image-to-3d-home-")
        assert Path(folder).resolve().is_relative_to(Path(tempfile.gettempdir()).resolve())
