# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's preferences: service, key, limits and folders, which belong to the artist and not to a .blend."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, StringProperty

from . import background_task, preferences_layout
from .api.parameters import ACCOUNT, PARAMETERS, undo_single_precision
from .bl_ids import PACKAGE
from .data_folder import resolve_folder
from .errors import ParameterError
from .jobs.config import CUSTOM, FREE, LOCAL, MODELSLAB, OFFLINE, Config
from .local_servers import connection
from .local_servers.dialects import DIALECTS
from .preferences_layout import KEY_VARIABLE, LOCAL_TOKEN_VARIABLE, LOCAL_URL_VARIABLE, URL_VARIABLE
from .property_definitions import switch
from .scene import data_location
from .scene.data_location import data_folder as data_folder

JOB_LIMIT: Final = 5
_AUTOMATIC: Final = "AUTO"
"""The value of `local_dialect` for which the server is asked."""

SERVICES: Final = (
    (MODELSLAB, "ModelsLab", "The ModelsLab service. Needs an account, its API key, and online access", "WORLD", 0),
    (OFFLINE, "Offline Preview", "Rough shapes from the image's outline. No account, no network, no AI", "HOME", 1),
    (
        LOCAL,
        "Local Server",
        "A server that you run: your own GPU, no account, no upload to a public address",
        "DESKTOP",
        3,
    ),
    (
        CUSTOM,
        "Other Server",
        "A server with the same protocol: on this computer, in your network, or of an enterprise plan",
        "NETWORK_DRIVE",
        2,
    ),
)
SERVICE_NAMES: Final = {value: name for value, name, *_ in SERVICES}
SERVICE_ICONS: Final = {value: icon for value, _name, _description, icon, _number in SERVICES}

when_key_entered: Callable[[], None] | None = None
"""Called when the artist has entered an API key or a server. `handlers` sets it, to test the key."""
when_local_server_entered: Callable[[], None] | None = None
"""Called when the artist has chosen a server of their own. `handlers` sets it, to test the connection."""


class Overrides(NamedTuple):
    """What a run of the command line uses in place of the preferences; nothing is stored. Empty: as they are."""

    service: str = ""
    local_url: str = ""
    local_model: str = ""
    limit: int = 0
    results: Path | None = None
    data: Path | None = None
    """The data folder, if the environment does not name one."""


_overrides: Overrides | None = None


def override(overrides: Overrides | None) -> None:
    """Use these in place of the preferences from now on, in this process; None: no longer. Main thread only."""
    global _overrides
    _overrides = overrides
    data_location.use(overrides.data if overrides is not None else None)


def overridden() -> bool:
    """Whether this process runs the command line: it continues no jobs but those that it was asked for."""
    return _overrides is not None


def _changed(preferences: IMAGE_TO_3D_Preferences, _context: bpy.types.Context) -> None:
    background_task.account.reset()


def _key_changed(preferences: IMAGE_TO_3D_Preferences, context: bpy.types.Context) -> None:
    _changed(preferences, context)
    if when_key_entered is not None and preferences.api_key:
        when_key_entered()


def _local_server_changed(preferences: IMAGE_TO_3D_Preferences, _context: bpy.types.Context) -> None:
    """Forget what the last test found, and test the connection."""
    background_task.local_server.reset()
    if when_local_server_entered is not None and preferences.service == LOCAL and _local_url():
        when_local_server_entered()


def _service_changed(preferences: IMAGE_TO_3D_Preferences, context: bpy.types.Context) -> None:
    _changed(preferences, context)
    _local_server_changed(preferences, context)


def _folder_changed(preferences: IMAGE_TO_3D_Preferences, _context: bpy.types.Context) -> None:
    """Make the path absolute: preferences belong to no file that it could be relative to. A refused one is shown."""
    with contextlib.suppress(ParameterError):
        absolute = str(_resolved(preferences.results_folder, bpy.data.filepath)) if preferences.results_folder else ""
        if absolute != preferences.results_folder:
            preferences.results_folder = absolute


_DAYS: Final = ("Delete After (Days)", "A clean-up deletes results older than this; 0 disables the limit")
_SIZE: Final = (
    "Size Limit (GB)",
    "A clean-up deletes the oldest results until the total is below this; 0 disables the limit",
)


def _days(default: int) -> Any:
    return IntProperty(name=_DAYS[0], description=_DAYS[1], default=default, min=0)


def _gigabytes(default: float) -> Any:
    return FloatProperty(name=_SIZE[0], description=_SIZE[1], default=default, min=0.0, precision=1)


_use_days, _days_kept = switch("keep_days", *_DAYS, _days(30)).values()
_use_gigabytes, _gigabytes_kept = switch("keep_gigabytes", *_SIZE, _gigabytes(10.0)).values()


