"""Responses to clients, from functions, from mocks, and from the gateway itself."""

import base64
import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from local_aws.api_gateway import integration
from local_aws.lambda_service.pool import Limits
from local_aws_tests.api_gateway.gateway import Gateway
from local_aws_tests.support.waiting import settle


def test_status_headers_and_body_are_those_of_the_function(gateway: Gateway) -> None:
    many = {"Set-Cookie": ["a=1", "b=2"], "X-Both": ["m"]}
    answer = gateway.told(
        {
            "statusCode": "201",
            "headers": {"X-Both": "s", "X-Flag": True},
            "multiValueHeaders": many,
            "body": "ü",
        }
    )
    assert (answer.status, answer.body.decode()) == (201, "ü")
    assert answer.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert answer.headers.get_all("X-Both") == ["m", "s"]
    assert answer.headers["X-Flag"] == "true"
    assert answer.headers["Content-Type"] == "application/json"


REMAPPED = (
    "Authorization", "Connection", "Content-Length", "Content-MD5", "Date", "Expect", "Host", "Max-Forwards",
    "Proxy-Authenticate", "Server", "User-Agent", "WWW-Authenticate",
)  # fmt: skip


def test_headers_reserved_by_aws_are_renamed(gateway: Gateway) -> None:
    own = {"x-amzn-RequestId": "mine", "Transfer-Encoding": "mine", "Content-Type": "text/mine"}
    answer = gateway.told({"statusCode": 401, "headers": dict.fromkeys(REMAPPED, "mine") | own})
    assert {name: answer.headers[f"x-amzn-Remapped-{name}"] for name in REMAPPED} == dict.fromkeys(
        REMAPPED, "mine"
    )
    assert [
        name for name, value in answer.headers.items() if value == "mine" and "Remapped" not in name
    ] == []
    assert answer.headers["Content-Type"] == "text/mine"


def test_base64_is_decoded_only_for_binary_media_types(gateway: Gateway) -> None:
    coded = base64.b64encode(b"\xff\x00").decode()
    told = {"statusCode": 200, "body": coded, "isBase64Encoded": True}
    image = gateway.call("POST", "/v1/things", told, [("Accept", "image/png")])
    assert image.body == b"\xff\x00"
    assert gateway.told(told).body == coded.encode()


@pytest.mark.parametrize(
    "told",
    [
        {"statusCode": None}, {"statusCode": "abc"}, {"statusCode": 99}, {"statusCode": 600},
        {"statusCode": 200.5}, {"statusCode": True},
        {"statusCode": 200, "body": {"a": 1}}, {"statusCode": 200, "body": [1]}, {"statusCode": 200, "body": 1},
        {"statusCode": 200, "headers": ["x"]}, {"statusCode": 200, "headers": {"x": "a\r\nb: c"}},
        {"statusCode": 200, "headers": {"x": 1}}, {"statusCode": 200, "headers": {"x": ["1"]}},
        {"statusCode": 200, "multiValueHeaders": {"x": "1"}}, {"statusCode": 200, "multiValueHeaders": {"x": [{}]}},
        {"statusCode": 200, "isBase64Encoded": "yes"}, {"statusCode": 200, "more": 1}, [1], "text",
    ],
)  # fmt: skip
def test_a_malformed_function_response_is_502(gateway: Gateway, told: object) -> None:
    answer = gateway.told(told)
    assert (answer.status, answer.json) == (502, {"message": "Internal server error"})
    assert answer.headers["x-amzn-ErrorType"] == "InternalServerErrorException"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"  # the body's DEFAULT_5XX
    assert "Malformed Lambda proxy response" in gateway.lines[-1]


@pytest.mark.parametrize(
    ("told", "content"),
    [({}, b""), ({"headers": {"x-mine": "1"}}, b""), ({"body": "no status"}, b"no status")],
)
def test_an_answer_without_a_status_is_a_200(
    gateway: Gateway, told: dict[str, Any], content: bytes
) -> None:
    """Check a response as recorded on AWS: LocalStack's suite,
    test_apigateway_lambda.snapshot.json.
    """
    answer = gateway.told(told)
    assert (answer.status, answer.body) == (200, content)


def test_a_function_error_is_502_without_details(gateway: Gateway) -> None:
    answer = gateway.told("raise")
    assert (answer.status, answer.json) == (502, {"message": "Internal server error"})
    assert "as told" in gateway.lines[-1]


def test_null_is_a_malformed_response(gateway: Gateway) -> None:
    assert gateway.call("POST", "/v1/things", b"null").status == 502
    assert "NoneType" in gateway.lines[-1]


def test_a_response_over_6_mb_is_502(gateway: Gateway) -> None:
    most = 6_291_556 - len('{"statusCode": 200, "body": ""}')
    assert len(gateway.call("POST", "/v1/things", {"body of": most}).body) == most
    assert gateway.call("POST", "/v1/things", {"body of": most + 1}).json == {
        "message": "Internal server error"
    }
    assert "ResponseSizeTooLarge" in gateway.lines[-1]


