# SPDX-License-Identifier: GPL-3.0-or-later
"""The service's contract, served on this computer: JSON requests in, JSON replies out. Independent of HTTP.

Reply shapes, field names and error forms are the service's. Differences: parameters that the generator does not use are
validated but have no effect, `webhook` is never called, and images come from the uploads to this server only. Besides
the service's endpoints there is `3d/cancel/ID`. Replies can have messages as data, so that the add-on can translate
them: `notes` and `error_info` about a finished job, `waits_for` about one that has not begun. `unknown_id` says that
there is no such job.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..api.parameters import PARAMETERS, VIEWS, defaults
from ..errors import ParameterError
from .generation_queue import GenerationQueue, QueueFullError
from .generator import Generator
from .storage import Storage, StorageFullError, StoredJob
from .uploads import InvalidImageError, store_data_uri, uploaded_at

UPLOAD_ENDPOINT: Final = "base64_to_url"
FULL_SECONDS: Final = 60
"""When to try again while the folder is full: what is 15 minutes old gives way."""
MAX_TRACK_ID: Final = 300
"""Characters."""


@dataclass(frozen=True, slots=True)
class JsonResponse:
    """An HTTP status, a JSON body, and extra headers."""

    body: Mapping[str, Any]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def error_reply(message: object, status: int = 200) -> JsonResponse:
    """Returns an error in the service's form: without an id, and often with HTTP 200."""
    return JsonResponse({"status": "error", "message": message}, status)