_DIALECT_ITEMS: Final = [
    (_AUTOMATIC, "Automatic", "Ask the server", "NONE", 0),
    # Blender stores the number, so it must not depend on the order.
    *((each.id, each.name, "", "NONE", zlib.crc32(each.id.encode()) >> 1) for each in DIALECTS.values()),
]


class IMAGE_TO_3D_Preferences(bpy.types.AddonPreferences):
    """The add-on's preferences."""

    bl_idname = PACKAGE

    if TYPE_CHECKING:
        service: str
        api_key: str
        base_url: str
        local_url: str
        local_dialect: str
        local_found: str
        local_model: str
        local_token: str
        local_time_limit: int
        webhook: str
        track_id: str
        job_limit: int
        results_folder: str
        keep_days: int
        keep_gigabytes: float
        clean_up_at_start: bool
        use_daily_limit: bool
        daily_limit: float
        use_keep_days: bool
        keep_days_kept: int
        use_keep_gigabytes: bool
        keep_gigabytes_kept: float
    else:
        service: EnumProperty(
            name="Service",
            description="The service that generates the models",
            items=SERVICES,
            default=MODELSLAB,
            update=_service_changed,
        )
        api_key: StringProperty(
            name="API Key",
            description=(
                "The API key of your account. Blender stores it as plain text in your preferences, never in a .blend. "
                f"Leave it empty to use the environment variable {KEY_VARIABLE}"
            ),
            subtype="PASSWORD",
            update=_key_changed,
        )
        base_url: StringProperty(
            name="Server URL",
            description=(
                "Base URL of the service, for example https://modelslab.com/api/v1/enterprise for an enterprise plan. "
                f"Leave it empty to use the environment variable {URL_VARIABLE}"
            ),
            update=_key_changed,
        )
        local_url: StringProperty(
            name="Server Address",
            description=(
                "Address of the server's API, for example http://127.0.0.1:8080. "
                f"Leave it empty to use the environment variable {LOCAL_URL_VARIABLE}"
            ),
            update=_local_server_changed,
        )
        local_dialect: EnumProperty(
            name="Kind of Server",
            description="The program that runs at the address",
            items=_DIALECT_ITEMS,
            update=_local_server_changed,
        )
        local_found: StringProperty(options={"HIDDEN"})
        local_model: StringProperty(
            name="Model",
            description="Name of the model to use, where the server has several. Leave it empty for the usual one",
            update=_local_server_changed,
        )
        local_token: StringProperty(
            name="Token",
            description=(
                "Bearer token, if the server requires one. Blender stores it as plain text in your preferences. "
                f"Leave it empty to use the environment variable {LOCAL_TOKEN_VARIABLE}"
            ),
            subtype="PASSWORD",
            update=_local_server_changed,
        )
        local_time_limit: IntProperty(
            name="Time Limit (Minutes)",
            description="A model that is not finished after this time counts as failed",
            default=30,
            min=1,
            max=600,
        )
        webhook: StringProperty(name=PARAMETERS["webhook"].label, description=PARAMETERS["webhook"].description)
        track_id: StringProperty(name=PARAMETERS["track_id"].label, description=PARAMETERS["track_id"].description)
        job_limit: IntProperty(
            name="Simultaneous Jobs",
            description="How many jobs run at the same time; the others wait. Plans allow 5, 10 or 15",
            default=JOB_LIMIT,
            min=1,
            max=64,
            soft_max=15,
            update=_changed,
        )
        results_folder: StringProperty(
            name="Results Folder",
            description="Folder for models, videos and images. Leave it empty for the system's own folder for data",
            subtype="DIR_PATH",
            update=_folder_changed,
        )
        keep_days: _days(30)
        keep_gigabytes: _gigabytes(0.0)
        clean_up_at_start: BoolProperty(
            name="Clean Up on Startup",
            description=(
                "Clean up when Blender starts. Only results that are placed and saved, cancelled or removed from the "
                "list are ever deleted"
            ),
            default=False,
        )
        use_keep_days: _use_days
        keep_days_kept: _days_kept
        use_keep_gigabytes: _use_gigabytes
        keep_gigabytes_kept: _gigabytes_kept
        use_daily_limit: BoolProperty(
            name="Daily Limit",
            description="Start no new jobs once this amount was spent on one day. Running jobs continue",
            default=False,
        )
        daily_limit: FloatProperty(
            name="Daily Limit",
            description=(
                "The most that is spent on one day, in the account's currency. All Blenders of this computer count "
                "together. Prices are learned from the balance"
            ),
            default=5.0,
            min=0.0,
            soft_max=1000.0,
            precision=2,
        )

    def draw(self, context: bpy.types.Context) -> None:
        preferences_layout.draw(self.layout, context, self, read_config(), str(data_folder() / "results"))


