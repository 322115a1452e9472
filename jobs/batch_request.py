# SPDX-License-Identifier: GPL-3.0-or-later
"""A request for a batch: validation when it is made, and the request for each of its jobs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ..api import parameters
from ..errors import ParameterError, one_line
from ..placement import Placement
from .batch import ARRANGE_CHOICES, Batch, BatchItem, columns_of
from .job import TargetScene, new_id
from .request import MAX_NAME, JobRequest, checked_parameters, slug
from .views import Subject, check_sides, subjects_by_name


class BatchImage(NamedTuple):
    """One image for a batch, and what is different for it."""

    image: Path | str
    """A file, or a public http(s) URL."""
    name: str = ""
    """The model's name; by default the image's."""
    parameters: Mapping[str, Any] = {}
    """Request parameters for this image alone."""
    location: tuple[float, float, float] | None = None
    """Where its model is placed, if the batch does not arrange its models."""
    image_name: str = ""
    """The name of the image that the artist chose, if the file is a copy of it."""
    views: Mapping[str, Path] = {}
    """Further images of its subject, by the side that they show."""


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """What somebody wants to be generated from many images."""

    images: Sequence[BatchImage]
    name: str = ""
    """By default that of the images' folder."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Request parameters of all images; the others get their defaults."""
    placement: Placement = field(default_factory=Placement)
    target_scene: TargetScene = field(default_factory=TargetScene)
    place_by_itself: bool = True
    group: str = ""
    arrange: str = "NONE"
    report: bool = True


def with_views_by_name(images: Sequence[BatchImage]) -> list[BatchImage]:
    """Returns the images by subject: one that is, by its name, a view of another's subject becomes a view of that.

    An image that has views already stays as it is.
    """
    files = [each.image for each in images if isinstance(each.image, Path) and not each.views]
    subjects = subjects_by_name(files)
    used = {view for subject in subjects.values() for view in subject.views.values()}
    return [_with_views(each, subjects) for each in images if each.image not in used]


def _with_views(image: BatchImage, subjects: Mapping[Path, Subject]) -> BatchImage:
    subject = subjects.get(image.image) if isinstance(image.image, Path) and not image.views else None
    return image if subject is None else image._replace(name=image.name or subject.name, views=subject.views)


def create_batch(request: BatchRequest, results: Path, service: str, base_url: str) -> Batch:
    """Returns a new batch, with its settings validated. Writes nothing, looks at no image. Raises ParameterError."""
    if not request.images:
        raise ParameterError("The batch has no images.", advice="Choose images, or a folder with images.")
    if request.arrange not in ARRANGE_CHOICES:
        raise ParameterError(
            'There is no arrangement "{value}"; there are {choices}.',
            choices=", ".join(ARRANGE_CHOICES),
            value=one_line(request.arrange),
        )
    shared = checked_parameters(request.parameters)
    for each in request.images:
        check_sides(each.views)
    items = tuple(
        BatchItem(
            new_id(), str(each.image), each.name, checked_parameters(each.parameters) if each.parameters else {},
            each.location, each.image_name, {side: str(path) for side, path in each.views.items()},
        )
        for each in request.images
    )  # fmt: skip
    batch_id = new_id()
    name = one_line(request.name or _default_name(request.images), MAX_NAME)
    return Batch(
        id=batch_id,
        name=name,
        folder=results / f"{batch_id}_{slug(name)}",
        items=items,
        service=service,
        base_url=base_url,
        parameters=parameters.defaults() | shared,
        placement=request.placement,
        target_scene=request.target_scene,
        place_by_itself=request.place_by_itself,
        group=request.group,
        arrange=request.arrange,
        report=request.report,
        created=time.time(),
    )


def request_of(batch: Batch, item: BatchItem) -> JobRequest:
    """Returns the request for the job of one image."""
    is_url = item.image.lower().startswith(("http://", "https://"))
    target = batch.target_scene
    return JobRequest(
        item.image if is_url else Path(item.image),
        {**batch.parameters, **item.parameters},
        item.name,
        batch.placement,
        target if item.location is None else target._replace(location=item.location, exact_location=True),
        place_by_itself=batch.place_by_itself,
        group=batch.group,
        id=item.job_id,
        batch=batch.id,
        columns=columns_of(batch),
        image_name=item.image_name,
        views={side: Path(path) for side, path in item.views.items()},
    )


def _default_name(images: Sequence[BatchImage]) -> str:
    """Returns the name of the folder that most images are in."""
    folders = Counter(each.image.parent.name for each in images if isinstance(each.image, Path))
    return folders.most_common(1)[0][0] if folders else "Batch"
