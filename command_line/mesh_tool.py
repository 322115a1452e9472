# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `tool`: runs a mesh tool on model files, one after another, without a window and without a scene."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from .. import background_blender, mesh_tasks, tool_engine
from ..control import Control
from ..errors import CancelledError, ImageTo3DError, ImportFailedError, ParameterError, StorageError
from ..placement import Placement
from ..setting_rows import checked, defaults_of, settings_of
from ..tool_settings import TABLES, Export, Tool
from ..worker import tool_runner
from ..worker.tool_runner import ToolRequest, ToolResult
from ..worker.worker_process import WorkerProcess
from . import output
from .interruption import Interruption
from .model_files import file_stem
from .options import PROGRAM, add_setting

COMMAND: Final = "tool"
NAMES: Final = {str(tool).lower().replace("_", "-"): tool for tool in Tool}
"""The tools by the names that they have on the command line."""
_FORMATS: Final = {".glb": "glb", ".gltf": "glb", ".obj": "obj", ".stl": "stl", ".ply": "ply"}
_COMPANIONS: Final = frozenset({".mtl", ".png", ".jpg", ".jpeg", ".webp", ".bin"})
_AS_IT_IS: Final = Placement(origin="DELIVERED", on_ground=False)
_GLB: Final = asdict(Export(engine="OTHER", file_format="GLB", textures="PACKED"))
_DESCRIPTION: Final = """\
Run a mesh tool on each model file, without a window. A file that fails does not stop the others.

For each file, one line of JSON is written to stdout. The result is a .glb file, except for check (only the line),
print and export. The exit codes are those of the main command.
"""


@dataclass(frozen=True, slots=True)
class Options:
    """What was given on the command line, validated."""

    tool: Tool
    files: tuple[Path, ...]
    output: Path
    settings: Mapping[str, Any]


def run(options: Options, lines: output.ResultLines) -> int:
    """Run the tool on the files. Returns the exit code."""
    worker = WorkerProcess(background_blender.launch())
    failed = 0
    try:
        with Interruption() as interruption:
            control = Control(lambda: bool(interruption))
            for number, file in enumerate(options.files, 1):
                output.say(f"{number} of {len(options.files)}: {file.name}")
                try:
                    line = _line_of(file, options, _process(worker, file, options, control))
                except CancelledError:
                    return interruption.exit_code
                except ImageTo3DError as error:
                    failed += 1
                    line = _line_of(file, options, (ToolResult(), ())) | {
                        "state": "failed",
                        "error": output.error_of(error.info()),
                    }
                lines.write(line)
    finally:
        worker.stop()
    return 1 if failed else 0


def parse(arguments: Sequence[str]) -> Options:
    """Returns the options. Raises SystemExit for --help, and for arguments that can't be used."""
    parser = argparse.ArgumentParser(
        prog=f"{PROGRAM} {COMMAND}",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="tool", required=True, metavar="TOOL")
    for name, tool in NAMES.items():
        table = TABLES[tool]
        about = " ".join((table.__doc__ or "").split())
        command = commands.add_parser(name, help=about, description=about, allow_abbrev=False)
        command.add_argument("files", nargs="+", metavar="FILE", help="a model: .glb, .gltf, .obj, .stl or .ply")
        command.add_argument(
            "--output-dir", default=".", metavar="DIR", help="folder for the results (default: this one)"
        )
        defaults = defaults_of(table)
        for setting, row in settings_of(table).items():
            add_setting(command, setting, row, defaults[setting])
    values = vars(parser.parse_args(list(arguments)))
    tool = NAMES[values["tool"]]
    given = {name: values[f"setting {name}"] for name in settings_of(TABLES[tool])}
    try:
        settings = checked(TABLES[tool], {name: value for name, value in given.items() if value is not None})
    except ParameterError as error:
        parser.error(str(error.message))
    return Options(
        tool,
        tuple(Path(file).expanduser().absolute() for file in values["files"]),
        Path(values["output_dir"]).expanduser().absolute(),
        asdict(TABLES[tool](**settings)),
    )


def _process(
    worker: WorkerProcess, file: Path, options: Options, control: Control
) -> tuple[ToolResult, tuple[Path, ...]]:
    """Returns what the tool made of a file, and the files in the output folder. Raises ImageTo3DError."""
    with _temporary(options.output) as folder:
        source = folder / "source.blend"
        details = worker.run(_import_request(file, source), control)
        stem = file_stem(file.name)
        name = tool_engine.file_name(stem, options.settings)
        request = ToolRequest(options.tool, options.settings, source, stem, name, root=str(details["root"]))
        result = tool_runner.run(worker, request, control)
        made = result.files
        if result.blend is not None and not made:
            export = ToolRequest(Tool.EXPORT, _GLB, result.blend, stem, f"{stem}.glb")
            made = tool_runner.run(worker, export, control).files
        return result, mesh_tasks.deliver(made, options.output)


def _import_request(file: Path, target: Path) -> dict[str, Any]:
    if file.suffix.lower() not in _FORMATS:
        raise ImportFailedError("{name} is no .glb, .gltf, .obj, .stl or .ply file.", name=file.name)
    try:
        beside = [each for each in file.parent.iterdir() if each.suffix.lower() in _COMPANIONS]
        file.stat()
    except OSError as error:
        raise StorageError("{name} can't be read: {reason}.", advice="", name=file.name, cause=error) from error
    return {
        "do": "model",
        "source": str(file),
        "format": _FORMATS[file.suffix.lower()],
        "target": str(target),
        "name": file_stem(file.name),
        "placement": _AS_IT_IS.to_json(),
        "companions": [{"file": each.name, "name": each.name} for each in beside],
    }


@contextmanager
def _temporary(output_folder: Path) -> Iterator[Path]:
    try:
        output_folder.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="~tool-", dir=output_folder))
    except OSError as error:
        raise StorageError(
            "The output folder can't be written: {reason}.", advice="Choose another folder.", cause=error
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _line_of(file: Path, options: Options, made: tuple[ToolResult, tuple[Path, ...]]) -> dict[str, Any]:
    """Returns the JSON line of a file. Its keys are documented in docs/command-line.md."""
    result, files = made
    return {
        "file": str(file),
        "tool": next(name for name, tool in NAMES.items() if tool is options.tool),
        "state": "done",
        "files": [str(each) for each in files],
        "notes": [str(note) for note in result.notes],
        "facts": dict(result.facts),
        "error": None,
    }
