# SPDX-License-Identifier: GPL-3.0-or-later
"""Tries to get at what is outside while confined. Arguments: FOLDER SECRET. Prints what it could do, one per line."""

from __future__ import annotations

import ctypes
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import package_stub  # noqa: F401
from image_to_3d.worker.confinement import confined


def main() -> None:
    folder, secret = Path(sys.argv[1]), Path(sys.argv[2])
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    (folder / "link").symlink_to(secret)
    (folder / "device").symlink_to("/dev/zero")
    (folder / "mine").write_text("mine")
    server = socket.create_server(("127.0.0.1", 0))
    address = server.getsockname()
    inside, outside = os.open(folder, os.O_RDONLY), os.open(secret.parent, os.O_RDONLY)
    (folder / "useless").write_text("useless")
    attempts: dict[str, Callable[[], Any]] = {
        "own read": lambda: (folder / "mine").read_text(),
        "own write": lambda: (folder / "new").write_text("new"),
        "own list": lambda: os.listdir(folder),
        "own rename": lambda: os.rename(folder / "new", folder / "newer"),
        "own remove in open folder": lambda: os.remove("useless", dir_fd=inside),
        "blender read": lambda: Path(os.__file__).read_bytes(),
        "read": secret.read_bytes,
        "read as bytes": lambda: open(os.fsencode(secret)).read(),  # noqa: SIM115
        "read by dots": lambda: (folder / ".." / secret.parent.name / secret.name).read_text(),
        "read by link": lambda: (folder / "link").read_text(),
        "os.open": lambda: os.open(secret, os.O_RDONLY),
        "device by link": lambda: os.open(folder / "device", os.O_RDONLY),
        "device": lambda: os.open("/dev/zero", os.O_RDONLY),
        "pipe": lambda: os.open(pipe, os.O_RDONLY | os.O_NONBLOCK),
        "list": lambda: os.listdir(secret.parent),
        "scan": lambda: list(os.scandir(secret.parent)),
        "write": lambda: (secret.parent / "new").write_text("new"),
        "write to blender": lambda: Path(os.__file__).open("ab"),  # noqa: SIM115
        "rename out": lambda: os.rename(folder / "newer", secret.parent / "newer"),
        "rename in": lambda: os.rename(secret, folder / "stolen"),
        "link in": lambda: os.link(secret, folder / "hard"),
        "remove": secret.unlink,
        "remove in open folder": lambda: os.remove(secret.name, dir_fd=outside),
        "remove by dots in open folder": lambda: os.remove(f"../{secret.parent.name}/{secret.name}", dir_fd=inside),
        "make": lambda: (secret.parent / "made").mkdir(),
        "UNC": lambda: open("//host/share/x.png"),  # noqa: SIM115
        "start": lambda: subprocess.run(["/bin/true"], check=False),
        "system": lambda: os.system("true"),
        "connect": lambda: socket.create_connection(address, 2),
        "look up": lambda: socket.getaddrinfo("localhost", 80),
        "database": lambda: sqlite3.connect(secret),
        "library": lambda: ctypes.CDLL("libm.so.6"),
    }
    with confined([folder]):
        for name, attempt in attempts.items():
            try:
                attempt()
            except PermissionError:
                continue
            except OSError as error:
                name = f"{name}: {type(error).__name__}"
            sys.stdout.write(name + "\n")
    secret.read_bytes()  # afterwards, everything is as before
    sys.stdout.write("outside\n")


main()
