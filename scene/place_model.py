# SPDX-License-Identifier: GPL-3.0-or-later
"""Places one finished model in the artist's scene, as one undo step, and disturbs nothing else.

Only the data API is used, no operators that need a mode or a selection, so it may happen while somebody edits, sculpts
or plays back. No image is decoded here. Measured: appending stalls 20 to 50 ms at 500,000 triangles.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import bpy
from mathutils import Matrix, Vector

from ..errors import ImportFailedError
from ..jobs.job import Job
from ..jobs.provenance import record_of
from ..log import logger
from ..placement import Placement
from ..translation import tr
from . import append_blend, arrangement, free_spot, orientation, variations
from . import placeholder as placeholders

_BLOCKING_JOBS: Final = {"RENDER": "Waiting for the render to finish", "OBJECT_BAKE": "Waiting for the bake to finish"}


def why_not_now(context: bpy.types.Context) -> str:
    """Returns why a model should not be placed now: a tool in use, a render, a bake. Empty if it can. Cheap."""
    for job, reason in _BLOCKING_JOBS.items():
        if bpy.app.is_job_running(job):
            return reason
    for window in context.window_manager.windows:
        for operator in window.modal_operators:
            if _is_tool(operator):
                return tr("Waiting for {tool} to finish", tool=operator.name or tr("a tool"))
    return ""


def _is_tool(operator: bpy.types.Operator) -> bool:
    """Whether a running modal operator is a tool in use, not one that only monitors something.

    Blender's own are tools. Add-ons also run monitors for hours (ours, for example); their tools that change the
    scene have the UNDO option.
    """
    own = bpy.types.Operator.bl_rna_get_subclass_py(operator.bl_idname)
    return own is None or "UNDO" in getattr(own, "bl_options", ())


def place(
    job: Job, scene: bpy.types.Scene, *, placeholder: bpy.types.Object | None = None, at: Sequence[float] | None = None
) -> list[bpy.types.Object]:
    """Place the job's model in `scene`, as one undo step named after the model. Returns its objects, the root first.

    It replaces the placeholder if one is given; otherwise the job's settings decide, and `at` replaces the location
    where the job was started. Raises WorkerError if the prepared model can't be read, and the errors of
    `place_directly` if there is none.
    """
    if job.blend_path is None:
        objects = place_directly(job, scene, placeholder=placeholder, at=at)
    else:
        objects, asset_collection = append_blend.append(job.blend_path, as_asset=job.placement.mark_as_asset)
        _link_and_transform(objects, asset_collection, job, scene, placeholder, at)
    if placeholder is not None:
        placeholders.remove(placeholder)
    bpy.ops.ed.undo_push(message=tr("Add {name}", name=job.name))
    return objects


def place_directly(
    job: Job, scene: bpy.types.Scene, *, placeholder: bpy.types.Object | None = None, at: Sequence[float] | None = None
) -> list[bpy.types.Object]:
    """Place a model without a worker: the model file is imported here, which blocks Blender meanwhile.

    Raises ImportFailedError; also outside Object Mode, which Blender's importers need.
    """
    from ..worker import blend_file, convert_model, mesh_data, obj_folder

    if job.model_path is None:
        raise ImportFailedError("There is no model file.")
    if job.conversions > 1:
        raise ImportFailedError(
            "A background Blender ended while it converted this model.",
            advice="The folder has the file, but it could do the same to this Blender.",
        )
    if bpy.context.mode != "OBJECT":
        raise ImportFailedError(
            "Without a background Blender, a model can only be imported in Object Mode.",
            advice="Switch to Object Mode and import again.",
        )
    logger(__name__).warning("%s: no worker prepared this model; importing it directly", job.name)
    placement = job.placement
    layer = view_layer(scene)
    selected, active = list(layer.objects.selected), layer.objects.active
    before = _all_data(mesh_data.DATA_KINDS)
    try:
        shaped = convert_model.make_model(
            job.model_path,
            job.model_path.suffix[1:],
            [obj_folder.Companion(job.folder / ours, theirs) for ours, theirs in job.companions],
            job.name,
            placement,
            record_of(job),
        )
    except Exception:
        for kind in mesh_data.DATA_KINDS:
            new = [item for item in getattr(bpy.data, kind) if item.session_uid not in before]
            bpy.data.batch_remove(new)
        _select_again(layer, selected, active)
        raise
    for item in shaped.objects:
        for collection in item.users_collection:
            collection.objects.unlink(item)
    asset = blend_file.mark_as_asset(shaped, placement) if placement.mark_as_asset else None
    asset_collection = asset if isinstance(asset, bpy.types.Collection) else None
    _link_and_transform(shaped.objects, asset_collection, job, scene, placeholder, at)
    if not placement.select:
        _select_again(layer, selected, active)
    return shaped.objects


def _all_data(kinds: Iterable[str]) -> set[int]:
    return {item.session_uid for kind in kinds for item in getattr(bpy.data, kind)}


def _select_again(
    layer: bpy.types.ViewLayer, selected: Iterable[bpy.types.Object], active: bpy.types.Object | None
) -> None:
    for item in list(layer.objects.selected):
        if item is not None:  # 4.2 lists objects that were just removed
            item.select_set(False, view_layer=layer)
    for item in selected:
        item.select_set(True, view_layer=layer)
    layer.objects.active = active


def _link_and_transform(
    objects: Sequence[bpy.types.Object],
    asset_collection: bpy.types.Collection | None,
    job: Job,
    scene: bpy.types.Scene,
    placeholder: bpy.types.Object | None,
    at: Sequence[float] | None,
) -> None:
    placement = job.placement
    layer = view_layer(scene)
    free = _free_location(job, layer, at)  # before the model itself stands somewhere
    for collection in _collections(placement, job.name, scene, layer, placeholder):
        if asset_collection is not None:
            collection.children.link(asset_collection)
            continue
        for item in objects:
            collection.objects.link(item)
    root = objects[0]
    if placeholder is not None:
        root.parent = placeholder.parent
        if placeholder.parent is not None:
            root.parent_type = placeholder.parent_type
            root.parent_bone = placeholder.parent_bone
            root.matrix_parent_inverse = placeholder.matrix_parent_inverse
        where = placeholders.model_matrix(placeholder)
        placeholders.reparent_children(placeholder, root)
    elif job.columns >= 0 and at is None:
        where = Matrix.Translation(_arranged(root, job, scene))
    elif placement.place == "ORIGIN":
        where = Matrix.Identity(4)
    else:
        where = Matrix.Translation(free)
    root.matrix_basis = where @ root.matrix_basis
    orientation.follow_variations(root, scene)
    select = placement.select and bpy.context.mode == "OBJECT"
    _ = (
        layer.objects.active
    )  # accessing this syncs the view layer with the new objects without evaluating the depsgraph
    if select:
        for item in list(layer.objects.selected):
            item.select_set(False, view_layer=layer)
    # A prepared model can be selected: importers select their objects, and 4.2 stores that.
    for item in [item for item in objects if item.name in layer.objects]:
        item.select_set(select, view_layer=layer)
    if select and root.name in layer.objects:
        layer.objects.active = root


def _free_location(job: Job, layer: bpy.types.ViewLayer, at: Sequence[float] | None) -> Vector:
    """Returns where a model without a placeholder goes: to `at` or where its job was started, or beside that."""
    location = Vector(at if at is not None else job.target_scene.location)
    if at is None and job.target_scene.exact_location:
        return location
    size, offset = placeholders.expected_size(job), Vector()
    if "low" in job.details:
        size = Vector(job.details["dimensions"])
        offset = Vector(job.details["low"]) + Vector((size.x / 2, size.y / 2, 0.0))
    return free_spot.beside(location + offset, size, layer) - offset


def _arranged(root: bpy.types.Object, job: Job, scene: bpy.types.Scene) -> Vector:
    """Returns where the model of an arranged batch goes, and stores on it how far the arrangement has come."""
    if "low" in job.details:
        width, depth, _ = job.details["dimensions"]
        left, front, _ = job.details["low"]
    else:  # no worker measured it
        view_layer(scene).update()
        low, high = variations.bounds(root)
        width, depth, _ = high - low
        left, front, _ = low - root.matrix_world.translation
    (x, y), after = arrangement.find(job.batch, scene).add(width, depth, job.columns)
    arrangement.store(root, after)
    return Vector(job.target_scene.location) + Vector((x - left - width / 2, y - front - depth / 2, 0.0))


def view_layer(scene: bpy.types.Scene) -> bpy.types.ViewLayer:
    """Returns the view layer in which a window shows the scene; else its first."""
    for window in bpy.context.window_manager.windows:
        if window.scene == scene:
            return window.view_layer
    return scene.view_layers[0]


def _collections(
    placement: Placement,
    name: str,
    scene: bpy.types.Scene,
    layer: bpy.types.ViewLayer,
    placeholder: bpy.types.Object | None,
) -> list[bpy.types.Collection]:
    """Returns the collections for the objects: the placeholder's, the named or the active one, or a new one in that.

    Never one that is hidden or excluded from the view layer: a model that arrived must be seen.
    """
    if placeholder is not None:
        found = [item for item in placeholder.users_collection if _editable(item) and _visible(item, layer)]
        if found:
            return found
    collection = _named_collection(placement, scene, layer)
    if placement.own_collection:
        own = bpy.data.collections.new(name)
        collection.children.link(own)
        return [own]
    return [collection]


def _named_collection(placement: Placement, scene: bpy.types.Scene, layer: bpy.types.ViewLayer) -> bpy.types.Collection:
    if placement.collection:
        for item in (scene.collection, *scene.collection.children_recursive):
            if item.name == placement.collection and _editable(item):
                return item if _visible(item, layer) else active_collection(scene, layer)
        new = bpy.data.collections.new(placement.collection)
        scene.collection.children.link(new)
        return new
    return active_collection(scene, layer)


def active_collection(scene: bpy.types.Scene, layer: bpy.types.ViewLayer) -> bpy.types.Collection:
    """Returns the view layer's active collection; the scene's if that can't be changed or is hidden."""
    active = layer.active_layer_collection
    usable = active is not None and _editable(active.collection) and _visible(active.collection, layer)
    return active.collection if usable else scene.collection


def _visible(collection: bpy.types.Collection, layer: bpy.types.ViewLayer) -> bool:
    """Whether what is in the collection can be seen: it may be excluded from the view layer, or hidden."""
    waiting = [layer.layer_collection]
    while waiting:
        found = waiting.pop()
        if found.collection == collection and found.is_visible and not found.exclude:
            return True
        waiting += found.children
    return False


def _editable(collection: bpy.types.Collection) -> bool:
    return collection.library is None and collection.override_library is None
