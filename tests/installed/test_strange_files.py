# SPDX-License-Identifier: GPL-3.0-or-later
"""A .blend from a stranger whose objects look like ours: nothing in it is trusted, and the panel never breaks."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scripted_service import ScriptedService

from .conftest import part

JOB = "20260101-000000-000000-01234567"
ODD_VALUES: list[Any] = [
    7, -1, 1.5, float("nan"), True, [1, 2], [0.5] * 3, {"a": {"b": 1}}, {}, "", "x" * 1_000_000, "../" * 50, "a\nb\0c",
    "*", "file:///etc/passwd", "javascript:alert(1)", "https://a b", "http://", "\u202emoc", "9" * 5000, "\\\\host\\x",
]  # fmt: skip
KEYS = [
    "job", "group", "image", "image_url", "picture", "picture_url", "seed", "date", "up_axis", "rotation",
    "placeholder", "service_id", "output_format", "texture_size", "mesh_simplify", "image_sha256",
]  # fmt: skip


PARTS = [
    *("arrangement", "parameters", "placement", "model", "parameters.resolution", "placement.size"),
    *(f"model.{name}" for name in ("triangles", "dimensions", "texture_sizes", "repairs", "seconds", "price")),
]


class Layout:
    """Stands for Blender's layout: it takes what Blender's takes, and remembers the texts."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name == "operator":
            return lambda *_arguments, **_options: type("Properties", (), {})()
        if name == "label":
            return lambda *, text="", **_options: self.texts.append(text)
        return lambda *_arguments, **_options: self


@pytest.fixture
def stranger(image_to_3d: Any) -> Iterator[Any]:
    """The active object, which says that it is a generated model."""
    import bpy

    item = bpy.data.objects.new("stranger", bpy.data.meshes.new("stranger"))
    bpy.context.scene.collection.objects.link(item)
    bpy.context.view_layer.objects.active = item
    item["image_to_3d_job"] = JOB
    yield item
    bpy.data.objects.remove(item)


def use_everything(root: Any) -> list[str]:
    """Draw the panel, and call each operator. Returns the texts in the panel."""
    import bpy

    panel = part("panels.generated_model").IMAGE_TO_3D_PT_generated_model
    layout = Layout()
    context = SimpleNamespace(
        scene=bpy.context.scene,
        active_object=bpy.context.active_object,
        window_manager=bpy.context.window_manager,
        region=SimpleNamespace(width=300),
        preferences=SimpleNamespace(  # the scale is 0 without a window
            system=SimpleNamespace(ui_scale=1.0), ui_styles=bpy.context.preferences.ui_styles
        ),
    )
    if panel.poll(context):
        panel.draw(type("Panel", (), {"layout": layout})(), context)
    for name in (
        *("use_model_settings", "generate_again", "vary_seed"),
        *("show_variation", "keep_variation", "rotate_model"),
    ):
        operator = getattr(bpy.ops.image_to_3d, name)
        if operator.poll():
            try:
                operator()
            except RuntimeError as error:
                assert "Traceback" not in str(error), error  # noqa: PT017
        bpy.context.view_layer.objects.active = root
    part("scene.placeholder").search()
    return layout.texts


@pytest.mark.parametrize("key", KEYS)
def test_odd_values_cause_no_error_and_are_never_shown_at_length(stranger: Any, key: str) -> None:
    for value in ODD_VALUES:
        stranger["image_to_3d_job"] = JOB
        stranger[f"image_to_3d_{key}"] = value
        texts = use_everything(stranger)
        assert all(len(text) < 1000 and "\n" not in text for text in texts)
        with contextlib.suppress(KeyError):
            del stranger[f"image_to_3d_{key}"]


@pytest.mark.parametrize("key", ["", *KEYS, *PARTS])
def test_an_odd_record_causes_no_error_and_is_never_shown_at_length(stranger: Any, key: str) -> None:
    part_name, _, name = key.rpartition(".")
    for value in [*ODD_VALUES, ["a", "b"], [{"template": "{x}", "arguments": 7}], b"\xff\xfe"]:
        record: dict[str, Any] = {"job": JOB}
        (record.setdefault(part_name, {}) if part_name else record)[name or "none"] = value
        stranger["image_to_3d"] = record if key else value
        texts = use_everything(stranger)
        assert all(len(text) < 1000 and "\n" not in text for text in texts)
        if "image_to_3d" in stranger:
            del stranger["image_to_3d"]


def test_a_variation_that_says_no_job_is_no_variation(stranger: Any) -> None:
    import bpy

    other = bpy.data.objects.new("other", None)
    bpy.context.scene.collection.objects.link(other)
    stranger["image_to_3d_group"] = other["image_to_3d_group"] = "one"
    assert part("scene.variations").group_of(stranger, bpy.context.scene) == [stranger]
    assert "1 of 1" not in use_everything(stranger)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "javascript:alert(1)", "https://a b", "\\\\host\\x", "ftp://x/y"]
)
def test_only_a_web_address_is_opened(stranger: Any, url: str) -> None:
    import bpy

    stranger["image_to_3d_image_url"] = url
    assert part("jobs.provenance").image_url(stranger) == ""
    with pytest.raises(RuntimeError, match="no longer in the results folder"):
        bpy.ops.image_to_3d.show_image()


def test_an_image_that_would_fill_the_memory_has_no_thumbnail(image_to_3d: Any, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.png"
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb.write_bytes(b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + header + b"\0" * 64)
    thumbnails = part("scene.thumbnails")
    thumbnails.icon(str(bomb))
    assert tuple(thumbnails._collection[str(bomb)].image_size) == (0, 0)


def test_a_model_file_leaves_nothing_that_passes_for_ours(
    image_to_3d: Any, service: ScriptedService, image_file: Path
) -> None:
    import bpy

    job = image_to_3d.generate(image_file, wait=True)
    root = job.objects[0]
    stored = {key for key in root.keys() if key.startswith("image_to_3d")}  # noqa: SIM118
    assert "image_to_3d_placeholder" not in stored
    assert all(not list(mesh.keys()) for mesh in bpy.data.meshes)
