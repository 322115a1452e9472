# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender installs a release from its static repository, and updates it to the next one."""

from __future__ import annotations

import functools
import http.server
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import build
import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tests" / "support" / "install_from_repository.py"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the URL at which a web server serves it on loopback."""
    folder = tmp_path / "repository"
    folder.mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}/index.json"
        server.shutdown()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with the tracked files as they are in the working tree."""
    root = tmp_path / "checkout"
    build.copy_tracked(ROOT, root)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    return root


def release(checkout: Path, version: str, folder: Path) -> None:
    """Commit the checkout with another version, and write the release into the folder."""
    manifest = checkout / "blender_manifest.toml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(re.sub(r'(?m)^version = ".*"$', f'version = "{version}"', text), encoding="utf-8")
    identity = ("-c", "user.name=Test", "-c", "user.email=test@localhost")
    subprocess.run(["git", "add", "."], cwd=checkout, check=True)
    subprocess.run(["git", *identity, "commit", "-q", "-m", version], cwd=checkout, check=True)
    command = [sys.executable, str(ROOT / "tools" / "dist.py"), "--root", str(checkout), "--output", str(folder)]
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def reported(blender: subprocess.Popen[str]) -> dict[str, Any]:
    """What the script says next, between the lines that Blender prints."""
    assert blender.stdout is not None
    line = next((line for line in blender.stdout if line.startswith("{")), "")
    assert line, "Blender ended"
    found: dict[str, Any] = json.loads(line)
    return found


def test_blender_installs_a_release_from_the_repository_and_updates_it_while_it_is_enabled(
    served: tuple[Path, str], checkout: Path, tmp_path: Path
) -> None:
    folder, url = served
    release(checkout, "7.0.0", folder)
    command = [sys.executable, str(SCRIPT), str(tmp_path / "user"), url]
    with subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as blender:
        assert blender.stdin is not None
        usable = {"operator": "Generate from Image", "state": "placed"}
        assert reported(blender) == {"version": "7.0.0", "key_before": "", **usable}
        release(checkout, "7.0.1", folder)
        print("update", file=blender.stdin, flush=True)
        assert reported(blender) == {"version": "7.0.1", "key_before": "a key", **usable}
        blender.stdin.close()
        assert blender.wait(60) == 0
