# SPDX-License-Identifier: GPL-3.0-or-later
"""Accepts images: base64 data URIs, and URLs on this computer. Nothing is downloaded from elsewhere."""

from __future__ import annotations

import base64
import binascii
import http.client
import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from ...api.http.urls import is_loopback
from ...formats.sniff import FIRST_BYTES, sniff
from ...formats.texture_info import texture_info
from .storage import TYPES, Storage

MAX_UPLOAD_CHARACTERS: Final = 5 * 1024 * 1024
"""Characters of a data URI; the service doesn't say whether its limit is for these or for the image's bytes."""
MAX_IMAGE_BYTES: Final = 64 * 1024 * 1024
"""Bytes of an image downloaded from this computer."""
DOWNLOAD_TIMEOUT: Final = 20.0
"""Seconds."""

_DATA_URI: Final = re.compile(r"data:(image/[a-z0-9.+-]{1,40});base64,([A-Za-z0-9+/=]+)", re.IGNORECASE)


class InvalidImageError(ValueError):
    """The image can't be used; the text says why."""


def store_data_uri(text: object, storage: Storage) -> str:
    """Store the image in a data URI. Returns its file name. Raises InvalidImageError."""
    if not isinstance(text, str) or not text:
        raise InvalidImageError("The base64 string field is required.")
    if len(text) > MAX_UPLOAD_CHARACTERS:
        raise InvalidImageError("The image may not be larger than 5 MB.")
    data_uri = _DATA_URI.fullmatch(text)
    if data_uri is None:
        raise InvalidImageError("The base64 string must look like data:image/png;base64,… without spaces.")
    try:
        return _store(base64.b64decode(data_uri[2], validate=True), storage)
    except binascii.Error as error:
        raise InvalidImageError("The base64 string is not valid.") from error


def store_from_url(url: str, storage: Storage) -> str:
    """Returns the file name of the upload at a URL; downloads and stores any other image on this computer.

    Raises InvalidImageError.
    """
    parts = urlsplit(url)
    if not is_loopback(parts.hostname or ""):
        raise InvalidImageError("The offline preview does not download images: choose an image on this computer.")
    name = parts.path.removeprefix("/temp/")
    if name != parts.path and storage.upload(name) is not None:
        return name  # whatever the port: the URL may be from an earlier server
    return _store(_download(parts), storage)


def _store(image: bytes, storage: Storage) -> str:
    extension = sniff(image[:FIRST_BYTES])
    if not TYPES.get(extension, "").startswith("image/") or texture_info(image) is None:
        raise InvalidImageError("This is not an image of a known format (PNG, JPEG, WebP).")
    return storage.store_upload(image, extension)


def _download(parts: SplitResult) -> bytes:
    """Download an image from this computer, without following redirects. Raises InvalidImageError."""
    connection_class = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        connection = connection_class(parts.hostname or "", parts.port, timeout=DOWNLOAD_TIMEOUT)
        try:
            connection.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
            reply = connection.getresponse()
            image = reply.read(MAX_IMAGE_BYTES + 1) if reply.status == 200 else b""
        finally:
            connection.close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise InvalidImageError("The image's URL can't be reached.") from error
    if reply.status != 200:
        raise InvalidImageError(f"The image's URL returned HTTP {reply.status}.")
    if len(image) > MAX_IMAGE_BYTES:
        raise InvalidImageError("The image is too large.")
    return image
