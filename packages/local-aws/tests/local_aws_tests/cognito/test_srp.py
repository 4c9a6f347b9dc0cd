"""USER_SRP_AUTH with a client written from the protocol, as Cognito's SDKs compute it.

They use hex strings and Java's padding.
"""

import base64
import hashlib
import hmac
import secrets
from typing import Any

import pytest

from local_aws.cognito.passwords import G, N
from local_aws_tests.cognito.user_pool_harness import (
    CLIENT,
    EMAIL,
    PASSWORD,
    UserPoolHarness,
    refused,
)

TIMESTAMP = "Sun Nov 22 16:40:05 UTC 2026"


def pad(number: int) -> bytes:
    text = f"{number:x}"
    if len(text) % 2:
        text = "0" + text
    return bytes.fromhex("00" + text if text[0] in "89abcdef" else text)


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


class Phone:
    """The client's side of an exchange."""

    def __init__(self, harness: UserPoolHarness, password: str) -> None:
        self.harness, self.password = harness, password
        self.a = secrets.randbits(256)
        self.a_public = pow(G, self.a, N)

    def begin(self, email: str = EMAIL) -> dict[str, str]:
        answer = self.harness.initiate("USER_SRP_AUTH", USERNAME=email, SRP_A=f"{self.a_public:x}")
        assert answer["ChallengeName"] == "PASSWORD_VERIFIER"
        parameters: dict[str, str] = answer["ChallengeParameters"]
        return parameters

    def signature(self, told: dict[str, str]) -> str:
        pool = self.harness.pool_id.split("_")[1]
        user, b_public = told["USER_ID_FOR_SRP"], int(told["SRP_B"], 16)
        k = int.from_bytes(sha(pad(N), pad(G)))
        u = int.from_bytes(sha(pad(self.a_public), pad(b_public)))
        x = int.from_bytes(
            sha(pad(int(told["SALT"], 16)), sha(f"{pool}{user}:{self.password}".encode()))
        )
        shared = pow(b_public - k * pow(G, x, N), self.a + u * x, N)
        extracted = hmac.digest(pad(u), pad(shared), "sha256")
        key = hmac.digest(extracted, b"Caldera Derived Key\x01", "sha256")[:16]
        message = (
            (pool + user).encode() + base64.b64decode(told["SECRET_BLOCK"]) + TIMESTAMP.encode()
        )
        return base64.b64encode(hmac.digest(key, message, "sha256")).decode()

    def answer(self, told: dict[str, str]) -> dict[str, Any]:
        answered: dict[str, Any] = self.harness.public.respond_to_auth_challenge(
            ClientId=self.harness.client_id,
            ChallengeName="PASSWORD_VERIFIER",
            ChallengeResponses={
                "USERNAME": told["USER_ID_FOR_SRP"],
                "PASSWORD_CLAIM_SECRET_BLOCK": told["SECRET_BLOCK"],
                "PASSWORD_CLAIM_SIGNATURE": self.signature(told),
                "TIMESTAMP": TIMESTAMP,
            },
        )
        return answered


@pytest.fixture
def srp(harness: UserPoolHarness) -> UserPoolHarness:
    flows = [*CLIENT["ExplicitAuthFlows"], "ALLOW_USER_SRP_AUTH"]
    harness.client_id = harness.create_client(ExplicitAuthFlows=flows)["ClientId"]
    return harness


def test_the_right_password_signs_in(srp: UserPoolHarness) -> None:
    srp.signed_in()
    for _ in range(6):  # repeated, because padding depends on the high bits of random numbers
        phone = Phone(srp, PASSWORD)
        tokens = phone.answer(phone.begin(EMAIL.upper()))["AuthenticationResult"]
    assert srp.claims(tokens["AccessToken"])["sub"] == srp.user()["Username"]


def test_a_wrong_password_is_refused(srp: UserPoolHarness) -> None:
    srp.signed_in()
    phone = Phone(srp, "Wrong-Horse-77")
    with refused("NotAuthorizedException", "Incorrect username or password."):
        phone.answer(phone.begin())


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.org"])
def test_guessing_locks_out(srp: UserPoolHarness, email: str) -> None:
    srp.server.clock.stop()
    srp.signed_in()
    begun = Phone(srp, PASSWORD)
    told = begun.begin(email)
    for _ in range(5):
        phone = Phone(srp, "Wrong-Horse-77")
        with refused("NotAuthorizedException", "Incorrect username or password."):
            phone.answer(phone.begin(email))
    with refused("NotAuthorizedException", "Password attempts exceeded"):
        begun.answer(told)


def test_an_exchange_can_be_answered_once_and_expires(srp: UserPoolHarness) -> None:
    srp.signed_in()
    phone = Phone(srp, PASSWORD)
    told = phone.begin()
    assert phone.answer(told)["AuthenticationResult"]
    with refused("NotAuthorizedException", "Invalid session for the user."):
        phone.answer(told)
    told = phone.begin()
    srp.server.clock.advance(181)
    with refused("NotAuthorizedException", "Invalid session for the user."):
        phone.answer(told)


@pytest.mark.parametrize("a", ["0", f"{N:x}", f"{2 * N:x}", "not hex"])
def test_a_public_value_that_makes_the_password_irrelevant_is_refused(
    srp: UserPoolHarness, a: str
) -> None:
    srp.signed_in()
    with refused("InvalidParameterException", "SRP_A is not a valid public value"):
        srp.initiate("USER_SRP_AUTH", USERNAME=EMAIL, SRP_A=a)


def test_the_answer_does_not_reveal_which_names_exist(srp: UserPoolHarness) -> None:
    srp.signed_in()
    phone = Phone(srp, PASSWORD)
    first, second = phone.begin("eve@example.org"), phone.begin("Eve@example.org")
    assert first["SALT"] == second["SALT"]
    assert first["USER_ID_FOR_SRP"] == second["USER_ID_FOR_SRP"]
    assert first.keys() == phone.begin().keys()
    with refused("NotAuthorizedException", "Incorrect username or password."):
        phone.answer(first)


def test_an_invited_user_chooses_a_password_afterwards(srp: UserPoolHarness) -> None:
    srp.admin.admin_create_user(UserPoolId=srp.pool_id, Username=EMAIL)
    phone = Phone(srp, srp.code())
    assert phone.answer(phone.begin())["ChallengeName"] == "NEW_PASSWORD_REQUIRED"


def test_an_unconfirmed_user_is_refused(srp: UserPoolHarness) -> None:
    srp.sign_up()
    phone = Phone(srp, PASSWORD)
    with refused("UserNotConfirmedException"):
        phone.answer(phone.begin())


def test_a_client_without_the_flow_is_refused(harness: UserPoolHarness) -> None:
    harness.signed_in()
    with refused("InvalidParameterException", "USER_SRP_AUTH is not enabled for the client."):
        Phone(harness, PASSWORD).begin()
