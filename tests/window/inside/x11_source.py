# SPDX-License-Identifier: GPL-3.0-or-later
"""Another program on Blender's screen: drags files into its window (XDND), or owns the clipboard. For Xlib, by ctypes.

x11_source.py drop X Y TEXT     drop TEXT (text/uri-list) at a position of the screen; exit code 0 if it was taken
x11_source.py own FORMAT FILE   offer a file's content in the clipboard (CLIPBOARD), until the time is over
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
import time
from ctypes import POINTER, Structure, Union, byref, c_char, c_char_p, c_int, c_long, c_ulong, c_void_p

SECONDS = 20.0
CLIENT_MESSAGE, SELECTION_REQUEST, SELECTION_NOTIFY = 33, 30, 31
ATOM = 4


class ClientMessage(Structure):
    _fields_ = (("type", c_int), ("serial", c_ulong), ("send_event", c_int), ("display", c_void_p),
                ("window", c_ulong), ("message_type", c_ulong), ("format", c_int), ("data", c_long * 5))  # fmt: skip


class SelectionRequest(Structure):
    _fields_ = (("type", c_int), ("serial", c_ulong), ("send_event", c_int), ("display", c_void_p),
                ("owner", c_ulong), ("requester", c_ulong), ("selection", c_ulong), ("target", c_ulong),
                ("property", c_ulong), ("time", c_ulong))  # fmt: skip


class SelectionNotify(Structure):
    _fields_ = (("type", c_int), ("serial", c_ulong), ("send_event", c_int), ("display", c_void_p),
                ("requester", c_ulong), ("selection", c_ulong), ("target", c_ulong), ("property", c_ulong),
                ("time", c_ulong))  # fmt: skip


class Event(Union):
    _fields_ = (("type", c_int), ("client", ClientMessage), ("request", SelectionRequest),
                ("notify", SelectionNotify), ("padding", c_char * 192))  # fmt: skip


x = ctypes.CDLL("libX11.so.6")
x.XOpenDisplay.restype = c_void_p
for name in ("XDefaultRootWindow", "XInternAtom", "XCreateSimpleWindow"):
    getattr(x, name).restype = c_ulong
x.XInternAtom.argtypes = (c_void_p, c_char_p, c_int)
x.XDefaultRootWindow.argtypes = (c_void_p,)
x.XCreateSimpleWindow.argtypes = (c_void_p, c_ulong, c_int, c_int, c_int, c_int, c_int, c_ulong, c_ulong)
x.XSetSelectionOwner.argtypes = (c_void_p, c_ulong, c_ulong, c_ulong)
x.XSendEvent.argtypes = (c_void_p, c_ulong, c_int, c_long, POINTER(Event))
x.XChangeProperty.argtypes = (c_void_p, c_ulong, c_ulong, c_ulong, c_int, c_int, c_char_p, c_int)
x.XPending.argtypes = x.XFlush.argtypes = (c_void_p,)
x.XNextEvent.argtypes = (c_void_p, POINTER(Event))

display = x.XOpenDisplay(None)
root = x.XDefaultRootWindow(display)
window = x.XCreateSimpleWindow(display, root, 0, 0, 1, 1, 0, 0, 0)


def atom(name: str) -> int:
    return int(x.XInternAtom(display, name.encode(), 0))


def serve(offered: dict[str, bytes], until: float, stop: str = "") -> list[int]:
    """Answer requests for the selection. Returns the data of the message `stop`; nothing if it does not come."""
    event = Event()
    while time.monotonic() < until:
        if not x.XPending(display):
            time.sleep(0.01)
            continue
        x.XNextEvent(display, byref(event))
        if event.type == SELECTION_REQUEST:
            answer(event.request, offered)
        elif event.type == CLIENT_MESSAGE and stop and event.client.message_type == atom(stop):
            return list(event.client.data)
    return []


def answer(request: SelectionRequest, offered: dict[str, bytes]) -> None:
    atoms = {atom(name): content for name, content in offered.items()}
    given = request.property
    if request.target == atom("TARGETS"):
        names = (c_ulong * (len(atoms) + 1))(atom("TARGETS"), *atoms)
        content = ctypes.string_at(names, ctypes.sizeof(names))
        x.XChangeProperty(display, request.requester, given, ATOM, 32, 0, content, len(names))
    elif request.target in atoms:
        content = atoms[request.target]
        x.XChangeProperty(display, request.requester, given, request.target, 8, 0, content, len(content))
    else:
        given = 0
    reply = Event()
    reply.notify = SelectionNotify(
        SELECTION_NOTIFY, 0, 1, display, request.requester, request.selection, request.target, given, request.time
    )
    x.XSendEvent(display, request.requester, 0, 0, byref(reply))
    x.XFlush(display)


def send(target: int, kind: str, *data: int) -> None:
    event = Event()
    event.client = ClientMessage(
        CLIENT_MESSAGE, 0, 1, display, target, atom(kind), 32, (c_long * 5)(window, *data, *[0] * (4 - len(data)))
    )
    x.XSendEvent(display, target, 0, 0, byref(event))
    x.XFlush(display)


def drop(left: int, top: int, text: str) -> bool:
    found = subprocess.run(
        ["xdotool", "search", "--onlyvisible", "--class", "blender"], capture_output=True, text=True, check=True
    )
    target = int(found.stdout.split()[-1])
    until = time.monotonic() + SECONDS
    offered = {"text/uri-list": text.encode()}
    x.XSetSelectionOwner(display, atom("XdndSelection"), window, 0)
    send(target, "XdndEnter", 5 << 24, atom("text/uri-list"))
    for step in range(4):
        send(target, "XdndPosition", 0, (left + step << 16) | top, 0, atom("XdndActionCopy"))
        if not serve(offered, min(until, time.monotonic() + 3), "XdndStatus"):
            print("no XdndStatus", file=sys.stderr)
        time.sleep(0.1)
    send(target, "XdndDrop", 0, 0)
    return bool(serve(offered, until, "XdndFinished"))


def own(kind: str, path: str) -> None:
    with open(path, "rb") as file:
        content = file.read()
    x.XSetSelectionOwner(display, atom("CLIPBOARD"), window, 0)
    x.XFlush(display)
    print("owned", flush=True)
    serve(dict.fromkeys(kind.split(","), content), time.monotonic() + SECONDS)


if sys.argv[1] == "drop":
    sys.exit(0 if drop(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]) else 1)
own(sys.argv[2], sys.argv[3])
