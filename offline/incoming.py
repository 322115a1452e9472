# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures on their way in: uploads in base64, and addresses on this machine. Nothing is fetched from elsewhere."""

from __future__ import annotations

import base64
import binascii
import http.client
import re
from typing import Final
from urllib.parse import urlsplit

from ..api.addresses import is_loopback
from .store import Store

LARGEST_UPLOAD: Final = 5 * 1024 * 1024
"""Characters of a data URI; the service doesn't say whether it means these or the picture's bytes."""
LARGEST_PICTURE: Final = 64 * 1024 * 1024
"""Bytes of a picture fetched from this machine."""
FETCH_SECONDS: Final = 20.0

_DATA_URI: Final = re.compile(r"data:(image/[a-z0-9.+-]{1,40});base64,([A-Za-z0-9+/=]+)", re.IGNORECASE)
_BEGINNINGS: Final = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpg"),
    (b"BM", "bmp"),
    (b"II*\0", "tif"),
    (b"MM\0*", "tif"),
    (b"GIF8", "gif"),
)


class Unfit(ValueError):
    """This is no picture to work with; the text says why."""


def decode_upload(text: object) -> tuple[bytes, str]:
    """The picture in a data URI, and its file name extension. Raises Unfit."""
    if not isinstance(text, str) or not text:
        raise Unfit("The base64 string field is required.")
    if len(text) > LARGEST_UPLOAD:
        raise Unfit("The picture may not be larger than 5 MB.")
    uri = _DATA_URI.fullmatch(text)
    if uri is None:
        raise Unfit("The base64 string must be like data:image/png;base64,… without spaces.")
    try:
        picture = base64.b64decode(uri[2], validate=True)
    except binascii.Error as error:
        raise Unfit("The base64 string is no valid base64.") from error
    return picture, kind_of(picture)


def kind_of(picture: bytes) -> str:
    """The file name extension that a picture's first bytes call for. Raises Unfit."""
    for beginning, kind in _BEGINNINGS:
        if picture.startswith(beginning):
            return kind
    if picture[:4] == b"RIFF" and picture[8:12] == b"WEBP":
        return "webp"
    raise Unfit("This is not a picture of a known kind (PNG, JPEG, WebP).")


def local_picture(address: str, store: Store) -> str:
    """The upload that an address means, fetched first where it is another one on this machine. Raises Unfit."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if not is_loopback(host):
        raise Unfit("The offline preview fetches no pictures from the network: choose a picture on this computer.")
    # Whatever the port: the address may come from a server before this one.
    if parts.path.startswith("/temp/"):
        name = parts.path.removeprefix("/temp/")
        if store.upload(name) is not None:
            return name
    picture = _fetched(address)
    return store.keep_upload(picture, kind_of(picture))


def _fetched(address: str) -> bytes:
    """What an address on this machine gives; no redirects are followed. Raises Unfit."""
    parts = urlsplit(address)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        connection = kind(parts.hostname or "", parts.port, timeout=FETCH_SECONDS)
        try:
            connection.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
            reply = connection.getresponse()
            if reply.status != 200:
                raise Unfit(f"The picture's address answers with HTTP {reply.status}.")
            picture = reply.read(LARGEST_PICTURE + 1)
        finally:
            connection.close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        if isinstance(error, Unfit):
            raise
        raise Unfit("The picture's address does not answer.") from error
    if len(picture) > LARGEST_PICTURE:
        raise Unfit("The picture is too large.")
    return picture
