"""The Cognito authorizer: valid tokens pass with their claims, all others are refused before any
function runs.
"""

import base64
import hmac
import json
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from local_aws.api_gateway import authorizer
from local_aws_tests.api_gateway.gateway import KEYS, OTHER_POOL, POOL, Gateway, issuer, token

FORMATS = {"strftime": time.strftime, "gmtime": time.gmtime}


def call(gateway: Gateway, authorization: str | None, path: str = "/v1/me") -> tuple[int, object]:
    headers = [("Authorization", authorization)] if authorization is not None else []
    answer = gateway.call("GET", path, headers=headers)
    return answer.status, answer.json


def test_claims_reach_the_function_as_text(gateway: Gateway) -> None:
    now = int(time.time())
    groups = ["admin", "staff"]
    odd_names: dict[str, Any] = {"cognito:groups": groups}
    good = token(
        uid="u-1", access_epoch="3", exp=now + 100, iat=now, auth_time=now, flag=True, **odd_names
    )
    status, event = call(gateway, f"Bearer {good}")
    assert status == 200
    assert isinstance(event, dict)
    claims = event["requestContext"]["authorizer"]["claims"]
    assert (claims["uid"], claims["access_epoch"], claims["cognito:groups"]) == (
        "u-1",
        "3",
        "admin,staff",
    )
    assert claims["flag"] == "true"
    assert claims["auth_time"] == str(now)
    assert claims["exp"] == time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(now + 100))
    assert all(isinstance(value, str) for value in claims.values())


def test_bare_token_is_accepted_too(gateway: Gateway) -> None:
    assert call(gateway, token())[0] == 200


def test_any_one_of_the_scopes_is_enough(gateway: Gateway) -> None:
    assert call(gateway, token(scope="atrium/admin"))[0] == 200


def _part(value: object) -> str:
    return _coded(json.dumps(value).encode())


def _coded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _forged(algorithm: str) -> str:
    """Return a token with the header and claims of a valid one, another algorithm, and no
    signature.
    """
    claims = {
        "iss": issuer(POOL),
        "token_use": "access",
        "scope": "atrium/me",
        "exp": int(time.time()) + 300,
    }
    return f"{_part({'alg': algorithm, 'kid': f'key-of-{POOL}'})}.{_part(claims)}"


def _tampered() -> str:
    header, _, signature = token().split(".")
    _, claims, _ = token(scope="atrium/me", sub="someone-else").split(".")
    return f"{header}.{claims}.{signature}"


def _hs256_with_the_public_key() -> str:
    """Return a token for the algorithm confusion attack: the public key as an HMAC secret."""
    text = _forged("HS256")
    return (
        f"{text}.{_coded(hmac.digest(KEYS[POOL].as_pem(private=False), text.encode(), 'sha256'))}"
    )


REFUSED: dict[str, Callable[[], str | None]] = {
    "no token": lambda: None,
    "empty": lambda: "Bearer ",
    "not a token": lambda: "Bearer abc",
    "another scheme": lambda: "Basic dTpw",
    "expired": lambda: token(exp=int(time.time()) - 1),
    "no expiry": lambda: token(exp=None),
    "another issuer": lambda: token(iss=issuer(OTHER_POOL)),
    "another pool": lambda: token(OTHER_POOL),
    "another pool's key under our key's name": lambda: token(key=KEYS[OTHER_POOL]),
    "id token on a scoped method": lambda: token(token_use="id"),
    "no scope": lambda: token(scope=""),
    "another scope": lambda: token(scope="atrium/me2 openid"),
    "alg none": lambda: _forged("none") + ".",
    "tampered": _tampered,
    "HS256": _hs256_with_the_public_key,
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_invalid_token_is_refused(gateway: Gateway, case: str) -> None:
    gateway.aws.lines.clear()
    bad = REFUSED[case]()
    headers = [("Authorization", bad)] if bad is not None else []
    answer = gateway.call("GET", "/v1/me", headers=headers)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.headers["x-amzn-ErrorType"] == "UnauthorizedException"
    assert answer.json["detail"] == (
        "The incoming token has expired" if case == "expired" else "Unauthorized"
    )
    assert gateway.aws.lines == []  # no function ran


def test_an_accepted_token_is_refused_once_it_has_expired(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = int(time.time())
    brief = token(exp=now + 2)
    for passed, status in ((0, 200), (1.9, 200), (2, 401)):
        monkeypatch.setattr(
            authorizer, "time", SimpleNamespace(time=lambda at=now + passed: at, **FORMATS)
        )
        assert call(gateway, brief)[0] == status


def test_a_method_without_scopes_accepts_only_id_tokens(gateway: Gateway) -> None:
    assert call(gateway, token(token_use="id", scope=None), "/v1/profile")[0] == 200
    assert call(gateway, token(), "/v1/profile")[0] == 401
