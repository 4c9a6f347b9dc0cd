"""Events in AWS's form: API Gateway's REST proxy integration (payload v1) and Cognito's triggers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tools import ROOT
from tools.build import yaml_file
from tools.build.contract import scopes_of
from tools.laptop.answer import Answer

UID = "01890a5d-ac96-774b-bcce-b302099a8057"
OTHER = "01890a5d-ac96-774b-bcce-000000000002"
SUB = "9a8b7c6d-1234-4f6e-8a9b-0c1d2e3f4a5b"
POOL = "eu-central-1_AbCdEfGhI"

SCOPES = scopes_of(yaml_file.read(ROOT / "functions/atrium/openapi.yaml"))


@dataclass(frozen=True)
class Context:
    aws_request_id: str = "b9c8a7d6-0000-4000-8000-000000000001"
    function_name: str = "atrium-test-service"


def answer(raw: Mapping[str, Any]) -> Answer:
    assert set(raw) == {"statusCode", "headers", "body", "isBase64Encoded"}
    assert all(isinstance(value, str) for value in raw["headers"].values())
    json.dumps(raw)  # Lambda serialises the response
    return Answer(
        raw["statusCode"],
        {name.lower(): value for name, value in raw["headers"].items()},
        raw["body"].encode(),
    )


def claims(**changed: str) -> dict[str, str]:
    """Return an access token's claims as a COGNITO_USER_POOLS authorizer passes them on: all
    strings.
    """
    return {
        "sub": SUB,
        "iss": f"https://cognito-idp.eu-central-1.amazonaws.com/{POOL}",
        "client_id": "1example23456789",
        "origin_jti": "4ff8dc4e-0000-4000-8000-000000000001",
        "event_id": "7e7a1bd1-0000-4000-8000-000000000001",
        "token_use": "access",
        "scope": f"aws.cognito.signin.user.admin {' '.join(SCOPES)}",  # an administrator's scopes
        "auth_time": "1767225600",
        "exp": "Thu Jan 01 01:00:00 UTC 2026",
        "iat": "Thu Jan 01 00:00:00 UTC 2026",
        "jti": "c3f2a5d2-0000-4000-8000-000000000001",
        "username": SUB,
        "uid": UID,
        "roles": "",
        "access_epoch": "1",
    } | changed


def api_event(
    route: str,
    body: str | bytes | None = None,
    headers: Mapping[str, str] | None = None,
    token: Mapping[str, str] | None = None,
    query: Mapping[str, list[str]] | None = None,
) -> dict[str, Any]:
    """Return an event. `token` holds the authorizer's claims, None for a route without authorizer.

    A body that is a dict becomes JSON.
    """
    method, resource = route.split(" ")
    sent = {"Accept": "*/*", "Host": "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com"} | dict(
        headers or {}
    )
    authorizer = {} if token is None else {"authorizer": {"claims": dict(token)}}
    return {
        "resource": resource,
        "path": resource,
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": {name: values[-1] for name, values in query.items()}
        if query
        else None,
        "multiValueQueryStringParameters": query,
        "pathParameters": None,
        "stageVariables": {"user_pool_id": POOL},
        "requestContext": {
            "resourceId": "ab12cd",
            "resourcePath": resource,
            "httpMethod": method,
            "extendedRequestId": "JKJaXmPLvHcESHA=",
            "requestTime": "01/Jan/2026:00:00:00 +0000",
            "path": f"/dev{resource}",
            "accountId": "000000000000",
            "protocol": "HTTP/1.1",
            "stage": "dev",
            "domainPrefix": "a1b2c3d4e5",
            "requestTimeEpoch": 1767225600000,
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "identity": {"sourceIp": "203.0.113.7", "userAgent": "curl/8.7.1"},
            "domainName": "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com",
            "apiId": "a1b2c3d4e5",
        }
        | authorizer,
        "body": body.decode() if isinstance(body, bytes) else body,
        "isBase64Encoded": False,
    }


def trigger_event(source: str, attributes: Mapping[str, str], **request: Any) -> dict[str, Any]:
    return {
        "version": "2" if source.startswith("TokenGeneration") else "1",
        "region": "eu-central-1",
        "userPoolId": POOL,
        "userName": SUB,
        "callerContext": {
            "awsSdkVersion": "aws-sdk-unknown-unknown",
            "clientId": "1example23456789",
        },
        "triggerSource": source,
        "request": {"userAttributes": dict(attributes)} | request,
        "response": {},
    }
