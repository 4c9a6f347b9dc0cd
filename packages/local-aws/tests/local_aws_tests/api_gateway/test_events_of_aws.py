"""Our event compared with AWS's own, by keys and types."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from local_aws_tests.api_gateway.gateway import Gateway, token
from local_aws_tests.api_gateway.usage_plan import Plan

EVENTS = json.loads((Path(__file__).parent / "events_of_aws.json").read_text())
MAPS = (
    "headers", "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters", "pathParameters",
    "stageVariables", "requestContext.authorizer",
)  # fmt: skip
# Variables of $context that are newer than the published samples; the recorded event has them:
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html
NEWER = {
    "requestContext.deploymentId",
    "requestContext.extendedRequestId",
    "requestContext.identity.principalOrgId",
}
NEWER_THAN_THE_GUIDE = NEWER | {"requestContext.identity.accessKey"} | {
    f"requestContext.{name}" for name in ("domainName", "domainPrefix", "path", "protocol", "requestTime", "requestTimeEpoch")
}  # fmt: skip


def shape(value: object, path: str = "") -> dict[str, str]:
    """Return path of each key → type of its value."""
    if isinstance(value, Mapping) and path not in MAPS:
        found: dict[str, str] = {}
        for key, item in value.items():
            found |= shape(item, f"{path}.{key}".lstrip("."))
        return found
    return {path: _type(value)}


def _type(value: object) -> str:
    if isinstance(value, Mapping):
        return "map of lists" if all(isinstance(item, list) for item in value.values()) else "map"
    names = {type(None): "null", bool: "boolean", str: "string", int: "number"}
    return names[type(value)]


def published(name: str) -> dict[str, str]:
    found: dict[str, str] = {}

    def walk(value: object, path: str) -> None:
        if isinstance(value, Mapping):
            for key, item in value.items():
                walk(item, f"{path}.{key}".lstrip("."))
        else:
            found[path] = str(value)

    walk(EVENTS[name]["event"], "")
    return found


@pytest.fixture
def sent(gateway: Gateway) -> dict[str, Any]:
    """Send the request of the developer guide: a POST below a greedy path, with query, body and
    stage variables.
    """
    headers = [("Content-Type", "application/json"), ("headerName", "headerValue"), ("User-Agent", "tester"),
               ("Connection", "close"), ("Content-MD5", "x"), ("TE", "trailers"), ("Max-Forwards", "1")]  # fmt: skip
    path = "/dev/v1/files/hello/world?name=me&multivalueName=you&multivalueName=me&echo"
    event: dict[str, Any] = gateway.call("POST", path, b'{"a": 1}', headers).json
    return event


def test_the_event_has_the_keys_of_one_recorded_on_aws(sent: dict[str, Any]) -> None:
    assert shape(sent) == published("recorded") | {
        "stageVariables": "map"
    }  # the recorded stage had no variables


def test_the_event_has_the_keys_of_the_developer_guides_sample(sent: dict[str, Any]) -> None:
    ours, theirs = shape(sent), published("developer_guide")
    assert ours.keys() - theirs.keys() == NEWER_THAN_THE_GUIDE
    assert theirs.keys() - ours.keys() == {
        "requestContext.identity.apiKey"
    }  # only where a method requires an API key
    assert {key: ours[key] for key in ours.keys() & theirs.keys()} == {
        key: theirs[key] for key in ours.keys() & theirs.keys()
    }


def test_the_event_has_the_values_of_the_developer_guides_sample(sent: dict[str, Any]) -> None:
    assert (sent["resource"], sent["path"], sent["httpMethod"]) == (
        "/v1/files/{path+}",
        "/v1/files/hello/world",
        "POST",
    )
    assert sent["pathParameters"] == {"path": "hello/world"}
    assert sent["queryStringParameters"] == {"name": "me", "multivalueName": "me", "echo": ""}
    assert sent["multiValueQueryStringParameters"] == {
        "name": ["me"],
        "multivalueName": ["you", "me"],
        "echo": [""],
    }
    assert (sent["body"], sent["isBase64Encoded"]) == ('{"a": 1}', False)
    assert sent["requestContext"]["path"] == "/dev/v1/files/hello/world"
    assert sent["headers"].keys() == sent["multiValueHeaders"].keys() == {
        "Host", "Accept-Encoding", "Content-Type", "headerName", "User-Agent",
        "X-Amzn-Trace-Id", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto",
    }  # fmt: skip


def test_the_event_of_an_authorized_method_with_a_key_has_the_keys_of_aws_lambda_gos_sample(
    plan: Plan,
) -> None:
    _, value = plan.new_key()
    event = plan.call(
        value, path="/v1/keyed/me?a=1", Authorization=token(), **{"User-Agent": "tester"}
    ).json
    ours, theirs = shape(event), published("aws_lambda_go")
    assert ours.keys() - theirs.keys() == NEWER | {"isBase64Encoded"}
    assert theirs.keys() == ours.keys() & theirs.keys()
    assert set(event["requestContext"]["authorizer"]) == {
        "claims"
    }  # ours are a Cognito authorizer's, the sample's are a Lambda authorizer's
    # The event is of a GET without parameters and without IAM: null where the sample has a value.
    for_others = ("pathParameters", "body", *(f"requestContext.identity.{name}" for name in (
        "accessKey", "accountId", "caller", "cognitoAuthenticationProvider", "cognitoAuthenticationType",
        "cognitoIdentityId", "cognitoIdentityPoolId", "user", "userArn",
    )))  # fmt: skip
    assert {key for key in theirs if ours[key] != theirs[key]} == set(for_others)
    assert all(ours[key] == "null" for key in for_others)


def test_encoded_paths_are_passed_on_unchanged(gateway: Gateway) -> None:
    """Check the values recorded on AWS: `%2B`, `+` and `@` of a greedy path, and `+` for a space in
    a query.
    """
    tail = "api/user/test%2Balias@example.com/plus/test+alias@example.com"
    event = gateway.call(
        "GET", f"/dev/v1/files/{tail}?plus=test+alias&email=test%2Balias&zhash=abort/"
    ).json
    assert event["path"] == f"/v1/files/{tail}"
    assert event["pathParameters"] == {"path": tail}
    assert event["requestContext"]["path"] == f"/dev/v1/files/{tail}"
    assert gateway.call("GET", "/v1/files/tail/").json["pathParameters"] == {"path": "tail"}
    assert event["queryStringParameters"] == {
        "plus": "test alias",
        "email": "test+alias",
        "zhash": "abort/",
    }
