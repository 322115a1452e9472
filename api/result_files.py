# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a result's files is the model, which the video, and what belongs to the model.

The order of the files is not documented. Their extensions tell; where they don't, every file that
could be it is a candidate, and the download keeps the first whose content is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .replies import extension, file_name

MODELS: Final = ("glb", "obj", "stl", "ply")
VIDEOS: Final = ("mp4", "webm", "gif", "mov", "m4v")
_PARTS: Final = ("mtl", "png", "jpg", "jpeg", "webp")

_MOST_PARTS: Final = 32

Mirrors = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResultFiles:
    """A result's files. Each has the addresses to try in turn, as `downloads.download` takes them."""

    model: Mirrors
    """Empty where nothing can be the model."""
    video: Mirrors | None = None
    companions: tuple[tuple[str, Mirrors], ...] = ()
    """(Name by which the model speaks of it, addresses): an OBJ's materials and textures."""
    format: str = "glb"
    """What the model is by its name: usually the format asked for."""
    video_format: str = "mp4"


def classify(links: Sequence[Sequence[str]], format: str) -> ResultFiles:
    """Sort a result's files, of which the model should be of this format."""
    files = [(extension(mirrors[0]), tuple(mirrors)) for mirrors in links if mirrors]
    unclear = [f for f in files if f[0] not in (*MODELS, *VIDEOS, *_PARTS)]

    delivered = next((e for e in (format, *MODELS) if any(f[0] == e for f in files)), "")
    model = [f for f in files if delivered and f[0] == delivered][:1]
    candidates = model or unclear or [f for f in files if f[0] in VIDEOS]

    video = [f for f in files if f[0] in VIDEOS][:1]
    # With the model known by its name, what has no telling name may be the video, and so the other way round.
    video_candidates = video or (unclear if len(files) > 1 else [])
    if candidates == unclear and not video:
        video_candidates = unclear[::-1] if len(unclear) > 1 else []

    parts = [f for f in files if f[0] in _PARTS] if (delivered or format) == "obj" else []
    return ResultFiles(
        model=_joined([f[1] for f in candidates]),
        video=_joined([f[1] for f in video_candidates]) or None,
        companions=tuple((file_name(f[1][0]), f[1]) for f in parts[:_MOST_PARTS]),
        format=delivered or format,
        video_format=video[0][0] if video else "mp4",
    )


def _joined(files: Sequence[Mirrors]) -> Mirrors:
    return tuple(dict.fromkeys(url for mirrors in files for url in mirrors))
