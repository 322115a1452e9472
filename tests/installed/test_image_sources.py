# SPDX-License-Identifier: GPL-3.0-or-later
"""Any image in Blender can be generated from: what is sent is what the artist sees, and the image stays as it is."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scripted_service import ScriptedService

from .conftest import part

RED, GREEN, BLUE = (200, 40, 30), (30, 180, 60), (30, 60, 200)
SIDE = 64


def colors(color: tuple[int, int, int]) -> np.ndarray:
    """Returns an RGB image, top row first: the color, with a lighter square in the upper left corner."""
    pixels = np.full((SIDE, SIDE, 3), color, np.uint8)
    pixels[:16, :16] = 240
    return pixels


def blender_pixels(color: tuple[int, int, int], alpha: float = 1.0) -> np.ndarray:
    rgb = colors(color)[::-1] / 255.0
    return np.concatenate([rgb, np.full((SIDE, SIDE, 1), alpha)], -1).astype(np.float32).ravel()


def png(path: Path, color: tuple[int, int, int]) -> Path:
    Image.fromarray(colors(color)).save(path)
    return path


def state(image: Any) -> dict[str, Any]:
    """Returns what a script or an artist can see of an image, without its pixels."""
    names = ("name", "filepath", "source", "is_dirty", "alpha_mode", "use_view_as_render", "file_format", "users")
    return {
        **{name: getattr(image, name) for name in names},
        "space": image.colorspace_settings.name,
        "packed": [bytes(each.packed_file.data) for each in image.packed_files],
        "size": tuple(image.size),
    }


def sent(folder: Path) -> np.ndarray:
    """Returns the image that was uploaded for a job, top row first."""
    return np.asarray(Image.open(next(folder.glob("upload.*"), None) or next(folder.glob("image.*"))).convert("RGBA"))


def generated(image_to_3d: Any, image: Any) -> np.ndarray:
    before = state(image)
    job = image_to_3d.generate(image, wait=True, timeout=60, scene=None)
    assert job.state in {"ready", "placed"}, job.error
    assert state(image) == before
    return sent(job.folder)


def assert_shows(image: np.ndarray, color: tuple[int, int, int], tolerance: int = 4) -> None:
    assert image.shape == (SIDE, SIDE, 4)
    np.testing.assert_allclose(image[48, 48, :3], color, atol=tolerance)
    np.testing.assert_allclose(image[4, 4, :3], 240, atol=tolerance)


def make_generated(_folder: Path) -> Any:
    import bpy

    image = bpy.data.images.new("Made", SIDE, SIDE, alpha=True)
    image.pixels.foreach_set(blender_pixels(RED))
    return image


def make_packed(folder: Path) -> Any:
    import bpy

    image = bpy.data.images.load(str(png(folder / "packed.png", RED)))
    image.pack()
    (folder / "packed.png").unlink()
    return image


def make_painted(folder: Path) -> Any:
    import bpy

    image = bpy.data.images.load(str(png(folder / "painted.png", GREEN)))
    image.pixels.foreach_set(blender_pixels(RED))
    assert image.is_dirty
    return image


def make_packed_and_painted(folder: Path) -> Any:
    import bpy

    image = bpy.data.images.load(str(png(folder / "painted.png", GREEN)))
    image.pack()
    image.pixels.foreach_set(blender_pixels(RED))
    return image


def make_float(_folder: Path) -> Any:
    import bpy

    image = bpy.data.images.new("Float", SIDE, SIDE, alpha=True, float_buffer=True)
    srgb = blender_pixels(RED).reshape(-1, 4)
    rgb = srgb[:, :3]
    srgb[:, :3] = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    image.pixels.foreach_set(srgb.ravel())
    return image


def make_sequence(folder: Path) -> Any:
    import bpy

    for number, color in ((1, GREEN), (2, RED), (3, BLUE)):
        png(folder / f"shot_{number:04d}.png", color)
    image = bpy.data.images.load(str(folder / "shot_0001.png"))
    image.source = "SEQUENCE"
    bpy.context.scene.frame_set(2)
    return image


def make_tiled(folder: Path) -> Any:
    import bpy

    png(folder / "skin.1001.png", RED)
    png(folder / "skin.1002.png", BLUE)
    image = bpy.data.images.load(str(folder / "skin.1001.png"))
    image.source = "TILED"
    image.filepath = str(folder / "skin.<UDIM>.png")
    image.tiles.new(1002)
    return image


def make_file(folder: Path) -> Any:
    import bpy

    return bpy.data.images.load(str(png(folder / "file.png", RED)))


def make_loaded_without_its_file(folder: Path) -> Any:
    image = make_file(folder)
    assert len(image.pixels) == SIDE * SIDE * 4
    (folder / "file.png").unlink()
    return image


def make_movie(folder: Path) -> Any:
    import bpy

    Image.fromarray(colors(RED)).quantize(8).save(folder / "clip.gif")  # a movie, for Blender
    image = bpy.data.images.load(str(folder / "clip.gif"))
    assert image.source == "MOVIE"
    return image


MAKERS: tuple[Callable[[Path], Any], ...] = (
    make_generated,
    make_packed,
    make_painted,
    make_packed_and_painted,
    make_float,
    make_sequence,
    make_tiled,
    make_movie,
    make_file,
    make_loaded_without_its_file,
)


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__.removeprefix("make_"))
def test_an_image_in_blender_is_sent_as_it_is_shown_and_stays_as_it_is(
    image_to_3d: Any, service: ScriptedService, tmp_path: Path, make: Callable[[Path], Any]
) -> None:
    assert_shows(generated(image_to_3d, make(tmp_path)), RED)


def test_transparency_of_a_painted_image_is_kept_with_its_colors(
    image_to_3d: Any, service: ScriptedService, tmp_path: Path
) -> None:
    import bpy

    image = bpy.data.images.new("Half", SIDE, SIDE, alpha=True)
    pixels = blender_pixels(RED).reshape(SIDE, SIDE, 4)
    pixels[:24, :, 3] = 0.5
    image.pixels.foreach_set(pixels.ravel())
    shown = generated(image_to_3d, image)
    assert_shows(shown, RED)
    assert abs(int(shown[60, 30, 3]) - 128) <= 1
    assert shown[4, 4, 3] == 255


def test_an_image_that_ignores_its_alpha_is_sent_opaque(
    image_to_3d: Any, service: ScriptedService, tmp_path: Path
) -> None:
    import bpy

    pixels = np.dstack([colors(RED), np.full((SIDE, SIDE), 100, np.uint8)])
    Image.fromarray(pixels).save(tmp_path / "alpha.png")
    image = bpy.data.images.load(str(tmp_path / "alpha.png"))
    image.alpha_mode = "NONE"
    shown = generated(image_to_3d, image)
    assert_shows(shown, RED)
    assert (shown[..., 3] == 255).all()


def test_bytes_that_the_artist_calls_linear_are_sent_as_blender_shows_them(
    image_to_3d: Any, service: ScriptedService, tmp_path: Path
) -> None:
    import bpy

    image = bpy.data.images.load(str(png(tmp_path / "linear.jpg.png", (60, 60, 60))))
    image.pixels.foreach_set(blender_pixels((60, 60, 60)))
    image.colorspace_settings.name = "Linear Rec.709"
    image.pixels.foreach_set(blender_pixels((60, 60, 60)))
    shown = generated(image_to_3d, image)
    expected = round((1.055 * (60 / 255) ** (1 / 2.4) - 0.055) * 255)
    assert abs(int(shown[48, 48, 0]) - expected) <= 3


def render(scene: Any) -> Any:
    """Render a gray background with Cycles. Returns the Render Result."""
    import bpy

    scene.render.engine = "CYCLES"
    scene.cycles.samples = 1
    scene.render.resolution_x = scene.render.resolution_y = SIDE
    scene.world = scene.world or bpy.data.worlds.new("World")
    scene.world.use_nodes = True
    background = scene.world.node_tree.nodes.get("Background") or scene.world.node_tree.nodes.new(
        "ShaderNodeBackground"
    )
    output = next(n for n in scene.world.node_tree.nodes if n.type == "OUTPUT_WORLD")
    scene.world.node_tree.links.new(background.outputs[0], output.inputs[0])
    background.inputs[0].default_value = (0.5, 0.1, 0.02, 1.0)
    scene.camera = scene.camera or bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    if scene.camera.name not in scene.collection.objects:
        scene.collection.objects.link(scene.camera)
    bpy.ops.render.render()
    return bpy.data.images["Render Result"]


@pytest.mark.parametrize("transform", ["AgX", "Standard", "Filmic"])
def test_a_render_is_sent_as_the_scene_displays_it(
    image_to_3d: Any, service: ScriptedService, tmp_path: Path, transform: str
) -> None:
    import bpy

    scene = bpy.context.scene
    scene.view_settings.view_transform = transform
    scene.view_settings.exposure = 0.7
    scene.view_settings.gamma = 1.2
    scene.render.image_settings.file_format = "JPEG"
    scene.render.image_settings.quality = 33
    result = render(scene)
    shown = generated(image_to_3d, result)
    settings = scene.render.image_settings
    assert (settings.file_format, settings.quality) == ("JPEG", 33)  # the scene's output is as it was
    settings.file_format = "PNG"
    result.save_render(str(tmp_path / "expected.png"), scene=scene)
    expected = np.asarray(Image.open(tmp_path / "expected.png").convert("RGB"))
    inside = (slice(8, -8), slice(8, -8), slice(3))  # the upload is a JPEG
    np.testing.assert_allclose(shown[inside].astype(int), expected[inside].astype(int), atol=4)


def test_an_image_that_is_viewed_as_a_render_is_sent_with_the_scenes_view_settings(
    image_to_3d: Any, service: ScriptedService, tmp_path: Path
) -> None:
    import bpy

    scene = bpy.context.scene
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.exposure = 1.0
    scene.render.dither_intensity = 0.0
    image = make_painted(tmp_path)
    image.use_view_as_render = True
    shown = generated(image_to_3d, image)
    scene.render.image_settings.file_format = "PNG"
    image.save_render(str(tmp_path / "expected.png"), scene=scene)
    expected = np.asarray(Image.open(tmp_path / "expected.png").convert("RGB"))
    assert abs(int(expected[48, 48, 0]) - RED[0]) > 10
    np.testing.assert_allclose(shown[48, 48, :3].astype(int), expected[48, 48].astype(int), atol=4)


def test_without_a_render_the_error_says_what_to_do(image_to_3d: Any, service: ScriptedService, tmp_path: Path) -> None:
    import bpy

    render(bpy.context.scene)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"))
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "saved.blend"))
    with pytest.raises(image_to_3d.errors.ImageError, match="F12"):
        image_to_3d.generate(bpy.data.images["Render Result"])
    assert not service.submits


def test_an_image_without_content_is_refused_before_anything_is_sent(
    image_to_3d: Any, service: ScriptedService, tmp_path: Path
) -> None:
    import bpy

    image = bpy.data.images.load(str(png(tmp_path / "gone.png", RED)))
    (tmp_path / "gone.png").unlink()
    with pytest.raises(image_to_3d.errors.ImageError, match="no content"):
        image_to_3d.generate(image)
    assert not service.submits


def test_a_batch_of_images_in_blender_sends_each_as_it_is_shown_and_leaves_nothing_in_the_spool(
    image_to_3d: Any, service: ScriptedService, tmp_path: Path
) -> None:
    images = []
    for number, make in enumerate(MAKERS):
        folder = tmp_path / str(number)
        folder.mkdir()
        images.append(make(folder))
    batch = image_to_3d.generate_many(images, report=False, wait=True, timeout=120, scene=None)
    assert not batch.failed, [str(job.error) for job in batch.failed]
    for job in batch:
        assert_shows(sent(job.folder), RED)
    assert "Made" in {job.name for job in batch.jobs}
    spool = part("preferences").data_folder() / "spool"
    assert [each for each in spool.rglob("*") if each.is_file()] == []


def test_the_panel_generates_from_an_image_of_the_file_until_another_source_is_entered(
    image_to_3d: Any, service: ScriptedService, tmp_path: Path
) -> None:
    import bpy

    settings = bpy.context.scene.image_to_3d
    settings.image = str(png(tmp_path / "other.png", GREEN))
    settings.source_image = make_painted(tmp_path)
    assert settings.image == ""
    assert bpy.ops.image_to_3d.generate() == {"FINISHED"}
    job = part("job_view").jobs()[-1]
    assert job.name == "painted"
    assert_shows(sent(job.folder), RED)
    settings.source_image.name = "Renamed"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "saved.blend"))
    settings = bpy.context.scene.image_to_3d
    assert settings.source_image.name == "Renamed"
    settings.image = "https://example.com/chair.png"
    assert settings.source_image is None


def test_the_images_selected_in_the_outliner_become_a_batch(
    image_to_3d: Any, service: ScriptedService, tmp_path: Path, keep_going: Callable[[Callable[[], Any]], None]
) -> None:
    import bpy

    selected = [make_painted(tmp_path), make_generated(tmp_path), bpy.context.scene]
    assert not bpy.ops.image_to_3d.generate_from_outliner.poll()
    with bpy.context.temp_override(selected_ids=selected):
        assert bpy.ops.image_to_3d.generate_from_outliner("EXEC_DEFAULT", arrange="ROW") == {"FINISHED"}
    view = part("job_view")
    keep_going(lambda: len(view.jobs()) == 2 and all(str(job.state) == "placed" for job in view.jobs()))
    assert [len(batch.items) for batch in view.batches()] == [2]
    for job in view.jobs():
        assert_shows(sent(job.folder), RED)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{path}", ["{path}"]),
        ('"{path}"\r\n', ["{path}"]),
        ("{uri}\n{uri}", ["{path}", "{path}"]),
        ("https://example.com/a.png", ["https://example.com/a.png"]),
        ("copied from a page:\nhttps://example.com/a.png", ["https://example.com/a.png"]),
        ("file://otherhost/share/a.png", []),
        ("file:////otherhost/share/a.png", []),
        ("relative.png", []),
        ("/dev/stdin", []),
        ("", []),
        ("just a text", []),
        ("/" + "a" * 10000 + ".png", []),
    ],
)
def test_what_the_clipboard_text_names_is_found(image_to_3d: Any, tmp_path: Path, text: str, found: list[str]) -> None:
    path = png(tmp_path / "an image ä.png", RED)
    given = text.format(path=path, uri=path.as_uri()) if "{" in text else text
    expected = [each.format(path=path) for each in found]
    assert part("scene.captures").clipboard_texts(given) == expected


def test_an_image_of_a_strangers_file_on_another_computer_is_not_read_for_the_panel(
    image_to_3d: Any, tmp_path: Path
) -> None:
    import bpy

    image = bpy.data.images.load(str(png(tmp_path / "file.png", RED)))
    image.filepath = "/net/otherhost/share/file.png"
    thumbnails = part("scene.thumbnails")
    thumbnails._chosen.clear()
    assert thumbnails.image_icon(image) == 0
    assert not image.has_data
    with pytest.raises(image_to_3d.errors.ImageError, match="another computer"):
        image_to_3d.generate(image, scene=None)


@pytest.mark.alone
def test_a_large_painted_image_takes_the_main_thread_only_as_long_as_copying_it(
    image_to_3d: Any, service: ScriptedService
) -> None:
    import bpy

    image = bpy.data.images.new("Large", 4096, 4096, alpha=True)
    image.generated_type = "COLOR_GRID"
    pixels = np.zeros(4096 * 4096 * 4, np.float32)
    image.pixels.foreach_get(pixels)  # generates them
    started = time.perf_counter()
    image.pixels.foreach_get(pixels)
    copying = time.perf_counter() - started
    content = part("scene.image_content")
    took = []
    for _ in range(3):
        started = time.perf_counter()
        path = content.source_of(image)
        took.append(time.perf_counter() - started)
        part("jobs.spool").wait(path)
        part("jobs.spool").discard(path)
    print(f"copying {copying * 1000:.0f} ms, in all {min(took) * 1000:.0f} ms")
    assert min(took) < 12 * copying + 0.05
    shutil.rmtree(content.folder(), ignore_errors=True)


def test_files_that_are_chosen_in_blenders_menus_are_generated_from(
    image_to_3d: Any, service: ScriptedService, image_file: Path, keep_going: Any
) -> None:
    import bpy

    files = [{"name": image_file.name}]
    bpy.ops.image_to_3d.generate_from_files(directory=str(image_file.parent), files=files)
    keep_going(lambda: any(item.type == "MESH" for item in bpy.data.objects))


def test_a_file_that_is_no_image_is_reported_in_a_sentence(image_to_3d: Any, tmp_path: Path) -> None:
    import bpy

    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(RuntimeError) as reported:
        bpy.ops.image_to_3d.generate_from_files(directory=str(tmp_path), files=[{"name": "notes.txt"}])
    assert "Traceback" not in str(reported.value)
    assert str(reported.value).count("Error: ") == 1
