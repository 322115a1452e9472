# SPDX-License-Identifier: GPL-3.0-or-later
"""Further images of a job's subject, from other sides, for a server that takes them. The image shows the front."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..api.parameters import VIEWS
from ..errors import ImageError, Message, ParameterError, one_line

VIEW_NAMES: Final[Mapping[str, Message]] = {
    "left": Message("Left View"),
    "back": Message("Back View"),
    "right": Message("Right View"),
}
"""What an artist calls the view of each side."""

_FRONT: Final = "front"
_NAMED_BY_SIDE: Final = re.compile(rf"(.+?)[ _.-]+({'|'.join((_FRONT, *VIEWS))})", re.IGNORECASE)


class ViewsOfSubject(NamedTuple):
    """The images of one subject."""

    front: Path | str
    name: str = ""
    """The subject's, without the side; empty if the image is the only one."""
    views: Mapping[str, Path] = {}
    """By side."""


def check_sides(views: Mapping[str, Any]) -> None:
    """Raises ParameterError for a side that no view can show."""
    for side in views:
        if side not in VIEWS:
            raise ParameterError(
                'There is no view "{name}"; there are {names}. The image itself shows the front.',
                name=one_line(side),
                names=", ".join(VIEWS),
            )


@contextlib.contextmanager
def named(side: str) -> Iterator[None]:
    """What goes wrong inside with an image is said of the view of this side."""
    try:
        yield
    except ImageError as error:
        error.message = message_for(side, error.message)
        raise


def message_for(side: str, message: Message) -> Message:
    """Returns a message about the view of a side."""
    return Message("{view}: {message}", {"view": VIEW_NAMES[side], "message": message})


def grouped_by_name(images: Sequence[Path | str]) -> list[ViewsOfSubject]:
    """Returns the images with those of other sides beside their front: chair_front.png, chair_left.png, …

    Sides without a front in the same folder remain images of their own, like all that have other names.
    """
    sides: dict[tuple[Path, str], dict[str, Path]] = {}
    for image in images:
        if isinstance(image, Path) and (match := _NAMED_BY_SIDE.fullmatch(image.stem)):
            sides.setdefault((image.parent, match[1].lower()), {}).setdefault(match[2].lower(), image)
    found = {group[_FRONT]: group for group in sides.values() if _FRONT in group and len(group) > 1}
    others = {image for group in found.values() for side, image in group.items() if side != _FRONT}
    return [_subject(image, found.get(image, {})) if isinstance(image, Path) else ViewsOfSubject(image)
            for image in images if image not in others]  # fmt: skip


def _subject(image: Path, group: Mapping[str, Path]) -> ViewsOfSubject:
    match = _NAMED_BY_SIDE.fullmatch(image.stem) if group else None
    views = {side: group[side] for side in VIEWS if side in group}
    return ViewsOfSubject(image, match[1] if match else "", views)
