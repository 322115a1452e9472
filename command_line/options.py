# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the command line. The request parameters and placement settings come from their tables."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..api.parameters import PARAMETERS, VIEWS, Kind, Parameter
from ..errors import ParameterError
from ..placement import DEFAULTS, SETTINGS, Placement
from ..setting_rows import Setting, allowed

PROGRAM: Final = "blender --command image_to_3d"
BLEND: Final = "blend"
"""The format of the prepared .blend, which the service does not know."""
SERVICES: Final = ("modelslab", "offline", "local", "custom")
MAX_JOBS: Final = 64

_DESCRIPTION: Final = """\
Generate a 3D model from each image, without a window. An image that fails does not stop the others.

Progress is written to stderr. For each image that has ended, one line of JSON is written to stdout. The API key comes
from the add-on's preferences or the environment variable MODELSLAB_API_KEY. The service must be reachable: start
Blender with --online-mode if its preferences do not allow online access.
"""
_EPILOG: Final = """\
`blender --command image_to_3d tool --help` says how to run a mesh tool on model files.

exit codes:
  0    all models are there
  1    some images failed; --resume tries them again
  2    nothing was started: a wrong option, no key, no online access, no image
  130  interrupted by Ctrl-C; --resume continues (143: by SIGTERM)
"""
_NOT_OPTIONS: Final = frozenset({"image", "output_format"}) | {p.name for p in PARAMETERS.values() if p.group == "view"}
"""Request parameters that other arguments stand for."""


@dataclass(frozen=True, slots=True)
class Options:
    """What was given on the command line, validated."""

    images: tuple[str, ...]
    parameters: Mapping[str, Any]
    placement: Placement
    output: Path | None
    model_format: str
    """glb, obj, stl, ply or blend."""
    name: str
    service: str
    """MODELSLAB, OFFLINE, LOCAL or CUSTOM; empty: that of the preferences."""
    local_url: str
    """Address of the artist's own server; empty: that of the preferences or the environment."""
    local_model: str
    """The name of that server's model; empty: that of the preferences, else the usual one."""
    jobs: int
    """0: the number in the preferences."""
    recursive: bool
    pattern: str
    views: Mapping[str, str]
    """Further images of the one subject, by the side that they show."""
    views_by_name: bool
    numbers: frozenset[int] | None
    """Which of the images that were found, from 1; None: all."""
    report: bool
    resume: bool
    send_unconfirmed: bool
    check: bool
    """Nothing is started."""
    max_failures: int
    openjd: bool


class _Parser(argparse.ArgumentParser):
    def convert_arg_line_to_args(self, arg_line: str) -> list[str]:
        """Returns the argument on a line of a list file: nothing is split, and an empty line is none."""
        return [arg_line.strip()] if arg_line.strip() else []


def parse(arguments: Sequence[str]) -> Options:
    """Returns the options. Raises SystemExit for --help, and for arguments that can't be used."""
    parser = _parser()
    values = vars(parser.parse_args(list(arguments)))
    given = {name: values[f"parameter {name}"] for name in PARAMETERS if values.get(f"parameter {name}") is not None}
    settings = {name: values[f"setting {name}"] for name in SETTINGS if values[f"setting {name}"] is not None}
    model_format = values["format"]
    if model_format != BLEND:
        given["output_format"] = model_format
    try:
        placement = Placement.checked(settings)
    except ParameterError as error:
        parser.error(str(error.message))
    return Options(
        images=tuple(values["images"]),
        parameters=given,
        placement=placement,
        output=Path(values["output_dir"]).expanduser().absolute() if values["output_dir"] else None,
        model_format=model_format,
        name=values["name"],
        service=(values["service"] or "").upper(),
        local_url=values["local_url"],
        local_model=values["local_model"],
        jobs=values["jobs"],
        recursive=values["recursive"],
        pattern=values["pattern"],
        views=dict(values["views"]),
        views_by_name=values["views_by_name"],
        numbers=values["numbers"],
        report=values["report"],
        resume=values["resume"] or values["send_unconfirmed"],
        send_unconfirmed=values["send_unconfirmed"],
        check=values["check"],
        max_failures=values["max_failures"],
        openjd=values["openjd"],
    )


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=PROGRAM,
        usage="%(prog)s IMAGE… [options]",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        fromfile_prefix_chars="@",
        allow_abbrev=False,
    )
    _add_image_options(parser)
    _add_run_options(parser)
    request = parser.add_argument_group("request parameters", "what the service is asked for")
    for parameter in PARAMETERS.values():
        if parameter.name not in _NOT_OPTIONS:
            _add_parameter(request, parameter)
    settings = parser.add_argument_group(
        "placement settings",
        "how the prepared .blend is made, and what is done to the model then; those of the scene apply when it is "
        "placed there",
    )
    for name, row in SETTINGS.items():
        add_setting(settings, name, row, DEFAULTS[name])
    return parser


