# SPDX-License-Identifier: GPL-3.0-or-later
"""Classifies a result's files: which is the model, which the video, and which belong to the model.

The order of the files is not documented. Their extensions decide; without them, every file that could be it is a
candidate, and the download keeps the first one whose content is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .replies import extension, file_name

MODELS: Final = ("glb", "obj", "stl", "ply", "zip")
"""A ZIP holds the model; a plain model file is preferred."""
VIDEOS: Final = ("mp4", "webm", "gif", "mov", "m4v")
_COMPANIONS: Final = ("mtl", "png", "jpg", "jpeg", "webp")

_MAX_COMPANIONS: Final = 32

Mirrors = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResultFiles:
    """A result's files. Each has the URLs to try in turn, as `download.download` takes them."""

    model: Mirrors
    """Empty if no file can be the model."""
    video: Mirrors | None = None
    companions: tuple[tuple[str, Mirrors], ...] = ()
    """(Name that the model uses, URLs): an OBJ's materials and textures."""
    format: str = "glb"
    """The model's format by its extension: usually the requested one."""
    video_format: str = "mp4"


def classify(links: Sequence[Sequence[str]], format: str) -> ResultFiles:
    """Classify a result's files. `format`: the requested format of the model."""
    files = [(extension(mirrors[0]), tuple(mirrors)) for mirrors in links if mirrors]
    unnamed = [f for f in files if f[0] not in (*MODELS, *VIDEOS, *_COMPANIONS)]
    delivered = next((e for e in (format, *MODELS) if any(f[0] == e for f in files)), "")
    model = [f for f in files if delivered and f[0] == delivered][:1]
    candidates = model or unnamed or [f for f in files if f[0] in VIDEOS]
    video = [f for f in files if f[0] in VIDEOS][:1]
    # If the model is known by its extension, a file without one may be the video, and vice versa.
    video_candidates = video or (unnamed if len(files) > 1 else [])
    if candidates == unnamed and not video:
        video_candidates = unnamed[::-1] if len(unnamed) > 1 else []
    companions = [f for f in files if f[0] in _COMPANIONS] if (delivered or format) == "obj" else []
    return ResultFiles(
        model=_joined([f[1] for f in candidates]),
        video=_joined([f[1] for f in video_candidates]) or None,
        companions=tuple((file_name(f[1][0]), f[1]) for f in companions[:_MAX_COMPANIONS]),
        format=delivered or format,
        video_format=video[0][0] if video else "mp4",
    )


def _joined(files: Sequence[Mirrors]) -> Mirrors:
    return tuple(dict.fromkeys(url for mirrors in files for url in mirrors))
