# SPDX-License-Identifier: GPL-3.0-or-later
"""No test writes into the developer's own folders: the system's data folders are temporary ones, for each process.

Background Blenders and other child processes inherit them. The cache folder stays: it has the window tests' chroots.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

HOME = Path(tempfile.mkdtemp(prefix="image-to-3d-home-"))
VARIABLES = ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "LOCALAPPDATA", "APPDATA")

for _variable in VARIABLES:
    os.environ[_variable] = str(HOME / _variable)
if sys.platform == "darwin":
    os.environ["HOME"] = str(HOME)


def pytest_unconfigure() -> None:
    shutil.rmtree(HOME, ignore_errors=True)
