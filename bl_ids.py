# SPDX-License-Identifier: GPL-3.0-or-later
"""The names by which Blender knows the extension's package, properties and operators, each defined once."""

from __future__ import annotations

import enum
from types import ModuleType
from typing import Any, Final

PACKAGE: Final = __package__ or ""
"""The extension's package: the key of its preferences and of its user folder."""

SCENE_SETTINGS: Final = "image_to_3d"
"""The attribute of scenes that holds the settings."""

MODEL_RECORD: Final = "image_to_3d"
"""The custom property of a generated model's root object that says how it was made (see jobs.provenance)."""

LOD: Final = "image_to_3d_lod"
"""Custom property of the objects that *Make LODs* made: the level of detail; -1 for the collision mesh."""

MATERIAL_NUMBER: Final = "image_to_3d_slot"
"""The custom property of a material in a mesh tool's result that says which of the object's materials replaces it."""

LIST_ROWS: Final = "image_to_3d_rows"
"""The attribute of the window manager with the rows of the job list."""

SELECTED_ROW: Final = "image_to_3d_row"
"""The attribute of the window manager with the number of the selected row."""

JOB_LIST: Final = "IMAGE_TO_3D_UL_jobs"
"""The job list."""

JOB_LIST_MENU: Final = "IMAGE_TO_3D_MT_jobs"
"""The menu beside the job list."""

SOURCES_MENU: Final = "IMAGE_TO_3D_MT_image_sources"
"""The menu of where an image can come from."""

PRESETS_FOLDER: Final = "image_to_3d"
"""The folder of the artist's presets, below Blender's own folder for them."""

PRESETS_PANEL: Final = "IMAGE_TO_3D_PT_presets"
"""The popover with the artist's presets."""

WARNINGS_PANEL: Final = "IMAGE_TO_3D_PT_image_warnings"
"""The popover with what is wrong with the chosen image."""

PANEL_BUTTON: Final = "image_to_3d_panel"
"""The member of the context by which an operator knows that it is a button of the main panel."""


RESULTS_PANEL: Final = "IMAGE_TO_3D_PT_results"
"""The popover with the results of all files."""

RESULT_SEARCH: Final = "image_to_3d_result_search"
"""The attribute of the window manager with the words that the shown results have in their names."""

RESULT_PAGE: Final = "image_to_3d_result_page"
"""The attribute of the window manager that says which page of the results is shown."""

VARIATIONS: Final = "image_to_3d_variations"
"""The attribute of the window manager that says how many variations are generated."""

MODEL_MENU: Final = "IMAGE_TO_3D_MT_model"
"""The menu of what is needed rarely for a generated model."""

MESH_TOOLS_MENU: Final = "IMAGE_TO_3D_MT_mesh_tools"
"""The menu of the mesh tools."""


def classes_in(base: type[Any], *modules: ModuleType) -> tuple[type[Any], ...]:
    """Returns the subclasses of a Blender class that the modules define, in their order, for registration."""
    found = (value for module in modules for value in vars(module).values() if isinstance(value, type))
    names = {module.__name__ for module in modules}
    return tuple(dict.fromkeys(value for value in found if issubclass(value, base) and value.__module__ in names))


