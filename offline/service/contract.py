# SPDX-License-Identifier: GPL-3.0-or-later
"""The service's contract, served on this computer: JSON requests in, JSON replies out. Independent of HTTP.

Reply shapes, field names and error forms are the service's. Differences, because this is not AI and nothing leaves
the computer: guidance and step parameters are validated but have no effect, the seed varies the thickness slightly,
`webhook` is never called, and images come from uploads and from this computer only.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ...api.parameters import PARAMETERS, defaults
from ...errors import ParameterError
from .generation_queue import GenerationQueue
from .storage import Storage, StoredJob
from .uploads import InvalidImageError, decode_upload, local_image

NOT_AI: Final = (
    "Made on this computer by the offline preview: the outline is inflated to a rough shape. This is not AI."
)
TIP: Final = "The offline preview makes rough shapes without AI. Choose a real service for real models."
LONGEST_TRACK_ID: Final = 300


@dataclass(frozen=True, slots=True)
class JsonResponse:
    """An HTTP status, a JSON body, and extra headers."""

    body: Mapping[str, Any]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def error_reply(message: object, status: int = 200, **more: Any) -> JsonResponse:
    """Returns an error as the service words it: without an id, and often with HTTP 200."""
    return JsonResponse({"status": "error", "message": message, **more}, status)


@dataclass(frozen=True, slots=True)
class Contract:
    """The service's endpoints. `address` is the start of its URLs (http://127.0.0.1:PORT)."""

    storage: Storage
    generation_queue: GenerationQueue
    address: str

    def answer(self, path: str, request: object) -> JsonResponse:
        """Handle a POST to `path` with a JSON body."""
        endpoint, number = self._endpoint(path)
        if endpoint is None:
            return error_reply("There is no such endpoint.", 404)
        if not isinstance(request, dict):
            return error_reply("The request body is not a JSON object.", 400)
        key = request.get("key")
        if not isinstance(key, str) or not key.strip():
            return error_reply("Invalid API key: the key field is required.", 401)
        return endpoint(request) if number is None else self._fetch(number)

    def _endpoint(self, path: str) -> tuple[Callable[[dict[str, Any]], JsonResponse] | None, str | None]:
        match path.strip("/").split("/"):
            case ["api", "v6", "3d", "image_to_3d"]:
                return self._submit, None
            case ["api", "v6", "3d", "fetch", number]:
                return self._submit, number
            case ["api", "v6", "base64_to_url"]:
                return self._upload, None
            case ["api", "wallet_balance"]:
                return _balance, None
            case ["api", "v6", "assets_generated"] | ["api", "assets_generated"]:
                return self._generated, None
        return None, None

    def _upload(self, request: dict[str, Any]) -> JsonResponse:
        try:
            source_image, kind = decode_upload(request.get("base64_string"))
        except InvalidImageError as error:
            return error_reply({"base64_string": [str(error)]})
        name = self.storage.store_upload(source_image, kind)
        return JsonResponse(
            {"status": "success", "id": secrets.randbelow(10**9), "output": [f"{self.address}/temp/{name}"]}
        )

    def _submit(self, request: dict[str, Any]) -> JsonResponse:
        parameters, wrong = _checked(request)
        if wrong:
            return error_reply(wrong)
        try:
            upload = local_image(str(parameters["image"]), self.storage)
        except InvalidImageError as error:
            return error_reply({"init_image": [str(error)]})
        parameters["seed"] = parameters["seed"] or secrets.randbelow(2**32 - 1) + 1
        record = self.generation_queue.submit(upload, parameters)
        if isinstance(record, float):
            wait = int(record) + 1
            answer = error_reply(
                f"Rate limit: too many queued requests, try again in {wait} seconds.", 429, retry_after=wait
            )
            return JsonResponse(answer.body, 429, {"Retry-After": str(wait)})
        links = self._links(record, _files_to_come(record))
        return JsonResponse(
            {
                "status": "processing",
                "tip": TIP,
                "eta": self.generation_queue.eta(record),
                "message": f"Your request is being worked on. {NOT_AI}",
                "fetch_result": f"{self.address}/api/v6/3d/fetch/{record.id}",
                "id": record.id,
                "output": [],
                "meta": _meta(record),
                "track_id": record.parameters["track_id"],
                "future_links": links,
                "extra_assets": [],
            }
        )

    def _fetch(self, number: str) -> JsonResponse:
        record = self.storage.find(number)
        if record is None:
            return error_reply("There is no request with this id, or it is older than 24 hours.", 400)
        if record.state == "failed":
            return error_reply(record.error)
        if record.state != "done":
            self.generation_queue.resume(record)
            return JsonResponse({"status": "processing", "message": "try again later.", "output": "", "tip": TIP})
        links = self._links(record, record.files)
        return JsonResponse(
            {
                "status": "success",
                "generationTime": record.seconds,
                "id": record.id,
                "output": links,
                "proxy_links": links,
                "message": NOT_AI,
                "track_id": record.parameters["track_id"],
                "meta": _meta(record),
            }
        )

    def _generated(self, request: dict[str, Any]) -> JsonResponse:
        size = _whole(request.get("per_page"), 30, 30)
        page = _whole(request.get("page"), 1, 10**6)
        records = self.storage.all() if request.get("type", "3d") == "3d" else []
        entries = [
            {
                "id": record.id,
                "status": {"done": "success", "failed": "failed"}.get(record.state, "processing"),
                "type": "3d",
                "track_id": record.parameters["track_id"],
                "output": self._links(record, record.files),
                "meta": _meta(record),
                "created_at": int(record.created),
            }
            for record in records[(page - 1) * size : page * size]
        ]
        last = max(1, -(-len(records) // size))
        pagination = {"current_page": page, "per_page": size, "total": len(records), "last_page": last}
        return JsonResponse({"status": "success", "data": entries, "pagination": pagination})

    def _links(self, record: StoredJob, files: tuple[str, ...]) -> list[str]:
        return [f"{self.address}/results/{record.token}/{name}" for name in files]


def _balance(_request: dict[str, Any]) -> JsonResponse:
    return JsonResponse({"status": "success", "data": {"balance": 0.0, "currency": "USD"}, "message": NOT_AI})


def _checked(request: dict[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Returns all parameters of a submit, and the errors by parameter. Unknown names are ignored."""
    parameters, wrong = defaults(), {}
    image = request.get("image") or request.get("init_image")
    if not image:
        wrong["init_image"] = ["The init image field is required."]
    for name, parameter in PARAMETERS.items():
        value = image if name == "image" else request.get(name)
        if value is None or (name == "image" and not image):
            continue
        try:
            parameters[name] = parameter.check(value)
        except ParameterError as error:
            wrong["init_image" if name == "image" else name] = [str(error.message)]
    if isinstance(parameters["track_id"], str) and len(parameters["track_id"]) > LONGEST_TRACK_ID:
        wrong["track_id"] = [f"The track id may not be longer than {LONGEST_TRACK_ID} characters."]
    return parameters, wrong


def _files_to_come(record: StoredJob) -> tuple[str, ...]:
    kinds = {"obj": ["obj", "mtl", "png"]}.get(record.parameters["output_format"], [record.parameters["output_format"]])
    return tuple(f"{record.id}.{kind}" for kind in [*kinds, *(["mp4"] if record.parameters["render"] else [])])


def _meta(record: StoredJob) -> dict[str, Any]:
    """Returns the parameters to echo: without the webhook, whose URL may be a secret."""
    shown = {name: value for name, value in record.parameters.items() if name not in {"webhook", "track_id"}}
    return {**shown, "file_prefix": record.token, "offline_preview": True}


def _whole(value: object, default: int, most: int) -> int:
    """Returns a positive integer of a request, given as number or text."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return max(1, min(int(text), most)) if text.isascii() and text.isdigit() and len(text) < 10 else default