def _add_image_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "images", nargs="+", metavar="IMAGE",
        help='an image file, a folder, a pattern in quotes ("shots/**/*.png"), a public URL, or @FILE: a file '
        "with one of these or an option on each line",
    )  # fmt: skip
    add("--recursive", action="store_true", help="also the images in the sub-folders of a folder")
    add("--pattern", default="", help='of a folder, only the images whose names match ("*_front.png")')
    add(
        "--view", dest="views", action="append", type=_view, default=[], metavar="SIDE=FILE",
        help="with one image, which shows the front: an image of another side of the subject, for a local server that "
        f"takes several views (SIDE: {', '.join(VIEWS)}; can be given for each of them)",
    )  # fmt: skip
    add(
        "--views-by-name", action="store_true",
        help="chair_front.png, chair_left.png, chair_back.png and chair_right.png in a folder become one model",
    )  # fmt: skip
    add(
        "--range", dest="numbers", type=_numbers, metavar="RANGE",
        help="only some of the images that were found, by their number from 1 (5, 1-10, or 1,3,7-20:2); how a farm "
        "divides a folder",
    )  # fmt: skip


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    formats = [choice.value for choice in PARAMETERS["output_format"].choices]
    default = PARAMETERS["output_format"].default
    add = parser.add_argument
    add(
        "--output-dir",
        metavar="DIR",
        help="folder for the models, named after their images, and for the batch's own folder with all files",
    )
    add(
        "--format", choices=[*formats, BLEND], default=default,
        help=f"file format of the models; blend: as the add-on prepares them for Blender (default: {default})",
    )  # fmt: skip
    add("--name", default="", help="name of the batch (default: that of the images' folder)")
    add(
        "--service", type=str.lower, choices=SERVICES,
        help="the service to use (default: the one in the preferences)",
    )  # fmt: skip
    add(
        "--local-url", default="", metavar="ADDRESS",
        help="address of your own server, for --service local (http://127.0.0.1:8080; default: as in the preferences "
        "or the environment variable IMAGE_TO_3D_LOCAL_URL)",
    )  # fmt: skip
    add(
        "--local-model", default="", metavar="NAME",
        help="name of the model that your own server uses, where it has several (default: as in the preferences)",
    )  # fmt: skip
    add(
        "--jobs", type=_number(1, MAX_JOBS), default=0, metavar="N",
        help=f"how many images the service works on at once, 1 to {MAX_JOBS}, as the account's plan allows "
        "(default: as in the preferences); a local server makes one model after the other",
    )  # fmt: skip
    add("--report", action="store_true", help="write report.html, report.csv and report.json into the batch's folder")
    add(
        "--resume", action="store_true",
        help="continue an earlier run with the same output folder: images that are done are left alone, the others "
        "continue, failed ones are tried again, and nothing is paid for twice",
    )  # fmt: skip
    add(
        "--send-unconfirmed", action="store_true",
        help="as --resume, and send requests again to which no reply came and whose model is not in the account's list "
        "(error outcome_unknown); these may be charged twice",
    )  # fmt: skip
    add(
        "--check", action="store_true",
        help="start nothing, and only write the lines of what earlier runs with the same output folder have made",
    )  # fmt: skip
    add(
        "--max-failures", type=_number(0, 10**6), default=0, metavar="N",
        help="exit with 0 although up to N images failed (default: 0)",
    )  # fmt: skip
    add("--openjd", action="store_true", help="write progress as Open Job Description messages")