def test_an_integration_timeout_is_at_most_29_seconds(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert integration.TIMEOUT_SECONDS == 29
    monkeypatch.setattr(integration, "TIMEOUT_SECONDS", 0.3)
    assert gateway.call("POST", "/v1/things", "sleep").status == 504


def test_a_lambda_integration_with_another_method_than_post_is_500(gateway: Gateway) -> None:
    assert gateway.call("GET", "/v1/got").status == 500
    assert "invoked by POST" in gateway.lines[-1]


def test_a_slow_integration_is_504(gateway: Gateway) -> None:
    answer = gateway.call("POST", "/v1/slow", "sleep")
    assert (answer.status, answer.json) == (504, {"message": "Endpoint request timed out"})


def test_a_throttled_function_is_a_500(gateway: Gateway) -> None:
    client = gateway.aws.client("lambda")
    client.put_function_concurrency(FunctionName="puppet", ReservedConcurrentExecutions=0)
    try:
        answer = gateway.call("GET", "/v1/things")
    finally:
        client.delete_function_concurrency(FunctionName="puppet")
    assert (answer.status, answer.json) == (500, {"message": "Internal server error"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*", "the API's own DEFAULT_5XX applies"
    assert "TooManyRequestsException: Rate Exceeded." in gateway.lines[-1]
    assert gateway.call("GET", "/v1/things").status == 200


def test_a_waiting_call_is_dropped_once_its_client_or_its_time_is_gone(gateway: Gateway) -> None:
    """Let both calls wait for a busy worker. Neither may run once it is free."""
    began, may_end = (gateway.aws.settings.root / name for name in ("began", "may-end"))
    for folder in (began, may_end):
        folder.mkdir()
    gateway.aws.functions._pools.limits = Limits(workers=1)
    gateway.aws.client("lambda").update_function_configuration(
        FunctionName="gated", Timeout=61
    )  # a new worker pool

    def told(name: str) -> bytes:
        return json.dumps([str(began / name), str(may_end / name)]).encode()

    with ThreadPoolExecutor(2) as callers:
        busy = callers.submit(gateway.call, "POST", "/v1/gated", told("busy"))
        assert settle((began / "busy").exists, 60)
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port)
        connection.request("POST", "/v1/gated", told("gone"))
        assert settle(lambda: waiting(gateway) == 1, 60)
        connection.close()
        assert settle(lambda: waiting(gateway) == 0, 60)
        assert gateway.lines[-1].endswith("the client closed the connection before it was answered")
        assert gateway.call("POST", "/v1/gated/briefly", told("late")).status == 504
        (may_end / "busy").touch()
        (may_end / "next").touch()
        assert busy.result(60).status == 200
    assert gateway.call("POST", "/v1/gated", told("next")).status == 200
    assert {file.name for file in began.iterdir()} == {"busy", "next"}


def waiting(gateway: Gateway) -> int:
    return sum(len(pool._waiting) for pool in gateway.aws.functions._pools.all())


@pytest.mark.parametrize("size", [10 * 1024 * 1024 + 1, 7 * 1024 * 1024])
def test_a_body_over_the_limit_of_gateway_or_lambda_is_413(gateway: Gateway, size: int) -> None:
    answer = gateway.call("PUT", "/v1/things?echo", b"x" * size)
    assert (answer.status, answer.json) == (413, {"message": "Request Too Long"})


def test_a_function_that_does_not_permit_the_api_is_500(gateway: Gateway) -> None:
    answer = gateway.call("GET", "/v1/unpermitted")
    assert (answer.status, answer.json) == (500, {"message": "Internal server error"})
    assert "AccessDenied" in gateway.lines[-1]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/nowhere"), ("GET", "/"), ("POST", "/v1/things/special")]
)
def test_an_unknown_route_has_the_customized_missing_authentication_token(
    gateway: Gateway, method: str, path: str
) -> None:
    answer = gateway.call(method, path)
    assert answer.status == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    expected = {
        "detail": "Missing Authentication Token",
        "request_id": answer.headers["x-amzn-RequestId"],
    }
    assert answer.json == expected


def test_an_any_method_mock_serves_methods_that_the_path_lacks(gateway: Gateway) -> None:
    answer = gateway.call("DELETE", "/v1/things")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET,POST")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json == {"status": 405, "request_id": answer.headers["x-amzn-RequestId"]}


def test_a_preflight_needs_no_function(gateway: Gateway) -> None:
    answer = gateway.call("OPTIONS", "/v1/things")
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"], answer.body) == (
        204,
        "*",
        b"",
    )


def test_a_mock_without_a_template_for_the_media_type_fails_as_on_aws(gateway: Gateway) -> None:
    patch = [("Content-Type", "application/merge-patch+json")]
    assert (
        gateway.call("OPTIONS", "/v1/things", headers=patch).status == 415
    )  # passthroughBehavior: never
    assert (
        gateway.call("PATCH", "/v1/things", b"{}", patch).status == 500
    )  # the body is passed through, so it has no statusCode
