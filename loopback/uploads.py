# SPDX-License-Identifier: GPL-3.0-or-later
"""Accepts images: PNG and JPEG as base64 data URIs, which is what the add-on sends. Nothing is ever downloaded."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final
from urllib.parse import urlsplit

from ..api.http.urls import is_loopback
from ..errors import ImageError
from ..formats.image_info import MAX_SIDE, read_image_info, require_pixels
from ..formats.sniff import FIRST_BYTES, sniff
from ..formats.texture_info import texture_info
from .storage import Storage

MAX_UPLOAD_CHARACTERS: Final = 5 * 1024 * 1024
"""Characters of a data URI; the service doesn't say whether its limit is for these or for the image's bytes."""
MAX_PIXELS: Final = MAX_SIDE * MAX_SIDE
"""The add-on scales larger images down. More could fill the memory when they are decoded (decompression bomb)."""

_DATA_URI: Final = re.compile(r"data:image/(?:png|jpe?g);base64,([A-Za-z0-9+/=]+)", re.IGNORECASE)
_FORMATS: Final = ("png", "jpg")


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
        image = base64.b64decode(data_uri[1], validate=True)
    except binascii.Error as error:
        raise InvalidImageError("The base64 string is not valid.") from error
    extension = sniff(image[:FIRST_BYTES])
    if extension not in _FORMATS or texture_info(image) is None:
        raise InvalidImageError("This is not an image of a known format (PNG, JPEG).")
    name = storage.store_upload(image, extension)
    try:
        _require_size(name, storage)
    except ImageError as error:
        storage.delete_upload(name)
        raise InvalidImageError(str(error.message)) from error
    return name


def uploaded_at(url: str, storage: Storage) -> str:
    """Returns the file name of the upload at a URL of this or an earlier start. Raises InvalidImageError."""
    parts = urlsplit(url)
    name = parts.path.removeprefix("/temp/")
    if not is_loopback(parts.hostname or "") or name == parts.path or storage.upload(name) is None:
        raise InvalidImageError("Images are not downloaded here: upload the image first.")
    return name


def _require_size(name: str, storage: Storage) -> None:
    """Raises ImageError for an image whose header claims too many pixels; it is never decoded."""
    path = storage.upload(name)
    info = read_image_info(path) if path is not None else None
    if info is not None:
        require_pixels(info.width, info.height, MAX_PIXELS)
