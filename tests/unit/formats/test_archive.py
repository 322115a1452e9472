# SPDX-License-Identifier: GPL-3.0-or-later
"""A ZIP with a model is unpacked without trusting its names or sizes."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from image_to_3d.errors import ResultDamagedError
from image_to_3d.formats import archive
from image_to_3d.formats.check import check_file
from image_to_3d.formats.sniff import FormatError
from model_files import WHOLE, mtl, obj, png


def packed(path: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return path


def unpack(path: Path) -> tuple[Path, list[tuple[str, str]]]:
    folder = path.parent / "job"
    folder.mkdir()
    return archive.unpack(path, folder)


def test_model_material_and_textures_are_unpacked_under_our_names(tmp_path: Path) -> None:
    files = {"chair/skin.png": png(), "chair/chair.obj": obj(), "chair/thing.MTL": mtl(), "__MACOSX/._chair.obj": b"x"}
    path = packed(tmp_path / "model.zip", {**files, "readme.txt": b"hello"})
    check_file(path, "zip")
    model, companions = unpack(path)
    assert (model.name, model.read_bytes()) == ("model.obj", obj())
    assert companions == [("part-1.mtl", "thing.MTL"), ("part-2.png", "skin.png")]
    assert (model.parent / "part-2.png").read_bytes() == png()
    assert len(list(model.parent.iterdir())) == 3


@pytest.mark.parametrize("format", ["obj", "glb", "stl", "ply"])
def test_each_model_format_may_come_in_an_archive(tmp_path: Path, format: str) -> None:
    path = packed(tmp_path / f"model.{format}", {f"a.{format}": WHOLE[format]})
    check_file(path, format)
    model, companions = unpack(path)
    assert (model.name, model.read_bytes(), companions) == (f"model.{format}", WHOLE[format], [])


@pytest.mark.parametrize(
    "name", ["../../evil.obj", "/etc/evil.obj", "C:\\Windows\\evil.obj", "..\\evil.obj", "a/../../evil.obj"]
)
def test_a_name_never_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    model, _ = unpack(packed(tmp_path / "model.zip", {name: obj(), name.replace("obj", "png"): png()}))
    assert model == tmp_path / "job" / "model.obj"
    assert sorted(x.name for x in tmp_path.rglob("*")) == ["job", "model.obj", "model.zip", "part-1.png"]


def test_links_are_not_unpacked(tmp_path: Path) -> None:
    path = packed(tmp_path / "model.zip", {"a.obj": obj()})
    link = zipfile.ZipInfo("secret.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(link, "/etc/passwd")
    assert unpack(path)[1] == []


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = packed(tmp_path / "model.zip", {"a.obj": obj() + b" " * 100_000_000})
    with pytest.raises(ResultDamagedError, match="unpacks to more"):
        check_file(path, "zip")
    with pytest.raises(FormatError, match="unpacks to more"):
        unpack(path)


def test_a_bomb_that_lies_about_its_size_is_cut_off(tmp_path: Path) -> None:
    path = packed(tmp_path / "model.zip", {"a.obj": obj() + b" " * 100_000_000})
    real = (len(obj()) + 100_000_000).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(real, (1000).to_bytes(4, "little")))
    with pytest.raises(FormatError):
        unpack(path)
    assert list((tmp_path / "job").iterdir()) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:40] + bytes(20) + data[60:],
        lambda data: b"PK\x03\x04" + bytes(200),
        lambda data: data[:-22] + b"PK\x05\x06" + b"\xff" * 18,
    ],
    ids=["cut off", "zeros inside", "no directory", "lying directory"],
)
def test_a_damaged_archive_is_called_damaged(tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    path = packed(tmp_path / "model.zip", {"a.obj": obj(), "a.png": png()})
    path.write_bytes(damage(path.read_bytes()))

    def check_and_unpack() -> None:
        check_file(path, "zip")
        unpack(path)

    with pytest.raises((FormatError, ResultDamagedError)):
        check_and_unpack()


@pytest.mark.parametrize("files", [{}, {"a.txt": b"hello"}, {"folder.obj/": b""}], ids=str)
def test_an_archive_without_a_model_is_damaged(tmp_path: Path, files: dict[str, bytes]) -> None:
    with pytest.raises(ResultDamagedError):
        check_file(packed(tmp_path / "model.zip", files), "zip")
