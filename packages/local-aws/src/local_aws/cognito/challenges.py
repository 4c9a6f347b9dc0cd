"""Challenges after a correct password: a new password, and the code of an authenticator app."""

import json
import secrets
from dataclasses import dataclass, replace
from typing import Any

from local_aws.cognito import attributes, lockout, mfa, passwords, pools
from local_aws.cognito.errors import (
    CognitoError,
    NotEmulatedError,
    bad_credentials,
    invalid_parameter,
    not_authorized,
)
from local_aws.cognito.pools import Client, Pool, User, UserStatus
from local_aws.cognito.service import Service
from local_aws.cognito.state import Challenge

NEW_PASSWORD = "NEW_PASSWORD_REQUIRED"  # noqa: S105 - the name of a challenge
ATTRIBUTE_PREFIX = "userAttributes."


@dataclass(frozen=True)
class Pending:
    """A sign-in that needs an answer to a challenge."""

    name: str
    session: str
    parameters: dict[str, str]
    available: tuple[str, ...] = ()  # the challenges from which the user may choose


@dataclass(frozen=True)
class Passed:
    """A completed sign-in; `source` tells pre_token_generation how it happened."""

    user: User
    source: str


Outcome = Pending | Passed


def prove_password(
    service: Service, pool: Pool, client: Client, username: str, password: str
) -> User:
    """Return the user if the password is correct.

    After an administrator's reset no password would be correct, so none is checked.
    """
    user = pools.find_user(pool, username)
    lockout.require_open(service, pool, user or username)
    if user is None and not pools.hides_absence(client):
        raise CognitoError("UserNotFoundException", "User does not exist.")
    if user is not None and (
        user.status is UserStatus.RESET_REQUIRED or passwords.verify(pool, user, password)
    ):
        return user
    lockout.count(service, pool, user or username)
    raise bad_credentials()


def after_password(service: Service, pool: Pool, client: Client, user: User) -> Outcome:
    pools.require_enabled(user)
    if user.status is UserStatus.RESET_REQUIRED:
        raise CognitoError("PasswordResetRequiredException", "Password reset required for the user")
    if user.status is UserStatus.UNCONFIRMED:
        raise CognitoError("UserNotConfirmedException", "User is not confirmed.")
    if user.status is UserStatus.FORCE_CHANGE_PASSWORD:
        return _ask_new_password(service, pool, client, user)
    return _after_own_password(service, pool, client, user, "TokenGeneration_Authentication")


def _after_own_password(
    service: Service, pool: Pool, client: Client, user: User, source: str
) -> Outcome:
    factor = mfa.demanded(service, pool, user)
    if factor is not None:
        session = open_session(service, pool, client, user.id, factor)
        return Pending(factor, session, mfa.challenge_parameters(user, factor))
    return _passed(service, pool, user, source)


def _passed(service: Service, pool: Pool, user: User, source: str) -> Passed:
    lockout.forget(service, pool, user)
    return Passed(user, source)


def open_session(service: Service, pool: Pool, client: Client, sub: str, name: str) -> str:
    now = service.clock()
    service.state.challenges = {
        k: c for k, c in service.state.challenges.items() if c.expires_at > now - 86400
    }
    session = secrets.token_urlsafe(96)
    minutes = int(client.extended_config.get("AuthSessionValidity") or 3)
    service.state.challenges[session] = Challenge(name, pool.id, client.id, sub, now + minutes * 60)
    return session


def renew(service: Service, session: str) -> str:
    """Return the same challenge under a new session, as Cognito does with each step of a setup."""
    renewed, challenge = secrets.token_urlsafe(96), service.state.challenges[session]
    service.state.challenges[renewed] = replace(challenge)
    challenge.used = True
    return renewed


def find(service: Service, session: str, name: str) -> tuple[Challenge, Pool, User]:
    """Return the challenge of this session, with its pool and user.

    The session stays open until a correct answer, so a second attempt is possible.
    """
    challenge = service.state.challenges.get(session)
    if challenge is None or challenge.name != name:
        raise invalid_session()
    require_fresh(service, challenge)
    pool = pools.find_pool(challenge.pool_id)
    user = pools.find_user_by_sub(pool, challenge.sub)
    if user is None:
        raise invalid_session()
    pools.require_enabled(user)
    return challenge, pool, user


