# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside the windowed Blender: answers the test's questions on the main thread, from an app timer.

One JSON object a line over a Unix socket: {"do": name of a function in acts.py, "with": its arguments}.
"""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import traceback
from pathlib import Path

import bpy

PAUSE = 0.02

spec = importlib.util.spec_from_file_location("acts", Path(__file__).with_name("acts.py"))
acts = importlib.util.module_from_spec(spec)
spec.loader.exec_module(acts)

server = socket.socket(socket.AF_UNIX)
server.bind(os.path.join(os.environ["TALK"], "ear"))
server.listen()
server.setblocking(False)
talking: list[socket.socket] = []
heard = b""


def answer(line: bytes) -> bytes:
    try:
        question = json.loads(line)
        reply = {"result": getattr(acts, question["do"])(**question["with"])}
    except Exception:
        reply = {"error": traceback.format_exc()}
    return json.dumps(reply, default=str).encode() + b"\n"


def listen() -> float:
    global heard
    try:
        if not talking:
            talking.append(server.accept()[0])
            talking[0].setblocking(False)
        got = talking[0].recv(65536)
    except BlockingIOError:
        return PAUSE
    if not got:
        talking.pop().close()
        return PAUSE
    heard += got
    while b"\n" in heard:
        line, _, heard = heard.partition(b"\n")
        reply = answer(line)
        talking[0].setblocking(True)
        talking[0].sendall(reply)
        talking[0].setblocking(False)
    return PAUSE


bpy.app.timers.register(listen, persistent=True)