def _add_parameter(group: argparse._ArgumentGroup, parameter: Parameter) -> None:
    flag, target = _flag(parameter.name), f"parameter {parameter.name}"
    text = _help(parameter.label, parameter.description, parameter.range_text, parameter.default)
    text += "; for local servers" if parameter.local_only else ""
    if parameter.kind is Kind.BOOLEAN:
        group.add_argument(flag, dest=target, action=argparse.BooleanOptionalAction, default=None, help=text)
        return

    def checked(value: str) -> Any:
        try:
            return parameter.check(_as_number(value) if parameter.kind in (Kind.INTEGER, Kind.NUMBER) else value)
        except ParameterError as error:
            raise argparse.ArgumentTypeError(str(error.message)) from None

    group.add_argument(
        flag, dest=target, type=checked, metavar=_metavar(parameter.default, parameter.choices), help=text
    )


def add_setting(group: argparse._ActionsContainer, name: str, setting: Setting, default: Any) -> None:
    """Add the option for a setting of a table; its value is None if it is not given. The caller checks it."""
    options: dict[str, Any] = {
        "dest": f"setting {name}",
        "default": None,
        "help": _help(setting.label, setting.description, str(allowed(setting, default)), default),
    }
    if isinstance(default, bool):
        group.add_argument(_flag(name), action=argparse.BooleanOptionalAction, **options)
        return
    if name == "rotation":
        options |= {"nargs": 3, "metavar": ("X", "Y", "Z")}
    convert: Callable[[str], Any] = str.upper if setting.choices else str
    if isinstance(default, int | float) or name == "rotation":
        convert = _as_number
    elif isinstance(default, tuple):
        convert = _texts
    group.add_argument(_flag(name), type=convert, **({"metavar": _metavar(default, setting.choices)} | options))


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _metavar(default: object, choices: Sequence[object]) -> str:
    if choices:
        return "CHOICE"
    if isinstance(default, tuple):
        return "TEXT,…"
    return "N" if isinstance(default, int | float) else "TEXT"


def _help(label: str, description: str, allowed: str, default: object) -> str:
    """Returns the help for a setting: its label, meaning, range and default."""
    if isinstance(default, bool):
        text = f"{label}: {description} (default: {'on' if default else 'off'})"
    elif isinstance(default, tuple):
        shown = " ".join(f"{value:g}" for value in default) or "none"
        text = f"{label}: {description} ({allowed}; default: {shown})"
    else:
        shown = "none" if default in (None, "") else f"{default:g}" if isinstance(default, float) else str(default)
        text = f"{label}: {description} ({allowed}; default: {shown})"
    return text.replace("%", "%%")


def _as_number(text: str) -> Any:
    """Returns a number as Python writes it, whatever the system's language; a text that is none as it is."""
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text


def _texts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _number(minimum: int, maximum: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        number = _as_number(text)
        if not isinstance(number, int) or not minimum <= number <= maximum:
            raise argparse.ArgumentTypeError(f"{text} is not an integer from {minimum} to {maximum}")
        return number

    return convert


def _view(text: str) -> tuple[str, str]:
    """Returns the side and the file of a view."""
    side, _, file = text.partition("=")
    if side.lower() not in VIEWS or not file:
        raise argparse.ArgumentTypeError(f"{text} is not SIDE=FILE with one of the sides {', '.join(VIEWS)}")
    return side.lower(), file


def _numbers(text: str) -> frozenset[int]:
    """Returns the numbers in a range as Open Job Description writes it: "5", "1-10", "1,3,7-20:2"."""
    numbers: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"([0-9]{1,7})(?:-([0-9]{1,7})(?::([0-9]{1,7}))?)?", part.strip(), re.ASCII)
        if match is None or match[3] == "0" * len(match[3] or "-"):
            raise argparse.ArgumentTypeError(f'{text} is not a range such as "1-10"')
        first, last, step = int(match[1]), int(match[2] or match[1]), int(match[3] or 1)
        numbers.update(range(first, last + 1, step))
    return frozenset(numbers)