def require_fresh(service: Service, challenge: Challenge) -> None:
    if challenge.used:
        raise not_authorized("Invalid session for the user, session can only be used once.")
    if challenge.expires_at <= service.clock():
        raise not_authorized("Invalid session for the user, session is expired.")


def invalid_session() -> CognitoError:
    return not_authorized("Invalid session for the user.")


def answer(
    service: Service, client: Client, name: str, session: str, given: dict[str, str]
) -> Outcome:
    """Answer a challenge.

    `given` are the `ChallengeResponses`; the caller checks USERNAME and SECRET_HASH.
    """
    if name not in (NEW_PASSWORD, mfa.SOFTWARE_TOKEN, mfa.SETUP):
        raise NotEmulatedError(f"the challenge {name}")
    challenge, pool, user = find(service, session, name)
    if challenge.client_id != client.id:
        raise invalid_session()
    if name == NEW_PASSWORD:
        _set_new_password(service, pool, client, user, given)
        challenge.used = True
        return _after_own_password(
            service, pool, client, user, "TokenGeneration_NewPasswordChallenge"
        )
    if name == mfa.SOFTWARE_TOKEN:
        mfa.require_code(service, pool, user, required(given, "SOFTWARE_TOKEN_MFA_CODE").strip())
    elif not challenge.token_verified:
        raise invalid_parameter(
            "Software token has not been verified: call VerifySoftwareToken first."
        )
    challenge.used = True
    return _passed(service, pool, user, "TokenGeneration_Authentication")


def required(given: dict[str, str], name: str) -> str:
    if not given.get(name):
        raise invalid_parameter(f"Missing required parameter {name}")
    return given[name]


def _ask_new_password(service: Service, pool: Pool, client: Client, user: User) -> Pending:
    now = service.clock()
    if service.state.temporary_passwords.get(user.id, now + 1) <= now:
        raise not_authorized(
            "Temporary password has expired and must be reset by an administrator."
        )
    known = {name: value for name, value in user.attribute_lookup.items() if name != "sub"}
    parameters = {
        "USER_ID_FOR_SRP": user.username,
        "requiredAttributes": json.dumps(
            [f"{ATTRIBUTE_PREFIX}{name}" for name in _missing(pool, user)]
        ),
        "userAttributes": json.dumps(known),
    }
    return Pending(
        NEW_PASSWORD, open_session(service, pool, client, user.id, NEW_PASSWORD), parameters
    )


def _set_new_password(
    service: Service, pool: Pool, client: Client, user: User, given: dict[str, str]
) -> None:
    new_password = required(given, "NEW_PASSWORD")
    passwords.check_policy(pool, new_password)
    _set_attributes(pool, client, user, given)
    passwords.set_permanent(service, pool, user, new_password)


def _missing(pool: Pool, user: User) -> list[str]:
    return [
        n
        for n, a in pool.schema_attributes.items()
        if a.required and n not in user.attribute_lookup
    ]


def _set_attributes(pool: Pool, client: Client, user: User, responses: dict[str, str]) -> None:
    given = {
        name.removeprefix(ATTRIBUTE_PREFIX): value
        for name, value in responses.items()
        if name.startswith(ATTRIBUTE_PREFIX)
    }
    missing = sorted(set(_missing(pool, user)) - set(given))
    if missing:
        raise invalid_parameter(f"Invalid attributes given, {missing[0]} is missing")
    if "email" in given:
        raise not_authorized("Cannot modify an already provided email")
    attributes.check_writable(client, set(given))
    attributes.store(user, attributes.checked(pool, given))


def answer_of(pending: Pending) -> dict[str, Any]:
    """Return the outcome in the form of the JSON protocol."""
    choice = {"AvailableChallenges": list(pending.available)} if pending.available else {}
    return choice | {
        "ChallengeName": pending.name,
        "Session": pending.session,
        "ChallengeParameters": pending.parameters,
    }
