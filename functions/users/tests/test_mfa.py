"""MFA: a user sets up an authenticator app with Cognito's own calls, and Atrium makes Cognito
require it.
"""

import base64
import time
from typing import Any

from local_aws.cognito import totp
from local_aws_tests.support.waiting import settle
from tools.laptop.client import Person
from users.tests.conftest import Office, code


def set_up_app(office: Office, person: Person) -> str:
    """Return the secret that the app shares with Cognito."""
    cognito = office.client.cognito
    secret = str(cognito.associate_software_token(AccessToken=person.token)["SecretCode"])
    cognito.verify_software_token(AccessToken=person.token, UserCode=app_code(secret))
    return secret


def app_code(secret: str, later: int = 0) -> str:
    padded = secret + "=" * (-len(secret) % 8)
    return totp.code(base64.b32decode(padded), int(time.time()) // 30 + later)


def sign_in(office: Office, person: Person) -> Any:
    return office.client.cognito.initiate_auth(
        ClientId=office.client.outputs.user_pool_client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": person.email, "PASSWORD": person.password},
    )


def test_a_user_enables_mfa_and_an_administrator_disables_it(office: Office) -> None:
    person = office.client.new_member()
    secret = set_up_app(office, person)
    assert "AuthenticationResult" in sign_in(office, person)  # Cognito does not require the app yet
    tag = office.call("GET", "/v1/me/mfa", person=person).headers["etag"]
    assert office.call("PUT", "/v1/me/mfa", person=person, If_Match=tag).status == 202

    def is_ended() -> bool:  # the token is 401 because all sessions end
        return office.call("GET", "/v1/me/mfa", person=person).status == 401

    assert settle(is_ended, 120)
    challenge = sign_in(office, person)
    assert challenge["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    answers = {"USERNAME": person.email, "SOFTWARE_TOKEN_MFA_CODE": app_code(secret, later=1)}
    signed_in = office.client.cognito.respond_to_auth_challenge(
        ClientId=office.client.outputs.user_pool_client_id,
        ChallengeName="SOFTWARE_TOKEN_MFA",
        Session=challenge["Session"],
        ChallengeResponses=answers,
    )
    again = Person(person.email, person.password, signed_in["AuthenticationResult"])
    found = office.call("GET", "/v1/me/mfa", person=again).json
    assert (found["enabled"], found["change"]["state"]) == (True, "succeeded")

    path = f"/v1/users/{person.uid}/mfa"
    assert office.call("DELETE", path, If_Match="*").json["enabled"] is False
    stale = office.call("PUT", "/v1/me/mfa", person=again, If_Match="*")
    assert (stale.status, code(stale)) == (401, "token_stale")
    assert settle(lambda: office.call("GET", path).json["change"]["state"] == "succeeded", 120)
    assert "AuthenticationResult" in sign_in(office, person)
