# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server of an artist can answer in place of a model: for `LocalServer.faults` and `Hunyuan.poll_faults`."""

from __future__ import annotations

import time
from http.server import BaseHTTPRequestHandler
from typing import Any, Final

from local_server import Fault, answer, answer_json, has_left


def says(status: int, value: Any) -> Fault:
    """The server answers with JSON."""
    return lambda handler: answer_json(handler, status, value)


def sends(body: bytes, kind: str = "application/octet-stream", status: int = 200) -> Fault:
    """The server answers with some bytes; without a content type if `kind` is ""."""
    return lambda handler: answer(handler, status, body, kind)


def hangs_up(handler: BaseHTTPRequestHandler) -> None:
    """The server ends the connection without an answer, as one that crashes."""
    handler.close_connection = True


def breaks_off(body: bytes) -> Fault:
    """The server announces more bytes than it sends."""

    def fault(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body) + 1000))
        handler.end_headers()
        handler.wfile.write(body)
        handler.close_connection = True

    return fault


def redirects(location: str) -> Fault:
    """The server redirects."""

    def fault(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(307)
        handler.send_header("Location", location)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return fault


def hangs(seconds: float) -> Fault:
    """The server says nothing for some seconds, then ends the connection."""

    def fault(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        end = time.monotonic() + seconds
        while time.monotonic() < end and not has_left(handler):
            time.sleep(0.05)

    return fault


def drips(body: bytes, pause: float = 0.05) -> Fault:
    """The server sends byte by byte."""

    def fault(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        for byte in body:
            handler.wfile.write(bytes([byte]))
            time.sleep(pause)

    return fault


PAGE: Final = b"<!DOCTYPE html>\n<html><head><title>Gradio</title></head><body></body></html>"
