"""Events of functions, as a REST API on AWS builds them."""

import base64
import re

import pytest

from local_aws.settings import ACCOUNT_ID
from local_aws_tests.api_gateway.gateway import Gateway


def test_both_url_forms_reach_the_same_route(gateway: Gateway) -> None:
    plain, staged = (
        gateway.call("GET", path).json for path in ("/v1/things/7", "/dev/v1/things/7")
    )
    for event in (plain, staged):
        assert (event["resource"], event["path"]) == ("/v1/things/{id}", "/v1/things/7")
        assert event["pathParameters"] == {"id": "7"}
        assert event["requestContext"]["resourcePath"] == "/v1/things/{id}"
    assert plain["requestContext"]["path"] == "/v1/things/7"
    assert staged["requestContext"]["path"] == "/dev/v1/things/7"


@pytest.mark.parametrize(
    ("path", "resource", "parameters"),
    [
        ("/v1/things/special", "/v1/things/special", None),
        ("/v1/things/a%20b%2Fc", "/v1/things/{id}", {"id": "a%20b%2Fc"}),
        ("/v1/things/a%0Ab", "/v1/things/{id}", {"id": "a%0Ab"}),
        ("/v1/files/a/b/c", "/v1/files/{path+}", {"path": "a/b/c"}),
        ("/v1/files/list", "/v1/files/list", None),
        ("/v1/files/lists", "/v1/files/{path+}", {"path": "lists"}),
        ("/v1/files/list/a", "/v1/files/{path+}", {"path": "list/a"}),
        ("/v1/files/a/meta", "/v1/files/{name}/meta", {"name": "a"}),
        ("/v1/files/a/metas", "/v1/files/{path+}", {"path": "a/metas"}),
    ],
)
def test_the_most_specific_route_wins(
    gateway: Gateway, path: str, resource: str, parameters: dict[str, str] | None
) -> None:
    event = gateway.call("GET", path).json
    assert (event["resource"], event["pathParameters"], event["path"]) == (
        resource,
        parameters,
        path,
    )


def test_a_query_keeps_all_values_and_the_last_one_wins(gateway: Gateway) -> None:
    event = gateway.call("GET", "/v1/things?a=1&a=2%20x&b=&c=%C3%BC+y").json
    assert event["queryStringParameters"] == {"a": "2 x", "b": "", "c": "ü y"}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2 x"], "b": [""], "c": ["ü y"]}


def test_headers_keep_the_clients_case(gateway: Gateway) -> None:
    sent = [("X-mIxEd", "1"), ("x-many", "a"), ("x-many", "b"), ("User-Agent", "tester")]
    event = gateway.call("GET", "/v1/things", headers=sent).json
    assert event["headers"]["X-mIxEd"] == "1"
    assert event["headers"]["x-many"] == "b"
    assert event["multiValueHeaders"]["x-many"] == ["a", "b"]
    assert event["headers"]["X-Forwarded-For"] == "127.0.0.1"
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", event["headers"]["X-Amzn-Trace-Id"])
    assert event["requestContext"]["identity"]["userAgent"] == "tester"
    assert event["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"


def test_header_bytes_that_are_not_utf_8_are_decoded_like_a_body(gateway: Gateway) -> None:
    sent = [("X-Text", "ü".encode()), ("X-Bytes", b"a\xff\xfeb")]
    event = gateway.call("GET", "/v1/things", headers=sent).json
    assert (event["headers"]["X-Text"], event["headers"]["X-Bytes"]) == ("ü", "a\ufffd\ufffdb")


def test_the_request_context_is_complete(gateway: Gateway) -> None:
    answer = gateway.call("GET", "/v1/things")
    event = answer.json
    context = event["requestContext"]
    assert context["requestId"] == answer.headers["x-amzn-RequestId"]
    assert context["extendedRequestId"] == answer.headers["x-amz-apigw-id"]
    assert answer.headers["X-Amzn-Trace-Id"] == event["headers"]["X-Amzn-Trace-Id"]
    assert (context["stage"], context["apiId"], context["accountId"]) == (
        "dev",
        gateway.api_id,
        ACCOUNT_ID,
    )
    assert (context["httpMethod"], context["protocol"]) == ("GET", "HTTP/1.1")
    assert re.fullmatch(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000", context["requestTime"])
    assert context["requestTimeEpoch"] > 1_700_000_000_000
    assert "authorizer" not in context
    assert event["stageVariables"] == {"color": "green"}
    absent = ("queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "body")
    assert [event[name] for name in absent] == [None] * 4


def test_a_body_is_text_or_base64_for_binary_media_types(gateway: Gateway) -> None:
    text = gateway.call("POST", "/v1/things?echo", "ü".encode()).json
    assert (text["body"], text["isBase64Encoded"]) == ("ü", False)
    binary = gateway.call("POST", "/v1/things", b"\xff\x00", [("Content-Type", "image/png")]).json
    assert (base64.b64decode(binary["body"]), binary["isBase64Encoded"]) == (b"\xff\x00", True)
