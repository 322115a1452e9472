# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of the command line ends as its user expects: with a list of what is left, or at once if they insist."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from systems import needs_posix

SCRIPT = """
import os, signal, sys, time
sys.path.insert(0, sys.argv[1])
import interruption
with interruption.Interruption() as interruption:
    for pause in sys.argv[2:]:
        time.sleep(float(pause))
        os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.1)
    print("ended by itself", interruption.exit_code)
"""


@needs_posix
@pytest.mark.parametrize(
    ("pauses", "expected"),
    [((0.0,), (0, "ended by itself 143")), ((0.0, 0.05), (0, "ended by itself 143")), ((0.0, 1.3), (143, ""))],
    ids=["one signal", "one signal, sent twice", "a second signal"],
)
def test_a_signal_that_is_repeated_at_once_is_one_signal(pauses: tuple[float, ...], expected: tuple[int, str]) -> None:
    folder = Path(__file__).parents[2] / "command_line"
    command = [sys.executable, "-c", SCRIPT, str(folder), *map(str, pauses)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout.strip()) == expected