def get() -> IMAGE_TO_3D_Preferences | None:
    """Returns the add-on's preferences; None if it was enabled for this session only, without an entry in them."""
    entry = bpy.context.preferences.addons.get(PACKAGE)
    return entry.preferences if entry else None


def account_parameters() -> dict[str, str]:
    """Returns the request parameters that are set for the account, for a service that has one."""
    saved = get()
    if saved is None or _service() in FREE:
        return {}
    return {name: text for name in ACCOUNT if (text := getattr(saved, name).strip())}


@functools.cache
def earlier_folder() -> Path:
    """Returns the extension's folder in Blender's user files, which earlier versions used. Uninstalling deletes it."""
    return Path(bpy.utils.extension_path_user(PACKAGE))


def _resolved(text: str, blend_file: str = "") -> Path:
    """Returns the folder that somebody means who enters this. Raises ParameterError if that is not clear."""
    return Path(resolve_folder(text, sys.platform, str(Path.home()), os.path.dirname(blend_file)))


def _service() -> str:
    saved = get()
    return (_overrides.service if _overrides else "") or (saved.service if saved else MODELSLAB)


def _key_owner(service: str) -> str:
    """Returns the service whose key is entered while `service` is chosen: for that one, and for no other."""
    return CUSTOM if service == CUSTOM else MODELSLAB


def _local_url() -> str:
    saved, entered = get(), _overrides.local_url if _overrides else ""
    url = entered or (saved.local_url if saved else "").strip() or os.environ.get(LOCAL_URL_VARIABLE, "").strip()
    return connection.base_url(url) if url else ""


def _local_settings(saved: IMAGE_TO_3D_Preferences | None, address: str) -> dict[str, Any]:
    """Returns what the process gets that speaks to the artist's own server."""
    token = (saved.local_token if saved else "").strip() or os.environ.get(LOCAL_TOKEN_VARIABLE, "").strip()
    model = (_overrides.local_model if _overrides else "") or (saved.local_model if saved else "").strip()
    settings = {"address": address, "dialect": "", "token": token, "model": model}
    if saved is None:
        return settings
    dialect = "" if saved.local_dialect == _AUTOMATIC else saved.local_dialect
    return settings | {"dialect": dialect, "time_limit": 60.0 * saved.local_time_limit}


def _local_dialect(saved: IMAGE_TO_3D_Preferences | None, address: str) -> str:
    """Returns the dialect that was chosen, or that the last test found at this address; "" if it is unknown."""
    if saved is None:
        return ""
    if saved.local_dialect != _AUTOMATIC:
        return saved.local_dialect
    found, _, tested = saved.local_found.partition(" ")
    return found if tested == address else ""


def remember_local_dialect(dialect: str) -> None:
    """Keep which dialect a test has found at the address, if any, also for the next start. Main thread only."""
    saved, found = get(), f"{dialect} {_local_url()}"
    if saved is not None and dialect and saved.local_found != found:
        saved.local_found = found


def read_config() -> Config:
    """Returns the current configuration, with environment variables for empty fields. Main thread only."""
    saved, service, overrides = get(), _service(), _overrides or Overrides()
    entered = saved.api_key if saved and _key_owner(saved.service) == _key_owner(service) else ""
    key = entered.strip() or os.environ.get(KEY_VARIABLE, "").strip()
    base_url = (saved.base_url if saved else "").strip() or os.environ.get(URL_VARIABLE, "").strip()
    base_url = base_url.rstrip("/")
    local_url = _local_url()
    results = default_results = data_folder() / "results"
    refused = ""
    if overrides.results is not None:
        results = overrides.results
    elif saved and saved.results_folder:
        try:
            results = _resolved(saved.results_folder)
        except ParameterError as error:
            refused = str(error.message)
    return Config(
        service=service,
        results=results,
        results_refused=refused,
        keys={_key_owner(service): key},
        base_url=base_url,
        local_url=local_url,
        local_settings=_local_settings(saved, local_url),
        local_dialect=_local_dialect(saved, local_url),
        online=bpy.app.online_access,
        limit=overrides.limit or (saved.job_limit if saved else JOB_LIMIT),
        earlier_results=(default_results, earlier_folder() / "results"),
        keep_days=(saved.keep_days if saved else 0) or None,
        keep_gigabytes=(saved.keep_gigabytes if saved else 0) or None,
        clean_up_at_start=saved.clean_up_at_start if saved else False,
        daily_limit=undo_single_precision(saved.daily_limit) if saved and saved.use_daily_limit else None,
    )


register, unregister = bpy.utils.register_classes_factory((IMAGE_TO_3D_Preferences,))
