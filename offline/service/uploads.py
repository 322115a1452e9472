# SPDX-License-Identifier: GPL-3.0-or-later
"""Images on their way in: uploads in base64, and addresses on this machine. Nothing is fetched from elsewhere."""

from __future__ import annotations

import base64
import binascii
import http.client
import re
from typing import Final
from urllib.parse import urlsplit

from ...api.http.urls import is_loopback
from .storage import Storage

LARGEST_UPLOAD: Final = 5 * 1024 * 1024
"""Characters of a data URI; the service doesn't say whether it means these or the image's bytes."""
LARGEST_IMAGE: Final = 64 * 1024 * 1024
"""Bytes of an image fetched from this machine."""
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
    """This is no image to work with; the text says why."""


def decode_upload(text: object) -> tuple[bytes, str]:
    """The image in a data URI, and its file name extension. Raises Unfit."""
    if not isinstance(text, str) or not text:
        raise Unfit("The base64 string field is required.")
    if len(text) > LARGEST_UPLOAD:
        raise Unfit("The image may not be larger than 5 MB.")
    uri = _DATA_URI.fullmatch(text)
    if uri is None:
        raise Unfit("The base64 string must be like data:image/png;base64,… without spaces.")
    try:
        image = base64.b64decode(uri[2], validate=True)
    except binascii.Error as error:
        raise Unfit("The base64 string is no valid base64.") from error
    return image, kind_of(image)


def kind_of(image: bytes) -> str:
    """The file name extension that an image's first bytes call for. Raises Unfit."""
    for beginning, kind in _BEGINNINGS:
        if image.startswith(beginning):
            return kind
    if image[:4] == b"RIFF" and image[8:12] == b"WEBP":
        return "webp"
    raise Unfit("This is not an image of a known kind (PNG, JPEG, WebP).")


def local_image(address: str, storage: Storage) -> str:
    """The upload that an address means, fetched first where it is another one on this machine. Raises Unfit."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if not is_loopback(host):
        raise Unfit("The offline preview fetches no images from the network: choose an image on this computer.")
    # Whatever the port: the address may come from a server before this one.
    if parts.path.startswith("/temp/"):
        name = parts.path.removeprefix("/temp/")
        if storage.upload(name) is not None:
            return name
    image = _prefetched(address)
    return storage.keep_upload(image, kind_of(image))


def _prefetched(address: str) -> bytes:
    """What an address on this machine gives; no redirects are followed. Raises Unfit."""
    parts = urlsplit(address)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        connection = kind(parts.hostname or "", parts.port, timeout=FETCH_SECONDS)
        try:
            connection.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
            reply = connection.getresponse()
            if reply.status != 200:
                raise Unfit(f"The image's address answers with HTTP {reply.status}.")
            image = reply.read(LARGEST_IMAGE + 1)
        finally:
            connection.close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        if isinstance(error, Unfit):
            raise
        raise Unfit("The image's address does not answer.") from error
    if len(image) > LARGEST_IMAGE:
        raise Unfit("The image is too large.")
    return image
