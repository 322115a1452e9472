# SPDX-License-Identifier: GPL-3.0-or-later
"""The service's own Python client works with the offline preview: the preview speaks the protocol, not just our part.

Its base URL is a constant, so the tests set the attribute; nothing but the preview on loopback is connected to.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from image_to_3d.formats.check import check_file
from modelslab_py.core.apis.three_d import Three_D
from modelslab_py.core.client import Client
from modelslab_py.schemas.threed import Image23D
from service import Service

pytestmark = pytest.mark.heavy

QUICK = 48


@pytest.fixture
def client(service: Service) -> Client:
    client = Client(api_key=service.key, fetch_retry=600, fetch_timeout=0.25)
    client.base_url = f"{service.root}/api/"
    return client


@pytest.fixture(params=[False, True], ids=["v6", "enterprise"])
def sdk(client: Client, request: pytest.FixtureRequest) -> Three_D:
    return Three_D(client=client, enterprise=request.param)


def uploaded(sdk: Three_D, image_file: Path) -> str:
    """The URL of an uploaded image. The client has no method for it, only its general one."""
    text = f"data:image/png;base64,{base64.b64encode(image_file.read_bytes()).decode()}"
    base_url = sdk.base_url.removesuffix("3d/")
    reply = sdk.client.post(f"{base_url}base64_to_url", data={"base64_string": text})
    assert reply["status"] == "success"
    return str(reply["output"][0])


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"output_format": "stl", "seed": 3480183101, "render": False, "temp": "no", "track_id": "shelf 7"},
        {"ss_guidance_strength": 7.5, "slat_guidance_strength": 3.0, "slat_sampling_steps": 12, "mesh_simplify": 0.95,
         "chunk_size": 8192, "multi_image": False, "ss_sampling_steps": 12},
    ],
    ids=["defaults", "format and seed", "guidance"],
)  # fmt: skip
def test_the_vendors_client_makes_a_model(
    sdk: Three_D, service: Service, chair: Path, tmp_path: Path, parameters: dict[str, Any]
) -> None:
    submitted = sdk.image_to_3d(Image23D(image=uploaded(sdk, chair), resolution=QUICK, **parameters))
    assert submitted["status"] == "processing"
    reply = sdk.fetch(str(submitted["id"]))
    assert (reply["status"], reply["id"]) == ("success", submitted["id"])
    assert all(reply["meta"][name] == value for name, value in parameters.items() if name != "track_id")
    assert reply["track_id"] == parameters.get("track_id")
    [url] = reply["output"]
    assert urlsplit(url).netloc == urlsplit(service.root).netloc
    kind = parameters.get("output_format", "glb")
    path = tmp_path / f"model.{kind}"
    path.write_bytes(requests.get(url, timeout=60).content)
    check_file(path, kind)


def test_the_vendors_client_sees_a_refusal(sdk: Three_D) -> None:
    reply = sdk.image_to_3d(Image23D(image="not an address"))
    assert reply["status"] == "error"
    assert list(reply["message"]) == ["init_image"]
