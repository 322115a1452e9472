# SPDX-License-Identifier: GPL-3.0-or-later
"""Accepts images: base64 uploads, and URLs on this computer. Nothing is downloaded from elsewhere."""

from __future__ import annotations

import base64
import binascii
import http.client
import re
from typing import Final
from urllib.parse import urlsplit

from ...api.http.urls import is_loopback
from ...formats.sniff import FIRST_BYTES, sniff
from .storage import Storage

MAX_UPLOAD_CHARACTERS: Final = 5 * 1024 * 1024
"""Characters of a data URI; the service doesn't say whether its limit is for these or for the image's bytes."""
MAX_IMAGE_BYTES: Final = 64 * 1024 * 1024
"""Bytes of an image downloaded from this computer."""
KINDS: Final = frozenset({"png", "jpg", "webp", "bmp", "tif", "gif"})
DOWNLOAD_TIMEOUT: Final = 20.0

_DATA_URI: Final = re.compile(r"data:(image/[a-z0-9.+-]{1,40});base64,([A-Za-z0-9+/=]+)", re.IGNORECASE)


class InvalidImageError(ValueError):
    """The image can't be used; the text says why."""


def decode_upload(text: object) -> tuple[bytes, str]:
    """Returns the image in a data URI, and its file name extension. Raises InvalidImageError."""
    if not isinstance(text, str) or not text:
        raise InvalidImageError("The base64 string field is required.")
    if len(text) > MAX_UPLOAD_CHARACTERS:
        raise InvalidImageError("The image may not be larger than 5 MB.")
    uri = _DATA_URI.fullmatch(text)
    if uri is None:
        raise InvalidImageError("The base64 string must be like data:image/png;base64,… without spaces.")
    try:
        image = base64.b64decode(uri[2], validate=True)
    except binascii.Error as error:
        raise InvalidImageError("The base64 string is not valid.") from error
    return image, kind_of(image)


def kind_of(image: bytes) -> str:
    """Returns the file name extension for an image, by its first bytes. Raises InvalidImageError."""
    kind = sniff(image[:FIRST_BYTES])
    if kind not in KINDS:
        raise InvalidImageError("This is not an image of a known format (PNG, JPEG, WebP).")
    return kind


def local_image(address: str, storage: Storage) -> str:
    """Returns the upload that a URL refers to, downloaded first if it is another one on this computer.

    Raises InvalidImageError.
    """
    parts = urlsplit(address)
    host = parts.hostname or ""
    if not is_loopback(host):
        raise InvalidImageError("The offline preview does not download images: choose an image on this computer.")
    # Whatever the port: the URL may be from an earlier server.
    if parts.path.startswith("/temp/"):
        name = parts.path.removeprefix("/temp/")
        if storage.upload(name) is not None:
            return name
    image = _prefetched(address)
    return storage.store_upload(image, kind_of(image))


def _prefetched(address: str) -> bytes:
    """Download an image from this computer, without following redirects. Raises InvalidImageError."""
    parts = urlsplit(address)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        connection = kind(parts.hostname or "", parts.port, timeout=DOWNLOAD_TIMEOUT)
        try:
            connection.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
            reply = connection.getresponse()
            if reply.status != 200:
                raise InvalidImageError(f"The image's URL answers with HTTP {reply.status}.")
            image = reply.read(MAX_IMAGE_BYTES + 1)
        finally:
            connection.close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        if isinstance(error, InvalidImageError):
            raise
        raise InvalidImageError("The image's URL does not answer.") from error
    if len(image) > MAX_IMAGE_BYTES:
        raise InvalidImageError("The image is too large.")
    return image
