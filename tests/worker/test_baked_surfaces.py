# SPDX-License-Identifier: GPL-3.0-or-later
"""A baked texture has what a material's surface is made of, however its nodes are connected, and without light."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import bpy
import mesh_kinds as kinds
import numpy as np
import pytest
from image_to_3d.worker.mesh_tools import bake
from image_to_3d.worker.mesh_tools.baked_material import bake_material
from image_to_3d.worker.mesh_tools.pixels import fill_empty, read_pixels, write_pixels
from image_to_3d.worker.mesh_tools.surface_channels import CHANNELS

pytestmark = pytest.mark.heavy

RED, GREEN = (0.8, 0.1, 0.05, 1.0), (0.1, 0.5, 0.2, 1.0)
SIDE = 64


@pytest.fixture(autouse=True)
def _empty_blender() -> Iterator[None]:
    bpy.ops.wm.read_homefile(use_empty=True)
    yield
    bpy.ops.wm.read_homefile(use_empty=True)


def material(build: Callable[[Any], Any]) -> bpy.types.Material:
    """Returns a material whose surface is the shader output that `build` returns for its nodes."""
    made = kinds.material("M")
    tree = made.node_tree
    output = next(n for n in tree.nodes if n.bl_idname == "ShaderNodeOutputMaterial")
    tree.links.new(build(tree), output.inputs["Surface"])
    return made


def shader(tree: Any, kind: str, **inputs: Any) -> Any:
    node = tree.nodes.new(kind)
    for name, value in inputs.items():
        node.inputs[name.replace("_", " ")].default_value = value
    return node.outputs[0]


def mixed(tree: Any, factor: Any, first: Any, second: Any) -> Any:
    node = tree.nodes.new("ShaderNodeMixShader")
    if isinstance(factor, float):
        node.inputs[0].default_value = factor
    else:
        tree.links.new(factor, node.inputs[0])
    tree.links.new(first, node.inputs[1])
    tree.links.new(second, node.inputs[2])
    return node.outputs[0]


def metal(tree: Any) -> Any:
    return shader(tree, "ShaderNodeBsdfPrincipled", Base_Color=RED, Metallic=1.0, Roughness=0.25)


def two_diffuse(tree: Any) -> Any:
    diffuse = [shader(tree, "ShaderNodeBsdfDiffuse", Color=color) for color in (RED, GREEN)]
    return mixed(tree, 0.25, *diffuse)


def partly_transparent(tree: Any) -> Any:
    return mixed(
        tree, 0.25, shader(tree, "ShaderNodeBsdfTransparent"), shader(tree, "ShaderNodeBsdfDiffuse", Color=RED)
    )


def unlit(tree: Any) -> Any:
    """As Blender imports glTF's materials without light."""
    path = tree.nodes.new("ShaderNodeLightPath").outputs["Is Camera Ray"]
    return mixed(tree, path, shader(tree, "ShaderNodeBsdfTransparent"), shader(tree, "ShaderNodeEmission", Color=RED))


def grouped(tree: Any) -> Any:
    group = bpy.data.node_groups.new("Group", "ShaderNodeTree")
    group.interface.new_socket("Tint", in_out="INPUT", socket_type="NodeSocketColor")
    group.interface.new_socket("Surface", in_out="OUTPUT", socket_type="NodeSocketShader")
    start, end = group.nodes.new("NodeGroupInput"), group.nodes.new("NodeGroupOutput")
    inside = group.nodes.new("ShaderNodeBsdfPrincipled")
    gamma = group.nodes.new("ShaderNodeGamma")
    group.links.new(start.outputs["Tint"], gamma.inputs["Color"])
    group.links.new(gamma.outputs["Color"], inside.inputs["Base Color"])
    group.links.new(inside.outputs["BSDF"], end.inputs["Surface"])
    node = tree.nodes.new("ShaderNodeGroup")
    node.node_tree = group
    node.inputs["Tint"].default_value = RED
    return node.outputs["Surface"]


def glowing(tree: Any) -> Any:
    return shader(tree, "ShaderNodeBsdfPrincipled", Base_Color=RED, Emission_Color=GREEN, Emission_Strength=0.5)


