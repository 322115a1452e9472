# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and folders are opened with the system's programs; where that fails, the artist is told where they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from systems import needs_posix

from .conftest import part


@needs_posix
def test_a_file_that_the_system_can_not_open_is_reported_with_its_path(image_to_3d: Any, image_file: Path) -> None:
    # With two slashes the path is the same for the system, but relative to the .blend for Blender, which fails.
    path = Path(f"/{image_file}")
    assert path.exists()
    with pytest.raises(part("errors").StorageError) as raised:
        part("operators.open_actions").open_with_system(path, "The video")
    assert str(raised.value.info().message) == "The video can't be opened by the system."
    assert image_file.name in str(raised.value.info().advice)


def test_a_file_that_is_gone_is_reported(image_to_3d: Any, tmp_path: Path) -> None:
    with pytest.raises(part("errors").StorageError, match="no longer exists"):
        part("operators.open_actions").open_with_system(tmp_path / "gone.webm", "The video")
