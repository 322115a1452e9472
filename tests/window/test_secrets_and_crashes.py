# SPDX-License-Identifier: GPL-3.0-or-later
"""The key stays where it was put, and a Blender that is killed loses nothing."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from slow_service import KEY, SlowService
from window import Blender


def content(path: Path) -> bytes:
    """A file's bytes; of a compressed .blend, those inside."""
    raw = path.read_bytes()
    if raw.startswith(b"\x28\xb5\x2f\xfd"):
        with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(raw), read_across_frames=True) as inside:
            return inside.read()
    return raw


@pytest.mark.newest
def test_the_key_is_in_no_file_of_ours_no_blend_no_log_and_no_process_list(
    at_work: Blender, slow_service: SlowService, chair: Path, tmp_path: Path
) -> None:
    slow_service.seconds = 3
    at_work.generate(chair)
    processes = []
    while at_work.last_job()["state"] not in ("placed", "failed"):
        processes.append(at_work.run("ps", "-eww", "-o", "args"))
    assert at_work.last_job()["state"] == "placed"
    at_work.ask("save_as", path=str(tmp_path / "scene.blend"))
    assert slow_service.submitted[0]["key"] == KEY
    assert KEY not in "".join(processes)
    assert KEY not in at_work.log()
    # what is just being written, under a name with ~, may be gone by the time it is read
    files = [path for path in tmp_path.rglob("*") if path.is_file() and not path.name.startswith("~")]
    assert any(path.suffix == ".glb" for path in files)
    assert [path for path in files if KEY.encode() in content(path)] == []


@pytest.mark.newest
def test_a_job_goes_on_when_blender_was_killed_and_comes_back(
    start: Callable[..., Blender], at_work: Blender, slow_service: SlowService, chair: Path, tmp_path: Path
) -> None:
    slow_service.seconds = 8
    at_work.ask("save_as", path=str(tmp_path / "scene.blend"))
    at_work.generate(chair)
    at_work.wait_for("waiting")
    at_work.kill()

    variables = {"IMAGE_TO_3D_BASE_URL": slow_service.base_url, "MODELSLAB_API_KEY": KEY}
    again = start(network=True, variables=variables)
    again.ask("set_preference", name="service", value="CUSTOM")
    again.open_sidebar("Image to 3D")
    again.wait_until(lambda: again.ask("jobs"), "the job is gone", 20)
    job = again.wait_for("ready", "failed")
    assert job["state"] == "ready", job["error"]
    again.screenshot("after-a-crash")
    again.click_row(0)
    again.press_button("image_to_3d.import_others")
    again.wait_for("placed", seconds=20)
    assert len(slow_service.submitted) == 1
