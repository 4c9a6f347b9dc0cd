"""Whatever is not a living access token of this pool is refused at the gateway, before any function runs."""

import base64
import json
import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.story.client import Client, Person


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    header, payload, signature = token.split(".")
    return _decode(header), _decode(payload), signature


def _decode(segment: str) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return decoded


def encode(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def forged(member: Person, kind: str) -> str | None:
    header, payload, signature = parts(member.tokens["AccessToken"])
    stranger = RSAKey.generate_key(2048)
    match kind:
        case "none":
            return None
        case "garbage":
            return "garbage"
        case "expired":
            old = payload | {"iat": int(time.time()) - 7200, "exp": int(time.time()) - 3600}
            return jwt.encode(header, old, stranger)
        case "another issuer":
            return jwt.encode(header, payload | {"iss": payload["iss"] + "x"}, stranger)
        case "stranger's key":
            return jwt.encode(header, payload, stranger)
        case "alg none":
            return f"{encode({'alg': 'none'})}.{encode(payload)}."
        case "tampered":
            return f"{encode(header)}.{encode(payload | {'uid': '0'})}.{signature}"
        case "id token":
            return member.tokens["IdToken"]
        case _:
            raise AssertionError(kind)


KINDS = ["none", "garbage", "expired", "another issuer", "stranger's key", "alg none", "tampered", "id token"]


@pytest.mark.parametrize("kind", KINDS)
def test_refused_with_401_and_no_function_is_invoked(client: Client, member: Person, kind: str) -> None:
    before = client.invocations("users")
    answer = client.call("GET", "/v1/me", forged(member, kind))
    assert answer.status == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json["status"] == 401
    assert client.invocations("users") == before


def test_the_real_token_does_invoke_it(client: Client, member: Person) -> None:
    before = client.invocations("users")
    assert client.call("GET", "/v1/me", member.tokens["AccessToken"]).status == 200
    assert client.invocations("users") == before + 1
