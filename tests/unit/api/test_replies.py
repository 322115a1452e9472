# SPDX-License-Identifier: GPL-3.0-or-later
"""Every shape of reply the service is known to send gives the right outcome or a readable error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from image_to_3d.api.replies import Reply, extension, merged, read_reply
from image_to_3d.errors import (
    ImageTo3DError,
    KeyRejectedError,
    NoCreditError,
    RateLimitError,
    ServiceBrokenError,
    ServiceRefusedError,
)
from requests.structures import CaseInsensitiveDict

SECRET = "kA93jfQz7LmTb0XvSecret"
GLB = "https://pub-3626123a908346a7a8be8d9295f44e26.r2.dev/generations/0-f85a.glb"
MP4 = "https://pub-3626123a908346a7a8be8d9295f44e26.r2.dev/generations/0-f85a.mp4"
PROXY = "https://cdn2.stablediffusionapi.com/generations/0-f85a.glb"
FUTURE = "https://later.example/generations/0-f85a.glb"


def read(data: object, status_code: int = 200, **headers: str) -> Reply:
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    given = CaseInsensitiveDict({k.replace("_", "-"): v for k, v in headers.items()})
    return read_reply(status_code, given, body, secret=SECRET)


def refused(data: object, status_code: int = 200, **headers: str) -> ImageTo3DError:
    with pytest.raises(ImageTo3DError) as raised:
        read(data, status_code, **headers)
    return raised.value


# What the contract shows


def test_success_gives_the_links_and_the_seed() -> None:
    reply = read(
        {
            "status": "success",
            "generationTime": 10.62,
            "id": 109655545,
            "output": [GLB],
            "proxy_links": [PROXY],
            "meta": {"seed": 3480183101, "output_format": "glb", "resolution": "256"},
        }
    )
    assert reply.done
    assert reply.id == "109655545"
    assert reply.links == ((GLB, PROXY),)
    assert reply.seed == "3480183101"
    assert reply.raw["meta"]["resolution"] == "256"


def test_the_reply_to_a_submit_has_the_url_to_poll_and_the_expected_time() -> None:
    reply = read(
        {
            "status": "processing",
            "tip": "Your request is in the queue.",
            "eta": 4,
            "message": "Try to fetch request after seconds estimated",
            "fetch_result": "https://modelslab.com/api/v6/3d/fetch/109655545",
            "id": 109655545,
            "output": [],
            "meta": {"seed": 0},
            "future_links": [FUTURE],
            "extra_assets": [],
        }
    )
    assert not reply.done
    assert reply.id == "109655545"
    assert reply.eta == 4.0
    assert reply.fetch_url == "https://modelslab.com/api/v6/3d/fetch/109655545"
    assert reply.links == ((FUTURE,),)


def test_processing_at_fetch_is_short_and_its_output_is_a_text() -> None:
    reply = read({"status": "processing", "message": "try again later.", "output": "", "tip": "Wait a little"})
    assert (reply.done, reply.id, reply.eta, reply.links) == (False, "", None, ())


def test_the_reply_is_kept_as_it_came() -> None:
    sent = {"status": "success", "output": [GLB], "something_new": {"deep": [1, 2.5, None, True, "x"]}}
    assert read(sent).raw == sent


# Status


@pytest.mark.parametrize("word", ["success", "Success", "SUCCESS", " success "])
def test_success_is_recognized_in_upper_and_lower_case(word: str) -> None:
    assert read({"status": word, "output": [GLB]}).done


@pytest.mark.parametrize("word", ["processing", "Processing", "QUEUED", "queued", "pending", "Pending"])
def test_processing_is_recognized_in_upper_and_lower_case(word: str) -> None:
    assert not read({"status": word, "id": 5, "output": []}).done


@pytest.mark.parametrize("word", ["error", "Error", "ERROR", "failed", "Failed"])
def test_a_failure_is_recognized_in_upper_and_lower_case(word: str) -> None:
    assert "Out of luck" in str(refused({"status": word, "message": "Out of luck", "id": 7, "output": [GLB]}).message)


def test_a_job_that_is_processing_is_not_done_even_if_it_has_output() -> None:
    assert not read({"status": "processing", "id": 5, "output": [GLB]}).done


@pytest.mark.parametrize("missing", [{}, {"status": None}, {"status": ""}, {"status": 7}, {"status": "thinking"}])
def test_without_a_known_status_a_list_of_output_means_done(missing: dict[str, Any]) -> None:
    assert read(missing | {"id": 5, "output": [GLB]}).done


@pytest.mark.parametrize("missing", [{}, {"status": None}, {"status": "starting"}])
@pytest.mark.parametrize("output", [[], "", None, {}])
@pytest.mark.parametrize("handle", [{"id": 5}, {"fetch_result": "https://modelslab.com/api/v6/3d/fetch/5"}])
def test_without_a_known_status_and_output_an_id_or_url_means_processing(
    missing: dict[str, Any], output: object, handle: dict[str, Any]
) -> None:
    reply = read(missing | handle | {"output": output})
    assert not reply.done
    assert reply.id == "5"


@pytest.mark.parametrize("data", [{}, {"status": None}, {"output": []}, {"output": "", "id": None}])
def test_a_reply_that_says_nothing_is_an_error(data: object) -> None:
    assert isinstance(refused(data), ServiceBrokenError)


def test_without_a_status_and_anything_else_the_text_is_an_error() -> None:
    error = refused({"message": "Model is not available"})
    assert isinstance(error, ServiceRefusedError)
    assert "Model is not available" in str(error.message)


def test_the_bodys_status_counts_more_than_http() -> None:
    assert read({"status": "success", "output": [GLB]}, 500).done
    assert read({"status": "processing", "id": 5}, 429).id == "5"
    assert isinstance(refused({"status": "error", "message": "no"}, 200), ServiceRefusedError)


def test_without_a_status_http_counts() -> None:
    assert isinstance(refused({"id": 5, "output": [GLB]}, 500), ServiceBrokenError)
    assert isinstance(refused({"message": "Not found"}, 404), ServiceRefusedError)


# Error texts


@pytest.mark.parametrize("field", ["message", "messege", "error", "errors"])
@pytest.mark.parametrize(
    "value",
    [
        "The init image field is required.",
        ["The init image field is required."],
        {"init_image": ["The init image field is required."]},
        {"init_image": "The init image field is required."},
        [{"init_image": ["The init image field is required."]}],
        {"errors": {"init_image": {"0": ["The init image field is required."]}}},
        '{"init_image":["The init image field is required."]}',
    ],
    ids=lambda v: type(v).__name__,
)
@pytest.mark.parametrize("status_code", [200, 400])
def test_the_reason_is_found_wherever_and_however_it_is_sent(field: str, value: object, status_code: int) -> None:
    error = refused({"status": "error", field: value}, status_code)
    assert isinstance(error, ServiceRefusedError)
    assert "The init image field is required." in str(error.message)
    assert not set("{}[]") & set(str(error.message))


def test_a_reason_that_does_not_name_its_field_gets_the_name() -> None:
    assert "resolution: must be at most 512" in str(
        refused({"status": "error", "errors": {"resolution": ["must be at most 512"]}}).message
    )


def test_several_reasons_are_all_told() -> None:
    error = refused(
        {"message": "Bad input", "errors": {"image": ["The image is not public."], "seed": ["The seed is odd."]}}, 422
    )
    assert all(text in str(error.message) for text in ("Bad input", "The image is not public.", "The seed is odd."))


@pytest.mark.parametrize("value", [None, "", [], {}, False, True, "   "])
def test_an_error_without_a_reason_is_still_a_readable_one(value: object) -> None:
    error = refused({"status": "error", "message": value}, 400)
    assert isinstance(error, ServiceRefusedError)
    assert "HTTP 400" in str(error.message)


def test_a_long_and_dirty_reason_is_cut_and_cleaned() -> None:
    error = refused({"status": "error", "message": "<b>Bad</b>\x00\x1b[31m\r\n\tthing\u202e " + "x" * 100_000})
    assert "Bad thing" in str(error.message)
    assert str(error.message).isprintable()
    assert len(str(error.message)) < 400


# Which error


@pytest.mark.parametrize(
    ("status_code", "kind"),
    [
        (400, ServiceRefusedError),
        (401, KeyRejectedError),
        (402, NoCreditError),
        (403, KeyRejectedError),
        (404, ServiceRefusedError),
        (405, ServiceRefusedError),
        (413, ServiceRefusedError),
        (422, ServiceRefusedError),
        (429, RateLimitError),
        (500, ServiceBrokenError),
        (502, ServiceBrokenError),
        (503, ServiceBrokenError),
        (504, ServiceBrokenError),
        (529, ServiceBrokenError),
    ],
)
@pytest.mark.parametrize(
    "body",
    [
        {"status": "error", "message": "It did not work"},
        {"message": "It did not work"},
        {},
        b"<!DOCTYPE html><html><body>nginx</body></html>",
        b"It did not work",
        b"",
    ],
    ids=["error", "text only", "empty object", "html", "plain", "empty"],
)
def test_an_http_status_gives_the_same_error_whatever_the_body(status_code: int, kind: type, body: object) -> None:
    error = refused(body, status_code)
    assert type(error) is kind
    assert f"HTTP {status_code}" in str(error.message)


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"", b"OK", b"null", b"[]", b"7", b'"success"', b'{"status": "succ', b"\xff\xfe\x00", b"[" * 5000],
)
@pytest.mark.parametrize("status_code", [200, 201])
def test_a_body_that_is_no_reply_is_a_readable_error_naming_the_status(body: bytes, status_code: int) -> None:
    error = refused(body, status_code)
    assert isinstance(error, ServiceBrokenError)
    assert f"HTTP {status_code}" in str(error.message)


def test_a_gateways_page_is_called_a_web_page() -> None:
    assert "web page" in str(refused(b"\n<!doctype html><title>502 Bad Gateway</title>", 502).message)


@pytest.mark.parametrize("status_code", [200, 400, 403, 500])
@pytest.mark.parametrize(
    "text",
    [
        "You don't have enough credits",
        "Insufficient credit, please buy more",
        "Your wallet is empty. Please recharge",
        "Your subscription has expired",
        "Please subscribe to a plan",
        "You have exhausted your monthly calls",
        "Insufficient funds",
        "Insufficient balance in your account",
        "Payment required",
        "CREDITS EXHAUSTED",
    ],
)
def test_texts_about_credit_are_a_missing_credit(text: str, status_code: int) -> None:
    error = refused({"status": "error", "message": text}, status_code)
    assert isinstance(error, NoCreditError)
    assert text in str(error.message)


@pytest.mark.parametrize("status_code", [200, 400, 403, 429, 503])
@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Rate limit exceeded", None),
        ("rate_limit reached", None),
        ("Too many requests", None),
        ("You have reached the limit, try again in 30 minutes", 1800),
        ("Rate limit exceeded, you can try again in 30 minutes.", 1800),
        ("Please retry after 45 seconds", 45),
        ("try again in 1 hour", 3600),
        ("Try again in 1 hour and 30 minutes", 5400),
        ("try again in 2m", 120),
        ("Try again in a minute", 60),
        ("try again in an hour", 3600),
        ("Rate limit of 10 requests per minute exceeded. Try again in 20 secs", 20),
        ("Rate limit: 5 requests per 1 hour", None),
        ("Rate limit. Please wait 90s", 90),
        ("Your subscription allows 5 queued requests; limit reached, try again in 5 mins", 300),
        ("The queue is full, try again later", None),
        ("You have exceeded the number of requests of your plan", None),
        ("Maximum limit of 5 queued requests reached", None),
    ],
)
def test_texts_about_waiting_are_a_rate_limit_with_its_seconds(
    text: str, seconds: float | None, status_code: int
) -> None:
    error = refused({"status": "error", "message": text}, status_code)
    assert isinstance(error, RateLimitError)
    assert error.retry_after == seconds


@pytest.mark.parametrize(
    "text",
    [
        "Invalid API Key",
        "Your API key is invalid",
        "api_key not found",
        "Unauthorized",
        "Unauthenticated.",
        "The key field is required.",
    ],
)
def test_texts_about_the_key_are_a_rejected_key(text: str) -> None:
    assert isinstance(refused({"status": "error", "message": text}), KeyRejectedError)


@pytest.mark.parametrize(
    "text",
    [
        "The request exceeds the 5 MB limit",
        "Your request is over the size limit",
        "Could not fetch the image: 401 Unauthorized",
        "The image must be uploaded within 24 hours",
        "Resolution is limited to 512",
        "NSFW content detected",
    ],
)
def test_texts_that_only_sound_like_these_are_a_refusal(text: str) -> None:
    error = refused({"status": "error", "message": text})
    assert isinstance(error, ServiceRefusedError)
    assert error.retry_after is None


def test_exhausted_memory_is_not_taken_for_exhausted_credit() -> None:
    assert isinstance(refused({"status": "failed", "message": "GPU memory exhausted"}), ServiceRefusedError)


# How long to wait


@pytest.mark.parametrize("value", [30, 30.0, "30", " 30 ", "30.0", "30 seconds", "0.5 minutes"])
def test_retry_after_in_the_body(value: object) -> None:
    assert refused({"status": "error", "message": "Slow down", "retry_after": value}, 429).retry_after == 30


@pytest.mark.parametrize("name", ["Retry_After", "retry_after", "RETRY_AFTER"])
def test_retry_after_in_a_header(name: str) -> None:
    assert refused({"message": "Slow down"}, 429, **{name: "17"}).retry_after == 17
    assert refused(b"<html>", 503, **{name: "17"}).retry_after == 17


def test_retry_after_as_a_date_is_measured_by_the_servers_clock() -> None:
    error = refused({}, 429, Date="Fri, 13 Mar 2015 10:00:00 GMT", Retry_After="Fri, 13 Mar 2015 10:02:30 GMT")
    assert error.retry_after == 150


def test_retry_after_as_a_date_that_has_passed_is_now() -> None:
    assert refused({}, 429, Retry_After="Fri, 13 Mar 2015 10:00:00 GMT").retry_after == 0


def test_the_body_counts_more_than_the_header_and_the_header_more_than_the_text() -> None:
    text = {"message": "try again in 30 minutes"}
    assert refused(text | {"retry_after": 5}, 429, Retry_After="7").retry_after == 5
    assert refused(text, 429, Retry_After="7").retry_after == 7
    assert refused(text, 429).retry_after == 1800


@pytest.mark.parametrize("value", [-5, "-5", "soon", None, True, [], {}, "", "nan", "inf"])
def test_a_retry_after_that_is_no_time_is_none(value: object) -> None:
    assert refused({"message": "Rate limit", "retry_after": value}, 429).retry_after is None


@pytest.mark.parametrize("value", [10**9, "9" * 12, 1e300])
def test_a_retry_after_of_more_than_a_day_is_a_day(value: object) -> None:
    assert refused({"retry_after": value}, 429).retry_after == 24 * 3600


@pytest.mark.parametrize("value", ["Fri, 99 Mar 2015", "\x00", "Mon, 01 Jan 99999 00:00:00 GMT", "-1", ",,,"])
def test_a_retry_after_header_that_makes_no_sense_is_none(value: str) -> None:
    assert refused({}, 429, Retry_After=value).retry_after is None


# Ids, times, seeds


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (109655545, "109655545"),
        ("109655545", "109655545"),
        ("a1b2-c3", "a1b2-c3"),
        (109655545.0, "109655545"),
        (10**30, "1" + "0" * 30),
        (None, ""),
        ("", ""),
        ("..", ""),
        ("a\nb", ""),
        ("x" * 201, ""),
        (True, ""),
        ([5], ""),
        ({"id": 5}, ""),
    ],
)
def test_an_id_is_opaque_text(value: object, text: str) -> None:
    assert read({"status": "processing", "id": value}).id == text


def test_a_missing_id_is_found_in_the_url_to_poll() -> None:
    assert (
        read({"status": "processing", "id": None, "fetch_result": "https://x.example/api/v6/3d/fetch/a%20b"}).id
        == "a b"
    )


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (4, 4.0), (4.25, 4.25), ("4", 4.0), ("4.25", 4.25), ("4 seconds", 4.0), ("2 minutes", 120.0),
        (0, 0.0), (-3, 0.0), ("-3", 0.0),
        (10**9, 86400.0), (10**400, None), (None, None), ("", None), ("soon", None), ("nan", None), (True, None),
        ([4], None), ({}, None),
    ],
)  # fmt: skip
def test_the_expected_time_is_read_in_any_form(value: object, seconds: float | None) -> None:
    assert read({"status": "processing", "id": 1, "eta": value}).eta == seconds


@pytest.mark.parametrize("value", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"9" * 5000])
def test_an_expected_time_that_is_not_finite_is_ignored(value: bytes) -> None:
    reply = read(b'{"status": "processing", "id": 1, "eta": ' + value + b"}")
    assert reply.eta is None
    json.dumps(dict(reply.raw), allow_nan=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3480183101, "3480183101"),
        ("3480183101", "3480183101"),
        (3480183101.0, "3480183101"),
        ("3480183101.0", "3480183101"),
        (2**32 - 1, "4294967295"),
        (2**32, ""),
        (0, ""),
        (-1, ""),
        (None, ""),
        ("random", ""),
        (True, ""),
        ([7], ""),
    ],
)
def test_a_seed_is_unsigned_text_or_not_told(value: object, text: str) -> None:
    assert read({"status": "success", "output": [GLB], "meta": {"seed": value}}).seed == text
    assert read({"status": "success", "output": [GLB], "seed": value}).seed == text


def test_the_seed_in_meta_counts_more_unless_it_is_the_random_one() -> None:
    assert read({"status": "success", "output": [GLB], "seed": 5, "meta": {"seed": 7}}).seed == "7"
    assert read({"status": "success", "output": [GLB], "seed": 5, "meta": {"seed": 0}}).seed == "5"


@pytest.mark.parametrize("meta", [None, [], "", 7, "text", [{"seed": 3}]])
def test_a_meta_that_is_not_an_object_is_ignored(meta: object) -> None:
    reply = read({"status": "success", "output": [GLB], "meta": meta})
    assert (reply.done, reply.seed) == (True, "")
    assert reply.seed == ""


# Links


@pytest.mark.parametrize(
    "output",
    [
        [GLB],
        GLB,
        f" {GLB}\n",
        [[GLB]],
        {"model": GLB},
        [{"url": GLB}],
        {"files": [{"url": GLB}]},
        [GLB, GLB],
        [None, GLB, "", 7],
    ],
)
def test_output_is_read_in_any_form(output: object) -> None:
    reply = read({"status": "success", "output": output})
    assert reply.done
    assert reply.links == ((GLB,),)


@pytest.mark.parametrize(
    "output", [[], "", None, {}, 7, "done", ["file:///etc/passwd"], ["ftp://x/y.glb", "javascript:1"]]
)
def test_success_without_valid_links_has_no_links(output: object) -> None:
    reply = read({"status": "success", "output": output})
    assert reply.done
    assert reply.links == ()


@pytest.mark.parametrize(
    "proxies",
    [
        [PROXY],
        PROXY,
        {"0": PROXY},
        {"model": PROXY},
        {GLB: PROXY},
        {GLB: [PROXY]},
        [[PROXY]],
        [PROXY, PROXY],
        [GLB, PROXY],
    ],
)
def test_proxy_links_in_any_form_are_tried_next(proxies: object) -> None:
    assert read({"status": "success", "output": [GLB], "proxy_links": proxies}).links == ((GLB, PROXY),)


@pytest.mark.parametrize("proxies", [None, "", [], {}, 7, "none", [None]])
def test_proxy_links_may_be_missing(proxies: object) -> None:
    assert read({"status": "success", "output": [GLB], "proxy_links": proxies}).links == ((GLB,),)


def test_each_file_gets_its_own_mirrors_in_order() -> None:
    proxy_video = "https://cdn2.stablediffusionapi.com/generations/0-f85a.mp4"
    reply = read(
        {
            "status": "success",
            "output": [MP4, GLB],
            "proxy_links": [PROXY, proxy_video],
            "future_links": [FUTURE],
        }
    )
    assert reply.links == ((MP4, proxy_video), (GLB, PROXY, FUTURE))


def test_mirrors_under_other_names_are_told_by_their_place_or_kind() -> None:
    other_glb, other_mp4 = "https://m.example/aaa.glb", "https://m.example/bbb.mp4"
    reply = read({"status": "success", "output": [MP4, GLB], "proxy_links": [other_mp4, other_glb]})
    assert reply.links == ((MP4, other_mp4), (GLB, other_glb))
    reply = read({"status": "success", "output": [MP4, GLB], "future_links": [other_glb]})
    assert reply.links == ((MP4,), (GLB, other_glb))


def test_a_video_is_never_a_models_mirror() -> None:
    assert read({"status": "success", "output": [GLB], "proxy_links": [MP4]}).links == ((GLB,),)


def test_without_output_the_proxies_are_the_files_and_the_announced_links_their_mirrors() -> None:
    assert read({"status": "success", "output": [], "proxy_links": [PROXY], "future_links": [FUTURE]}).links == (
        (PROXY, FUTURE),
    )
    assert read({"status": "success", "output": "", "future_links": [FUTURE, MP4]}).links == ((FUTURE,), (MP4,))


def test_links_announced_earlier_become_the_last_mirrors() -> None:
    announced = read({"status": "processing", "id": 5, "output": [], "future_links": [FUTURE]}).links
    done = read({"status": "success", "output": [GLB], "proxy_links": [PROXY]}).links
    assert merged(done, announced) == ((GLB, PROXY, FUTURE),)
    assert merged(done, ()) == done


def test_a_flood_of_links_is_cut() -> None:
    assert len(read({"status": "success", "output": [f"https://x.example/{i}.glb" for i in range(10_000)]}).links) <= 64


@pytest.mark.parametrize(
    "address", ["", "fetch/5", "file:///x", "https://", 7, None, [], {}, "https://host:bad/x", "http://a b/"]
)
def test_an_invalid_url_to_poll_is_ignored(address: object) -> None:
    assert read({"status": "processing", "id": 5, "fetch_result": address}).fetch_url == ""


@pytest.mark.parametrize(
    ("url", "ending"),
    [
        (GLB, "glb"),
        ("https://x.example/a.GLB?X-Amz-Signature=a.mp4", "glb"),
        ("https://x.example/a.glb#b.mp4", "glb"),
        ("https://x.example/a%2Eobj", "obj"),
        ("https://x.example/model", ""),
        ("https://x.example/", ""),
        ("https://x.glb", ""),
    ],
)
def test_the_extension_of_a_file_is_read_from_its_url(url: str, ending: str) -> None:
    assert extension(url) == ending


# Never the key


@pytest.mark.parametrize("status_code", [200, 400, 401, 429, 500])
def test_a_key_that_the_service_repeats_gets_nowhere(status_code: int) -> None:
    data = {
        "status": "error",
        "message": f"Key {SECRET} ({SECRET.lower()}) is bad",
        "errors": {SECRET: [f"<b>{SECRET}</b>"]},
        "url": f"https://x.example/?key={SECRET}",
    }
    error = refused(data, status_code)
    assert SECRET.lower() not in f"{error} {error.message!s} {error!r}".lower()


def test_a_key_in_a_reply_is_not_kept() -> None:
    reply = read(
        {
            "status": "processing",
            "id": SECRET,
            "tip": f"key={SECRET}",
            "fetch_result": f"https://modelslab.com/api/v6/3d/fetch/5?key={SECRET}",
            "meta": {"key": SECRET, "list": [{SECRET: SECRET.upper()}]},
        }
    )
    assert SECRET.lower() not in repr(reply).lower()
    assert reply.fetch_url == ""


def test_a_key_with_odd_characters_is_found_in_all_its_spellings() -> None:
    secret = "pass word/+&ü<9>"
    body = json.dumps(
        {
            "status": "error",
            "message": "pass word/+&ü<9> pass%20word%2F%2B%26%C3%BC%3C9%3E "
            "pass+word%2F%2B%26%C3%BC%3C9%3E pass\n word/+&ü<9>",
        }
    ).encode()
    with pytest.raises(ImageTo3DError) as raised:
        read_reply(400, {}, body, secret=secret)
    assert "word" not in str(raised.value.message)


def test_lone_surrogates_are_removed_from_replies() -> None:
    reply = read(b'{"status": "processing", "id": "a", "tip": "\\ud800 x \\udfff", "\\udc00": "\\ud800"}')
    json.dumps(dict(reply.raw), ensure_ascii=False).encode()
    str(reply.raw).encode()


def test_a_reply_in_another_encoding_is_read() -> None:
    data = {"status": "success", "output": [GLB], "message": "fertig – schön"}
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        assert read(json.dumps(data, ensure_ascii=False).encode(encoding)).links == ((GLB,),)


def test_bytes_that_are_no_utf8_do_not_lose_the_reply() -> None:
    reply = read(b'{"status": "success", "output": ["' + GLB.encode() + b'"], "message": "f\xfcr dich"}')
    assert reply.links == ((GLB,),)