@dataclass(frozen=True, slots=True)
class Contract:
    """The service's endpoints. `origin` is the start of its URLs (http://127.0.0.1:PORT)."""

    storage: Storage
    generation_queue: GenerationQueue
    origin: str

    @property
    def generator(self) -> Generator:
        return self.generation_queue.generator

    def handle(self, path: str, request: dict[str, Any]) -> JsonResponse:
        """Handle a POST to `path` with a JSON body, whose key was checked."""
        try:
            return self._handle(path, request)
        except StorageFullError:
            message = "The folder of this server is full; try again later."
            body = {"status": "error", "message": message, "retry_after": FULL_SECONDS}
            return JsonResponse(body, 429, {"Retry-After": str(FULL_SECONDS)})

    def _handle(self, path: str, request: dict[str, Any]) -> JsonResponse:
        # The service has the same endpoints below a second base URL.
        match path.replace("/v1/enterprise/", "/v6/", 1).strip("/").split("/"):
            case ["api", "v6", "3d", "image_to_3d"]:
                return self._submit(request)
            case ["api", "v6", "3d", "fetch", job_id]:
                return self._fetch(job_id)
            case ["api", "v6", "3d", "cancel", job_id]:
                self.generation_queue.cancel(job_id)
                return JsonResponse({"status": "success", "message": "The job is cancelled."})
            case ["api", "v6", endpoint] if endpoint == UPLOAD_ENDPOINT:
                return self._upload(request)
            case ["api", "wallet_balance"]:
                balance = {"balance": 0.0, "currency": "USD"}
                return JsonResponse({"status": "success", "data": balance, "message": self.generator.note})
            case ["api", "v6", "assets_generated"] | ["api", "assets_generated"]:
                return self._list(request)
        return error_reply("There is no such endpoint.", 404)

    def _upload(self, request: dict[str, Any]) -> JsonResponse:
        try:
            url = f"{self.origin}/temp/{store_data_uri(request.get('base64_string'), self.storage)}"
        except InvalidImageError as error:
            return error_reply({"base64_string": [str(error)]})
        return JsonResponse({"status": "success", "id": secrets.randbelow(10**9), "output": [url]})

    def _submit(self, request: dict[str, Any]) -> JsonResponse:
        parameters, errors = _validate(request)
        if errors:
            return error_reply(errors)
        try:
            upload = uploaded_at(str(parameters["image"]), self.storage)
            views = {
                view: uploaded_at(str(url), self.storage) for view in VIEWS if (url := request.get(f"image_{view}"))
            }
        except InvalidImageError as error:
            return error_reply({"init_image": [str(error)]})
        if parameters["output_format"] not in self.generator.formats:
            parameters["output_format"] = self.generator.formats[0]
        # Some local servers read a signed 32-bit number.
        parameters["seed"] = parameters["seed"] or secrets.randbelow(2**31 - 1) + 1
        try:
            job = self.generation_queue.submit(upload, parameters, views)
        except QueueFullError as error:
            seconds = error.args[0]
            message = f"Rate limit: too many queued requests, try again in {seconds} seconds."
            body = {"status": "error", "message": message, "retry_after": seconds}
            return JsonResponse(body, 429, {"Retry-After": str(seconds)})
        own = {
            "tip": self.generator.tip,
            "eta": self.generation_queue.eta(job),
            "message": f"Your request is being processed. {self.generator.note}",
            "fetch_result": f"{self.origin}/api/v6/3d/fetch/{job.id}",
            "future_links": self._urls(job, _expected_files(job)),
            "extra_assets": [],
        }
        return JsonResponse(self._describe(job, "processing", ()) | own)

    def _fetch(self, job_id: str) -> JsonResponse:
        job = self.storage.find(job_id)
        if job is None:
            unknown = error_reply("There is no request with this id, or it is older than 24 hours.", 400)
            return JsonResponse({**unknown.body, "unknown_id": True}, 400)
        if job.state == "failed":
            return JsonResponse({**error_reply(job.error).body, "error_info": job.error_info})
        if job.state != "done":
            self.generation_queue.resume(job)
            short = {"status": "processing", "message": "try again later.", "output": "", "tip": self.generator.tip}
            reason = self.generation_queue.waits_for(job)
            return JsonResponse(short if reason is None else {**short, "waits_for": reason.to_json()})
        reply = self._describe(job, "success", job.files)
        own = {"generationTime": job.seconds, "proxy_links": reply["output"], "message": self.generator.note}
        own |= {"notes": job.notes}
        return JsonResponse(reply | own)

    def _list(self, request: dict[str, Any]) -> JsonResponse:
        per_page = _positive_int(request.get("per_page"), 30, 30)
        page = _positive_int(request.get("page"), 1, 10**6)
        jobs = self.storage.all() if request.get("type", "3d") == "3d" else []
        states = {"done": "success", "failed": "failed"}
        entries = [
            self._describe(job, states.get(job.state, "processing"), job.files)
            | {"type": "3d", "created_at": int(job.created)}
            for job in jobs[(page - 1) * per_page : page * per_page]
        ]
        last_page = max(1, -(-len(jobs) // per_page))
        pagination = {"current_page": page, "per_page": per_page, "total": len(jobs), "last_page": last_page}
        return JsonResponse({"status": "success", "data": entries, "pagination": pagination})

    def _urls(self, job: StoredJob, files: Iterable[str]) -> list[str]:
        return [f"{self.origin}/results/{job.token}/{name}" for name in files]

    def _describe(self, job: StoredJob, status: str, files: Iterable[str]) -> dict[str, Any]:
        """Returns what all replies say about a job. Its webhook is not echoed: the URL may be a secret."""
        echoed = {name: value for name, value in job.parameters.items() if name not in {"webhook", "track_id"}}
        return {
            "status": status,
            "id": job.id,
            "track_id": job.parameters["track_id"],
            "output": self._urls(job, files),
            "meta": {**echoed, "file_prefix": job.token},
        }


def _validate(request: dict[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Returns all parameters of a submit, and the errors by parameter. Unknown names are ignored."""
    parameters, errors = defaults(local=True), {}
    given = {**request, "image": request.get("image") or request.get("init_image") or None}
    if given["image"] is None:
        errors["init_image"] = ["The init image field is required."]
    for name, parameter in PARAMETERS.items():
        try:
            if given.get(name) is not None:
                parameters[name] = parameter.check(given[name])
        except ParameterError as error:
            errors["init_image" if name == "image" else name] = [str(error.message)]
    if isinstance(parameters["track_id"], str) and len(parameters["track_id"]) > MAX_TRACK_ID:
        errors["track_id"] = [f"The track id may not be longer than {MAX_TRACK_ID} characters."]
    return parameters, errors


def _expected_files(job: StoredJob) -> list[str]:
    model = job.parameters["output_format"]
    extensions = [model, *(("mtl", "png") if model == "obj" else ()), *(("mp4",) if job.parameters["render"] else ())]
    return [f"{job.id}.{extension}" for extension in extensions]


def _positive_int(value: object, default: int, maximum: int) -> int:
    """Returns a positive integer parameter, sent as a number or as text, limited to `maximum`."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return max(1, min(int(text), maximum)) if text.isascii() and text.isdigit() and len(text) < 10 else default
