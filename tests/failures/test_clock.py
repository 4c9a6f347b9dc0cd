"""Clock skew between the signer of a token and its verifier.

packages/local-aws/tests/local_aws_tests/database/test_token.py covers IAM tokens for the database,
which are accepted if the signer's clock is up to five minutes ahead.
"""

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.failures.conftest import AddRow
from tests.failures.stack import Stack
from tools.laptop.client import Client, Person

pytestmark = pytest.mark.usefixtures("up")


def shifted(stack: Stack, token: str, seconds: int) -> str:
    """Return the token as signed by a clock that is `seconds` ahead, with the stack's own key."""
    key = RSAKey.import_key((stack.state / "keys" / "cognito.pem").read_bytes())
    signed = jwt.decode(token, key, algorithms=["RS256"])
    times = {name: signed.claims[name] + seconds for name in ("iat", "exp", "auth_time")}
    return jwt.encode(signed.header, signed.claims | times, key)


def test_an_expired_token_is_refused(
    stack: Stack, client: Client, member: Person, add_row: AddRow
) -> None:
    fresh = client.sign_in(member).tokens["AccessToken"]
    assert client.call("GET", "/v1/me", shifted(stack, fresh, 0)).status == 200
    refused = client.call("GET", "/v1/me", shifted(stack, fresh, -3600 - 5))
    assert refused.status == 401
    assert refused.json["detail"].startswith("Send a valid access token")
    assert "export TOKEN=" in stack.make("-s", "env").output
    add_row(
        "a token past its end",
        f"401 {refused.json['detail']} `make env` has a fresh one",
        "not needed",
    )


def test_a_token_of_a_clock_ahead_is_accepted(
    stack: Stack, client: Client, member: Person, add_row: AddRow
) -> None:
    """Check that only the end of a token counts, not the time at which it was issued."""
    fresh = client.sign_in(member).tokens["AccessToken"]
    assert client.call("GET", "/v1/me", shifted(stack, fresh, 120)).status == 200
    add_row("a token of a clock two minutes ahead", "nothing: it is let in", "not needed")