def baked(materials: list[bpy.types.Material]) -> dict[str, Any]:
    """Returns the images of a sheet that was baked: its materials are stripes from left to right. Linear values."""
    high, low = (kinds.make(name, *kinds.grid_sheet(len(materials))) for name in ("high", "low"))
    for each in materials:
        high.data.materials.append(each)
    column = kinds.grid_sheet(len(materials))
    middle = column[0][column[1]].mean(axis=1)[:, 0]
    high.data.polygons.foreach_set("material_index", ((middle + 1) / 2 * len(materials)).astype(np.int32))
    made = bake_material(bake.baker(high, low, SIDE, 2.8, 0.0), "Sheet", True, lambda _: None)
    surface = next(n for n in made.node_tree.nodes if n.bl_idname == "ShaderNodeBsdfPrincipled")
    found = {image.name[6:]: read_pixels(image) for image in bpy.data.images if image.name.startswith("Sheet ")}
    return {"surface": surface, **found}


def stripe(pixels: Any, number: int, count: int) -> Any:
    return pixels[SIDE // 2, int((number + 0.5) / count * SIDE)]


def linear(color: Any) -> Any:
    return np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)


@pytest.mark.each_version
def test_the_color_is_that_of_the_surface_without_light() -> None:
    builders = [metal, two_diffuse, partly_transparent, unlit, grouped, glowing]
    found = baked([material(build) for build in builders])
    mean = tuple(0.75 * a + 0.25 * b for a, b in zip(RED, GREEN, strict=True))
    for number, expected in enumerate([RED, mean, RED, RED, RED, RED]):
        color = linear(stripe(found["Color"], number, 6)[:3])
        assert color == pytest.approx(expected[:3], abs=0.01), builders[number].__name__
    alphas = [float(stripe(found["Color"], number, 6)[3]) for number in range(6)]
    assert alphas == pytest.approx([1, 1, 0.25, 1, 1, 1], abs=0.01)
    assert stripe(found["Roughness Metallic"], 0, 6)[1:3] == pytest.approx((0.25, 1.0), abs=0.01)
    assert linear(stripe(found["Emission"], 5, 6)[:3]) == pytest.approx([x / 2 for x in GREEN[:3]], abs=0.01)
    assert linear(stripe(found["Emission"], 0, 6)[:3]) == pytest.approx((0, 0, 0), abs=0.01)


def test_light_that_is_brighter_than_white_keeps_its_strength_and_color() -> None:
    def lamp(tree: Any) -> Any:
        return shader(tree, "ShaderNodeEmission", Color=GREEN, Strength=4.0)

    found = baked([material(metal), material(lamp)])
    strength = found["surface"].inputs["Emission Strength"].default_value
    assert strength == pytest.approx(4 * max(GREEN[:3]), rel=0.01)
    assert strength * linear(stripe(found["Emission"], 1, 2)[:3]) == pytest.approx([4 * x for x in GREEN[:3]], abs=0.05)
    assert stripe(found["Emission"], 0, 2)[:3] == pytest.approx((0, 0, 0), abs=0.01)
    assert stripe(found["Color"], 1, 2)[:3] == pytest.approx((0, 0, 0), abs=0.01)


def test_values_that_are_the_same_everywhere_are_not_baked() -> None:
    found = baked([material(metal)])
    assert set(found) == {"surface", "Color", "Normal"}
    surface = found["surface"]
    assert surface.inputs["Metallic"].default_value == 1.0
    assert surface.inputs["Roughness"].default_value == 0.25
    assert not surface.inputs["Alpha"].is_linked


def test_a_flat_surface_has_a_flat_normal_map() -> None:
    assert stripe(baked([material(metal)])["Normal"], 0, 1)[:3] == pytest.approx((0.5, 0.5, 1.0), abs=0.01)


def test_a_mesh_without_material_is_baked_in_blenders_default() -> None:
    high, low = (kinds.make(name, *kinds.grid_sheet(2)) for name in ("high", "low"))
    bake_material(bake.baker(high, low, SIDE, 2.8, 0.0), "Sheet", False, lambda _: None)
    color = linear(stripe(read_pixels(bpy.data.images["Sheet Color"]), 0, 1)[:3])
    assert color == pytest.approx(CHANNELS["Base Color"][:3], abs=0.01)


def test_pixels_that_found_nothing_continue_those_around() -> None:
    image = bpy.data.images.new("Gaps", SIDE, SIDE, alpha=True)
    pixels = np.zeros((SIDE, SIDE, 4), np.float32)
    pixels[:, :20] = (1, 0, 0, 1)
    pixels[:, 44:] = (0, 0, 1, 1)
    write_pixels(image, pixels)
    fill_empty(image, (0.5, 0.5, 0.5, 1))
    filled = read_pixels(image)
    assert (filled[..., 3] == 1).all()
    assert filled[:, 20, :3] == pytest.approx(np.tile((1, 0, 0), (SIDE, 1)), abs=0.01)
    assert filled[..., :3].sum(axis=-1) == pytest.approx(np.ones((SIDE, SIDE)), abs=0.02)
