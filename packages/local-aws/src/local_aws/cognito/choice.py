"""Choice-based sign-in (USER_AUTH): the user picks the password, in the clear or by SRP.

Passkeys and one-time passwords are refused when a pool allows them.
https://docs.aws.amazon.com/cognito/latest/developerguide/authentication-flows-selection-sdk.html
"""

from typing import Any

from local_aws.cognito import challenges, pools, srp
from local_aws.cognito.challenges import Outcome, Pending, required
from local_aws.cognito.errors import CognitoError, invalid_parameter
from local_aws.cognito.pools import Client, Pool
from local_aws.cognito.service import Service
from local_aws.cognito.state import Challenge

SELECT = "SELECT_CHALLENGE"
PASSWORD = "PASSWORD"  # noqa: S105 - the name of a challenge
PASSWORD_SRP = "PASSWORD_SRP"  # noqa: S105 - the name of a challenge
AVAILABLE = (PASSWORD_SRP, PASSWORD)
NAMES = frozenset({SELECT, *AVAILABLE})

Answer = Outcome | dict[str, Any]


def begin(service: Service, pool: Pool, client: Client, given: dict[str, str]) -> Answer:
    """Answer InitiateAuth: the preferred challenge if it is available, otherwise the choice."""
    username = required(given, "USERNAME")
    if pools.find_user(pool, username) is None and not pools.hides_absence(client):
        raise CognitoError("UserNotFoundException", "User does not exist.")
    preferred = given.get("PREFERRED_CHALLENGE")
    if preferred not in AVAILABLE:
        return _ask(service, pool, client, username, SELECT)
    return _take(service, pool, client, preferred, given)


def answer(
    service: Service, pool: Pool, client: Client, name: str, session: str, given: dict[str, str]
) -> Answer:
    """Answer a challenge of this flow; a session serves once."""
    challenge = _open(service, pool, client, name, session, required(given, "USERNAME"))
    chosen = required(given, "ANSWER") if name == SELECT else name
    if chosen not in AVAILABLE:
        raise invalid_parameter("Selected challenge is not available for the user.")
    challenge.used = True
    return _take(service, pool, client, chosen, given)


def _take(
    service: Service, pool: Pool, client: Client, chosen: str, given: dict[str, str]
) -> Answer:
    """Check the password if the request has it; otherwise answer with a challenge."""
    username = given["USERNAME"]
    if chosen == PASSWORD_SRP and given.get("SRP_A"):
        return srp.challenge(service, pool, client, username, given["SRP_A"])
    if chosen == PASSWORD and given.get("PASSWORD"):
        user = challenges.prove_password(service, pool, client, username, given["PASSWORD"])
        return challenges.after_password(service, pool, client, user)
    return _ask(service, pool, client, username, chosen)


def _ask(service: Service, pool: Pool, client: Client, username: str, name: str) -> Pending:
    """Open a session; unknown names get the same answer as known ones."""
    user = pools.find_user(pool, username)
    sub = user.id if user else pools.fold(pool, username)
    session = challenges.open_session(service, pool, client, sub, name)
    return Pending(name, session, {}, AVAILABLE if name == SELECT else ())


def _open(
    service: Service, pool: Pool, client: Client, name: str, session: str, username: str
) -> Challenge:
    challenge = service.state.challenges.get(session)
    user = pools.find_user(pool, username)
    sub = user.id if user else pools.fold(pool, username)
    if challenge is None or (challenge.name, challenge.client_id, challenge.sub) != (
        name,
        client.id,
        sub,
    ):
        raise challenges.invalid_session()
    challenges.require_fresh(service, challenge)
    return challenge
