# SPDX-License-Identifier: GPL-3.0-or-later
"""A .blend from a stranger: whatever its settings hold, nothing raises, and nothing that it names is accessed."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scripted_service import ScriptedService
from systems import needs_proc

from .conftest import part

SETTINGS = "image_to_3d"


class Layout:
    """Stands in for Blender's layout, which exists only while a window is drawn. Keeps the texts."""

    def __init__(self, texts: list[str]) -> None:
        self._texts = texts

    def __getattr__(self, name: str) -> Any:
        def add(*args: Any, **options: Any) -> Any:
            self._texts.append(str(options.get("text", "")))
            self._texts[-1].encode()  # as Blender does
            if name == "prop":
                assert args[1] in args[0].bl_rna.properties
            return (self, self) if name == "panel" else self  # a panel has a header and a body

        return add


class Context:
    """The open scene's context with a sidebar to draw in."""

    def __init__(self, scene: Any, active: Any = None) -> None:
        import bpy

        self.scene, self.active_object = scene, active
        self.window_manager = bpy.context.window_manager
        self.region = SimpleNamespace(width=300)
        # The scale is 0 without a window.
        paths, styles = bpy.context.preferences.filepaths, bpy.context.preferences.ui_styles
        system = SimpleNamespace(ui_scale=1.0)
        self.preferences = SimpleNamespace(system=system, filepaths=paths, ui_styles=styles)


def draw(scene: Any, active: Any = None) -> list[str]:
    """Draw each panel of the add-on. Returns the texts that it shows."""
    import bpy

    texts: list[str] = []
    for panel in (
        part("panels.main").SidebarPanel.__subclasses__() + part("panels.settings").SettingsPanel.__subclasses__()
    ):
        if not issubclass(panel, bpy.types.Panel):
            continue
        context = Context(scene, active)
    shown = part("panels.main").SidebarPanel, part("panels.settings").SettingsPanel
    for panel in (panel for base in shown for panel in base.__subclasses__() if issubclass(panel, bpy.types.Panel)):
        if not hasattr(panel, "poll") or panel.poll(context):
            drawn = type("Drawn", (), {"layout": Layout(texts), "column": lambda self, _context: self.layout})()
            panel.draw(drawn, context)
    return texts


def read(scene: Any) -> None:
    """Read the settings as Generate does, which reports a ParameterError. No other is raised."""
    settings = scene.image_to_3d
    with contextlib.suppress(part("errors").ParameterError):
        assert settings.parameters()["resolution"] >= 1
    with contextlib.suppress(part("errors").ParameterError):
        assert settings.placement.chosen().size >= 0
    assert len(settings.image) <= 4096


def stored_in(owner: Any) -> Any:
    """Returns what Blender stores the properties of add-ons in."""
    get = getattr(owner, "bl_system_properties_get", None)
    return owner if get is None else get(do_create=True)


def odd_values() -> Iterator[Any]:
    """Values that a script can store under any name."""
    import bpy

    yield from ("text", "", "x" * 1_000_000, "a\x00\x01\n\x1b[31m", "gpj.\u202eexe", b"\xff\xfe\x80", "\udcff")
    yield from (0, -1, 5, 2**31 - 1, -(2**31), 1.5, -3.0, float("nan"), float("inf"), 1e300)
    yield from ([1, 2], [0.5, 1.5], ["a", "b"], [], {"a": 1}, {"name": {"name": {}}}, [{"a": 1}])
    yield from (bpy.data.meshes.new("foreign"), bpy.data.collections.new("foreign"), bpy.context.scene)


def names_in(group: Any) -> list[str]:
    return [prop.identifier for prop in group.bl_rna.properties if prop.identifier != "rna_type"]


def names_with_group() -> Iterator[tuple[str, ...]]:
    """The path of each setting, the settings themselves and the group of placement settings included."""
    import bpy

    yield ()
    group = bpy.context.scene.image_to_3d
    yield from ((name,) for name in names_in(group))
    yield from (("placement", name) for name in names_in(group.placement))
    yield from (("unknown",), ("webhook",), ("track_id",), ("picture",), ("placing",), ("stamp",))


@pytest.fixture
def opened(image_to_3d: Any, tmp_path: Path) -> list[Any]:
    """The scenes of an opened file, each with another odd value in its settings."""
    import bpy

    for path in list(names_with_group()):
        for value in list(odd_values()):
            value_at: Any = value
            for name in reversed(path):
                value_at = {name: value_at}
            try:
                stored_in(bpy.data.scenes.new("foreign"))[SETTINGS] = value_at
            except (TypeError, ValueError, OverflowError):
                continue  # Blender can't store it there
    file = str(tmp_path / "foreign.blend")
    bpy.ops.wm.save_as_mainfile(filepath=file)
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=file)
    scenes = [scene for scene in bpy.data.scenes if scene.name.startswith("foreign")]
    assert len(scenes) > 1000
    return scenes


def test_odd_settings_never_raise_when_drawn_read_or_generated_with(
    opened: list[Any], image_to_3d: Any, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    import bpy

    caplog.set_level(logging.ERROR)
    for scene in opened:
        assert draw(scene)
        read(scene)
        assert part("scene.target_scene").capture(scene).scene_token
    assert part("scene.placeholder").search() == []
    bpy.context.window.scene = opened[0]
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "again.blend"))
    assert not caplog.records