class Op(enum.StrEnum):
    """The `bl_idname` of every operator."""

    GENERATE = "image_to_3d.generate"
    MONITOR = "image_to_3d.monitor"
    CHOOSE_BATCH = "image_to_3d.choose_batch"
    GENERATE_BATCH = "image_to_3d.generate_batch"
    CHOOSE_IMAGE = "image_to_3d.choose_image"
    IMAGE_FROM_CLIPBOARD = "image_to_3d.image_from_clipboard"
    IMAGE_FROM_RENDER = "image_to_3d.image_from_render"
    IMAGE_FROM_VIEWPORT = "image_to_3d.image_from_viewport"
    IMAGE_FROM_EDITOR = "image_to_3d.image_from_editor"
    IMAGE_FROM_VIEWS = "image_to_3d.image_from_views"
    IMAGE_FROM_BLEND = "image_to_3d.image_from_blend"
    GENERATE_FROM_EDITOR = "image_to_3d.generate_from_editor"
    GENERATE_FROM_OUTLINER = "image_to_3d.generate_from_outliner"
    GENERATE_FROM_FILES = "image_to_3d.generate_from_files"
    DROP_IMAGES = "image_to_3d.drop_images"
    CANCEL_JOB = "image_to_3d.cancel_job"
    RETRY = "image_to_3d.retry"
    RETRY_ALL = "image_to_3d.retry_all"
    TRY_NOW = "image_to_3d.try_now"
    SEND_AGAIN = "image_to_3d.send_again"
    CHECK_AGAIN = "image_to_3d.check_again"
    DOWNLOAD_AGAIN = "image_to_3d.download_again"
    IMPORT_AGAIN = "image_to_3d.import_again"
    IMPORT_HERE = "image_to_3d.import_here"
    DISMISS = "image_to_3d.dismiss"
    IMPORT_ALL = "image_to_3d.import_all"
    IMPORT_OTHERS = "image_to_3d.import_others"
    CANCEL_ALL = "image_to_3d.cancel_all"
    CLEAR_FINISHED = "image_to_3d.clear_finished"
    OPEN_RESULTS = "image_to_3d.open_results"
    EXPAND_ROW = "image_to_3d.expand_row"
    PAUSE_BATCH = "image_to_3d.pause_batch"
    RESUME_BATCH = "image_to_3d.resume_batch"
    CANCEL_BATCH = "image_to_3d.cancel_batch"
    RETRY_BATCH = "image_to_3d.retry_batch"
    REMOVE_BATCH = "image_to_3d.remove_batch"
    OPEN_REPORT = "image_to_3d.open_report"
    OPEN_BATCH_FOLDER = "image_to_3d.open_batch_folder"
    GENERATE_AGAIN = "image_to_3d.generate_again"
    VARY_SEED = "image_to_3d.vary_seed"
    ROTATE_MODEL = "image_to_3d.rotate_model"
    SHOW_VARIATION = "image_to_3d.show_variation"
    KEEP_VARIATION = "image_to_3d.keep_variation"
    SHOW_IMAGE = "image_to_3d.show_image"
    USE_MODEL_SETTINGS = "image_to_3d.use_model_settings"
    OPEN_MODEL_FOLDER = "image_to_3d.open_model_folder"
    SHOW_RESULTS = "image_to_3d.show_results"
    PLACE_RESULT = "image_to_3d.place_result"
    USE_RESULT_SETTINGS = "image_to_3d.use_result_settings"
    SHOW_RESULT_IMAGE = "image_to_3d.show_result_image"
    OPEN_RESULT_FOLDER = "image_to_3d.open_result_folder"
    RESULT_MENU = "image_to_3d.result_menu"
    TURN_RESULTS = "image_to_3d.turn_results"
    ADD_ASSET_LIBRARY = "image_to_3d.add_asset_library"
    MEASURE_RESULTS = "image_to_3d.measure_results"
    CLEAN_UP = "image_to_3d.clean_up"
    MOVE_RESULTS = "image_to_3d.move_results"
    OPEN_FOLDER = "image_to_3d.open_folder"
    OPEN_VIDEO = "image_to_3d.open_video"
    OPEN_PREFERENCES = "image_to_3d.open_preferences"
    ALLOW_ONLINE = "image_to_3d.allow_online"
    USE_OFFLINE_PREVIEW = "image_to_3d.use_offline_preview"
    TEST_KEY = "image_to_3d.test_key"
    TEST_LOCAL_SERVER = "image_to_3d.test_local_server"
    NEW_SEED = "image_to_3d.new_seed"
    ADD_PRESET = "image_to_3d.add_preset"
    CHECK_MESH = "image_to_3d.check_mesh"
    CLEAN_UP_MESH = "image_to_3d.clean_up_mesh"
    SIMPLIFY_MESH = "image_to_3d.simplify_mesh"
    REMESH = "image_to_3d.remesh_to_quads"
    MAKE_PRINTABLE = "image_to_3d.make_printable"
    MAKE_LODS = "image_to_3d.make_lods"
    EXPORT_MODEL = "image_to_3d.export_model"
    CHOOSE_TOOL_FOLDER = "image_to_3d.choose_tool_folder"
    CANCEL_TOOL = "image_to_3d.cancel_tool"
    SHOW_VERSION = "image_to_3d.show_version"
    KEEP_VERSION = "image_to_3d.keep_version"
    OPEN_TOOL_FOLDER = "image_to_3d.open_tool_folder"
