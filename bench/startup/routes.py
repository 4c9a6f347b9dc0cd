"""The measured routes: a bare handler, and three routes with their limits in multiples of it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.startup import peers
from bench.startup.artefacts import ROOT
from bench.startup.worker import Start
from local_aws.database import tls
from local_aws.settings import LOOPBACK

BARE = "bare"


@dataclass(frozen=True)
class Route:
    """A measured route. `limit` is in multiples of the bare handler."""

    name: str
    what: str
    limit: float
    start: Start


@contextmanager
def serving(folder: Path) -> Iterator[list[Route]]:
    """Yield the routes, the bare one first, while their peers run; certificates go to `folder`."""
    certificates = tls.certificates(folder / "tls")
    authorities = _authorities(folder, certificates.ca_bundle)
    server = certificates.server_context()
    with peers.postgres(server) as proxy, peers.dynamodb(server) as dynamodb:
        sql = {
            "DB_HOST": LOOPBACK,
            "DB_PORT": str(proxy),
            "DB_NAME": "atrium",
            "DB_USER": "app",
            "SSL_CERT_FILE": str(authorities),
        }
        table = {
            "USER_ATTRIBUTES_TABLE": "atrium-bench-UserAttributes",
            "REFRESH_TOKEN_DAYS": "30",
            "AWS_ENDPOINT_URL": f"https://{LOOPBACK}:{dynamodb}",
            "AWS_CA_BUNDLE": str(authorities),
        }
        yield [
            Route(BARE, "an empty handler", 1.0, Start("bare", event("GET /v1/health"), {}, 204)),
            Route("no_store", "GET /v1/health", 1.3, Start("meta", event("GET /v1/health"), {})),
            Route(
                "sql",
                "a public route, one SQL round trip",
                1.9,
                Start("one_query", event("GET /v1/query"), sql),
            ),
            Route(
                "epoch_check",
                "GET /v1/me: META and attributes in DynamoDB, one SQL round trip",
                3.75,
                Start("users", event("GET /v1/me", CLAIMS), sql | table),
            ),
        ]


def _authorities(folder: Path, own: Path) -> Path:
    """Return the CA certificates of a function on AWS, and that of the peers' certificate."""
    bundle = folder / "authorities.pem"
    bundle.write_bytes(
        (ROOT / "functions/atrium/stores/amazon_trust_services.pem").read_bytes() + own.read_bytes()
    )
    return bundle


_SUB = "9a8b7c6d-1234-4f6e-8a9b-0c1d2e3f4a5b"
CLAIMS = {
    "sub": _SUB,
    "iss": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI",
    "client_id": "1example23456789",
    "origin_jti": "4ff8dc4e-0000-4000-8000-000000000001",
    "event_id": "7e7a1bd1-0000-4000-8000-000000000001",
    "token_use": "access",
    "scope": "aws.cognito.signin.user.admin atrium/me",
    "auth_time": "1767225600",
    "exp": "Thu Jan 01 01:00:00 UTC 2026",
    "iat": "Thu Jan 01 00:00:00 UTC 2026",
    "jti": "c3f2a5d2-0000-4000-8000-000000000001",
    "username": _SUB,
    "uid": peers.UID,
    "roles": "reader",
    "access_epoch": "1",
}


def event(route: str, claims: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the event that API Gateway sends (REST, Lambda proxy integration, payload v1)."""
    method, resource = route.split(" ")
    host = "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com"
    headers = {
        "Accept": "*/*",
        "Host": host,
        "User-Agent": "curl/8.7.1",
        "X-Forwarded-Proto": "https",
    }
    context = {
        "resourceId": "ab12cd",
        "resourcePath": resource,
        "httpMethod": method,
        "path": f"/dev{resource}",
        "accountId": "000000000000",
        "protocol": "HTTP/1.1",
        "stage": "dev",
        "requestTimeEpoch": 1767225600000,
        "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        "identity": {"sourceIp": "203.0.113.7", "userAgent": "curl/8.7.1"},
        "domainName": host,
        "apiId": "a1b2c3d4e5",
    }
    return {
        "resource": resource,
        "path": resource,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": context | ({"authorizer": {"claims": dict(claims)}} if claims else {}),
        "body": None,
        "isBase64Encoded": False,
    }