def test_odd_settings_in_a_linked_scene_never_raise(opened: list[Any], tmp_path: Path) -> None:
    import bpy

    if not hasattr(bpy.app.handlers, "blend_import_post"):
        pytest.skip("Blender 4.2 does not tell add-ons that something was linked")
    written = str(tmp_path / "foreign.blend")
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(written, link=True) as (there, here):
        here.scenes = [name for name in there.scenes if name.startswith("foreign")]
    linked = [scene for scene in bpy.data.scenes if scene.library is not None]
    assert len(linked) > 1000
    for scene in linked:
        assert draw(scene)
        read(scene)


def test_valid_settings_are_all_kept(image_to_3d: Any, tmp_path: Path) -> None:
    import bpy

    def values(group: Any) -> dict[str, Any]:
        return {name: getattr(group, name) for name in names_in(group) if name != "placement"}

    settings = bpy.context.scene.image_to_3d
    for group in (settings, settings.placement):
        for prop in group.bl_rna.properties:
            if prop.type == "BOOLEAN":
                setattr(group, prop.identifier, not prop.default)
            elif prop.type in ("INT", "FLOAT"):
                setattr(group, prop.identifier, prop.hard_min if prop.default != prop.hard_min else prop.soft_max)
            elif prop.type == "ENUM":
                setattr(group, prop.identifier, prop.enum_items[-1].identifier)
            elif prop.type == "STRING":
                setattr(group, prop.identifier, "4711 Stühle 椅子" if prop.identifier != "seed" else "4711")
    settings.placement.collection = bpy.data.collections.new("Furniture")
    before = values(settings), values(settings.placement)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    settings = bpy.context.scene.image_to_3d
    after = values(settings), values(settings.placement)
    assert after[1].pop("collection").name == before[1].pop("collection", None) or "Furniture"
    assert after == before


@pytest.fixture
def stored_image(image_to_3d: Any, tmp_path: Path) -> Callable[[str], Any]:
    """Opens a file whose scene has an image path, as a stranger wrote it. Returns the scene."""
    import bpy

    def open_with(image: str) -> Any:
        stored_in(bpy.context.scene)[SETTINGS] = {"image": image}
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "foreign.blend"))
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "foreign.blend"))
        return bpy.context.scene

    return open_with


def is_read(image: str) -> bool:
    """Whether Blender was told to read an image for the panel."""
    return part("scene.image_sources").absolute(image) in part("scene.thumbnails")._collection


@needs_proc
@pytest.mark.parametrize(
    "image", ["/dev/zero", "//../../../../../../../../dev/zero", "/proc/self/environ", "/net/host/a.png"]
)
def test_a_device_or_host_that_a_blend_names_is_not_read_for_the_panel(stored_image: Any, image: str) -> None:
    scene = stored_image(image)
    assert scene.image_to_3d.image == image
    draw(scene)
    assert not is_read(image)


def test_an_image_file_beside_the_blend_is_shown(stored_image: Any, image_file: Path) -> None:
    scene = stored_image(f"//{image_file.name}")
    draw(scene)
    assert is_read(scene.image_to_3d.image)


def test_a_path_that_the_artist_chose_is_shown_wherever_it_is(image_to_3d: Any) -> None:
    import bpy

    assert not is_read("/net/studio/chair.png")
    bpy.context.scene.image_to_3d.image = "/net/studio/chair.png"
    draw(bpy.context.scene)
    assert is_read("/net/studio/chair.png")


@pytest.mark.parametrize(
    "path",
    [
        r"\\host\share\a.png",
        "//host/share/a.png",
        r"\/host/share/a.png",
        r"/\host\share\a.png",
        r"\\?\UNC\host\share\a.png",
        r"\\.\COM1",
        r"C:\pics\con",
        r"C:\pics\NUL.png",
        r"C:\pics\com1 .png",
    ],
)
def test_on_windows_a_path_on_another_computer_or_a_device_is_not_local(image_to_3d: Any, path: str) -> None:
    assert not part("scene.image_sources").is_local(path, windows=True)


@pytest.mark.parametrize("path", [r"C:\pics\a.png", "D:/pics/console.png", r"C:\Users\Com Ltd\a.png"])
def test_on_windows_a_file_on_a_drive_is_local(image_to_3d: Any, path: str) -> None:
    assert part("scene.image_sources").is_local(path, windows=True)


def test_a_relative_path_is_stored_so_that_each_system_can_read_it(stored_image: Any, image_file: Path) -> None:
    sources = part("scene.image_sources")
    stored_image("")
    assert sources.relative(str(image_file), windows=True) == f"//{image_file.name}"
    folder = image_file.parent / "pics"
    folder.mkdir()
    moved = image_file.rename(folder / image_file.name)
    assert sources.from_text(f"//pics\\{moved.name}") == moved  # as an earlier version stored it on Windows


def test_a_url_in_a_model_of_the_blend_is_shown_before_it_is_opened(
    image_to_3d: Any, service: ScriptedService, image_file: Path
) -> None:
    import bpy

    root = image_to_3d.generate(image_file, wait=True).objects[0]
    url = "https://stranger.example/" + "a" * 60 + "?id=4711"
    root["image_to_3d"]["image_url"] = url
    shown = "".join(draw(bpy.context.scene, root))
    assert url in shown
    bpy.context.view_layer.objects.active = root
    assert url in part("operators.model_actions")._url_to_open(bpy.context)
    del root["image_to_3d"]["image_url"]
    assert part("operators.model_actions")._url_to_open(bpy.context) == ""
