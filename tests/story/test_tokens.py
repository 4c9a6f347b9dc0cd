"""Tokens that the gateway refuses before any function runs: all but valid access tokens of the
pool.
"""

import base64
import json
import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from tools.deploy import stack_settings
from tools.laptop.client import Client, Person


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    header, payload, signature = token.split(".")
    return _decode(header), _decode(payload), signature


def _decode(segment: str) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(
        base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    )
    return decoded


def encode(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def pools_own_key() -> RSAKey:
    """Return the key that signs the stack's tokens, so that only the claim under test is wrong."""
    return RSAKey.import_key(
        (stack_settings.from_environment().state / "keys" / "cognito.pem").read_bytes()
    )


def token_of_another_pool(client: Client) -> str:
    """Return a valid access token of a pool that the API does not use."""
    cognito = client.aws("cognito-idp")
    pool = cognito.create_user_pool(PoolName="another")["UserPool"]["Id"]
    app = cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName="app",
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )["UserPoolClient"]["ClientId"]
    name, password = "eve", "Correct-Horse-7-Battery"
    cognito.admin_create_user(UserPoolId=pool, Username=name, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(
        UserPoolId=pool, Username=name, Password=password, Permanent=True
    )
    answer = cognito.initiate_auth(
        ClientId=app,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": name, "PASSWORD": password},
    )
    cognito.delete_user_pool(UserPoolId=pool)
    token: str = answer["AuthenticationResult"]["AccessToken"]
    return token


def forged(client: Client, member: Person, kind: str) -> str | None:
    header, payload, signature = parts(member.tokens["AccessToken"])
    stranger = RSAKey.generate_key(2048)
    match kind:
        case "none":
            return None
        case "garbage":
            return "garbage"
        case "expired":
            old = payload | {"iat": int(time.time()) - 7200, "exp": int(time.time()) - 3600}
            return jwt.encode(header, old, pools_own_key())
        case "another issuer":
            return jwt.encode(header, payload | {"iss": payload["iss"] + "x"}, pools_own_key())
        case "another pool":
            return token_of_another_pool(client)
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


KINDS = [
    "none",
    "garbage",
    "expired",
    "another issuer",
    "another pool",
    "stranger's key",
    "alg none",
    "tampered",
    "id token",
]


@pytest.mark.parametrize("kind", KINDS)
def test_an_invalid_token_is_401_and_no_function_is_invoked(
    client: Client, member: Person, kind: str
) -> None:
    before = client.invocations("users")
    answer = client.call("GET", "/v1/me", forged(client, member, kind))
    assert answer.status == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json["status"] == 401
    assert client.invocations("users") == before


def test_the_real_token_invokes_the_function(client: Client, member: Person) -> None:
    before = client.invocations("users")
    assert client.call("GET", "/v1/me", member.tokens["AccessToken"]).status == 200
    assert client.invocations("users") == before + 1


def test_a_token_signed_by_the_pools_own_key_is_accepted(client: Client, member: Person) -> None:
    """Check this, because otherwise the refusals above could have another reason."""
    header, payload, _ = parts(member.tokens["AccessToken"])
    token = jwt.encode(header, payload, pools_own_key())
    assert client.call("GET", "/v1/me", token).status == 200
