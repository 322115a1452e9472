# SPDX-License-Identifier: GPL-3.0-or-later
"""Images are checked and prepared before anything is paid for, from the panel, scripts and batches."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from scripted_service import ScriptedService

from .conftest import part


def wait_until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def uniform(folder: Path) -> Path:
    path = folder / "uniform.png"
    Image.new("RGB", (300, 300), "teal").save(path)
    return path


def test_images_of_a_batch_are_checked_before_it_is_started(image_to_3d: Any, image_file: Path, tmp_path: Path) -> None:
    checks, known = part("operators.image_checks"), part("image_check")
    paths = [str(image_file), str(uniform(tmp_path))]
    checks.check_images(paths)
    wait_until(lambda: known.doubtful(paths)[0] == 2)
    [(path, warning)] = known.doubtful(paths)[1]
    assert path == paths[1]
    assert "one color" in str(warning)
    known.forget()


def test_an_image_that_was_changed_has_a_new_preview(image_to_3d: Any, image_file: Path, tmp_path: Path) -> None:
    known, worker, folder = part("image_check"), part("engine").queue().worker, tmp_path / "checks"
    shown = []
    for _ in range(2):
        known.forget(str(image_file))
        known.start(worker, [str(image_file)], previews=folder, cut_out=True)
        wait_until(lambda: not known.result(str(image_file), cut_out=True).running)
        shown.append(known.result(str(image_file), cut_out=True).preview)
    assert shown[0] != shown[1], "Blender keeps the thumbnail of a path"
    assert list(folder.iterdir()) == [shown[1]]


def test_no_image_is_checked_after_the_add_on_was_stopped(image_to_3d: Any, image_file: Path, tmp_path: Path) -> None:
    known, worker = part("image_check"), part("engine").queue().worker
    copies = [str(shutil.copy(image_file, tmp_path / f"{number}.png")) for number in range(20)]
    known.start(worker, copies, previews=None)
    part("engine").stop()
    wait_until(lambda: not known.running())
    assert not worker.running
    assert known.doubtful(copies)[0] == 0


def test_a_file_that_is_no_image_has_the_reason_as_its_warning(image_to_3d: Any, tmp_path: Path) -> None:
    checks, known = part("operators.image_checks"), part("image_check")
    path = tmp_path / "broken.png"
    path.write_bytes(b"not an image")
    checks.check_images([str(path)])
    wait_until(lambda: known.doubtful([str(path)])[0] == 1)
    assert known.doubtful([str(path)])[1]
    known.forget()


def test_a_script_can_have_the_subject_cut_out_and_cropped(
    image_to_3d: Any, service: ScriptedService, image_file: Path
) -> None:
    job = image_to_3d.generate(image_file, scene=None, wait=True, cut_out=True, crop=True)
    assert job.error is None
    with Image.open(job.folder / "upload.png") as sent:
        assert sent.width == sent.height
        assert sent.mode == "RGBA"


def test_a_warning_about_the_cut_out_is_in_the_jobs_details(
    image_to_3d: Any, service: ScriptedService, tmp_path: Path
) -> None:
    job = image_to_3d.generate(uniform(tmp_path), scene=None, wait=True, cut_out=True)
    assert job.error is None
    assert len(job.job.details["warnings"]) == 1


def test_views_become_the_panels_image(image_to_3d: Any, image_file: Path, tmp_path: Path) -> None:
    import bpy

    second = Path(shutil.copy(image_file, tmp_path / "side.png"))
    files = [{"name": image_file.name}, {"name": second.name}]
    assert bpy.ops.image_to_3d.image_from_views(directory=str(tmp_path), files=files) == {"FINISHED"}
    settings = bpy.context.scene.image_to_3d
    assert settings.multi_image
    with Image.open(settings.image) as image:
        assert image.width > image.height
    assert image_to_3d.compose_views([image_file, second]).is_file()
