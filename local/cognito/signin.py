"""Signing in: the flows a client may use, and the challenges on the way."""

import json
import secrets
from typing import Any

from local.cognito import attributes, passwords, pools, requests, sessions, srp, tokens
from local.cognito.errors import (
    CognitoError,
    NotEmulatedError,
    bad_credentials,
    invalid_parameter,
    not_authorized,
)
from local.cognito.pools import Client, Pool, User, UserStatus
from local.cognito.service import Service
from local.cognito.state import Challenge
from local.cognito.triggers import Metadata

NEW_PASSWORD = "NEW_PASSWORD_REQUIRED"  # noqa: S105 - the name of a challenge
SRP_FLOW = "USER_SRP_AUTH"
PASSWORD_FLOWS = {"USER_PASSWORD_AUTH"}
ADMIN_PASSWORD_FLOWS = {"ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"}
REFRESH_FLOWS = {"REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"}
NOT_EMULATED_FLOWS = {"USER_AUTH", "CUSTOM_AUTH"}
# What a client allows that names no flow at all.
DEFAULT_FLOWS = ["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH"]


async def initiate_auth(service: Service, request: requests.InitiateAuth) -> dict[str, Any]:
    pool, client = pools.find_client(request.client_id)
    return await _initiate(service, pool, client, request, PASSWORD_FLOWS)


async def admin_initiate_auth(service: Service, request: requests.InitiateAuth) -> dict[str, Any]:
    pool, client = pools.find_client(request.client_id, request.user_pool_id or "")
    return await _initiate(service, pool, client, request, ADMIN_PASSWORD_FLOWS)


async def _initiate(
    service: Service, pool: Pool, client: Client, request: requests.InitiateAuth, password_flows: set[str]
) -> dict[str, Any]:
    flow = request.auth_flow
    if flow in NOT_EMULATED_FLOWS:
        raise NotEmulatedError(f"the sign-in flow {flow}")
    if flow not in password_flows | REFRESH_FLOWS | {SRP_FLOW}:
        raise invalid_parameter("Initiate Auth method not supported.")
    _require_allowed(client, flow)
    if flow in REFRESH_FLOWS:
        return await _refresh(service, pool, client, request.auth_parameters)
    if flow == SRP_FLOW:
        return _with_srp(service, pool, client, request.auth_parameters)
    return await _with_password(service, pool, client, request.auth_parameters)


def _require_allowed(client: Client, flow: str) -> None:
    allowed = set(client.extended_config.get("ExplicitAuthFlows") or DEFAULT_FLOWS)
    name = {"ADMIN_NO_SRP_AUTH": "ADMIN_USER_PASSWORD_AUTH", "REFRESH_TOKEN": "REFRESH_TOKEN_AUTH"}.get(flow, flow)
    legacy = not any(entry.startswith("ALLOW_") for entry in allowed)  # the old names never mention refreshing
    if {f"ALLOW_{name}", flow, name} & allowed or (legacy and flow in REFRESH_FLOWS):
        return
    if flow == SRP_FLOW:
        raise invalid_parameter("USER_SRP_AUTH is not enabled for the client.")
    raise invalid_parameter(f"{flow if flow in PASSWORD_FLOWS else 'Auth'} flow not enabled for this client")


def _with_srp(service: Service, pool: Pool, client: Client, given: dict[str, str]) -> dict[str, Any]:
    username = _required(given, "USERNAME")
    pools.check_secret_hash(client, username, given.get("SECRET_HASH"))
    return srp.challenge(service, pool, client, username, _required(given, "SRP_A"))


async def _with_password(service: Service, pool: Pool, client: Client, given: dict[str, str]) -> dict[str, Any]:
    username, password = _required(given, "USERNAME"), _required(given, "PASSWORD")
    pools.check_secret_hash(client, username, given.get("SECRET_HASH"))
    user = pools.find_user(pool, username)
    if user is None:
        raise (
            bad_credentials()
            if pools.hides_absence(client)
            else CognitoError("UserNotFoundException", "User does not exist.")
        )
    if user.status is not UserStatus.RESET_REQUIRED and not passwords.verify(pool, user, password):
        raise bad_credentials()
    return await proceed(service, pool, client, user)


async def proceed(service: Service, pool: Pool, client: Client, user: User) -> dict[str, Any]:
    """The password was right: tokens, or the challenge that stands before them."""
    pools.require_enabled(user)
    if user.status is UserStatus.RESET_REQUIRED:
        raise CognitoError("PasswordResetRequiredException", "Password reset required for the user")
    if user.status is UserStatus.UNCONFIRMED:
        raise CognitoError("UserNotConfirmedException", "User is not confirmed.")
    if user.status is UserStatus.FORCE_CHANGE_PASSWORD:
        return _challenge_new_password(service, pool, client, user)
    return await _complete(service, pool, client, user, "TokenGeneration_Authentication", None)


def _challenge_new_password(service: Service, pool: Pool, client: Client, user: User) -> dict[str, Any]:
    now = service.clock()
    if service.state.temporary_passwords.get(user.id, now + 1) <= now:
        raise not_authorized("Temporary password has expired and must be reset by an administrator.")
    session = secrets.token_urlsafe(96)
    minutes = int(client.extended_config.get("AuthSessionValidity") or 3)
    service.state.challenges[session] = Challenge(NEW_PASSWORD, pool.id, client.id, user.id, now + minutes * 60)
    known = {name: value for name, value in user.attribute_lookup.items() if name != "sub"}
    return {
        "ChallengeName": NEW_PASSWORD,
        "Session": session,
        "ChallengeParameters": {
            "USER_ID_FOR_SRP": user.username,
            "requiredAttributes": json.dumps([f"userAttributes.{name}" for name in _missing(pool, user)]),
            "userAttributes": json.dumps(known),
        },
    }


def _missing(pool: Pool, user: User) -> list[str]:
    return [n for n, a in pool.schema_attributes.items() if a.required and n not in user.attribute_lookup]


async def respond_to_auth_challenge(service: Service, request: requests.RespondToAuthChallenge) -> dict[str, Any]:
    """Also AdminRespondToAuthChallenge, which names the pool as well."""
    pool, client = pools.find_client(request.client_id, request.user_pool_id)
    if request.challenge_name == srp.PASSWORD_VERIFIER:
        return await _prove_password(service, pool, client, request.challenge_responses)
    if request.challenge_name != NEW_PASSWORD:
        raise NotEmulatedError(f"the challenge {request.challenge_name}")
    user = _challenged(service, pool, client, request)
    new_password = _required(request.challenge_responses, "NEW_PASSWORD")
    passwords.check_policy(pool, new_password)
    _set_attributes(pool, client, user, request.challenge_responses)
    passwords.set_permanent(service, pool, user, new_password)
    del service.state.challenges[request.session]
    source = "TokenGeneration_NewPasswordChallenge"
    return await _complete(service, pool, client, user, source, request.client_metadata)


async def _prove_password(service: Service, pool: Pool, client: Client, responses: dict[str, str]) -> dict[str, Any]:
    pools.check_secret_hash(client, _required(responses, "USERNAME"), responses.get("SECRET_HASH"))
    return await proceed(service, pool, client, srp.verify(service, pool, client, responses))


def _challenged(service: Service, pool: Pool, client: Client, request: requests.RespondToAuthChallenge) -> User:
    """Whose challenge it is. A refused answer leaves the session open, so a second try is possible."""
    username = _required(request.challenge_responses, "USERNAME")
    pools.check_secret_hash(client, username, request.challenge_responses.get("SECRET_HASH"))
    challenge = service.state.challenges.get(request.session)
    user = pools.find_user(pool, username)
    if challenge is None or user is None or (challenge.client_id, challenge.sub) != (client.id, user.id):
        raise not_authorized("Invalid session for the user.")
    if challenge.expires_at <= service.clock():
        raise not_authorized("Invalid session for the user, session is expired.")
    pools.require_enabled(user)
    return user


def _set_attributes(pool: Pool, client: Client, user: User, responses: dict[str, str]) -> None:
    prefix = "userAttributes."
    given = {name.removeprefix(prefix): value for name, value in responses.items() if name.startswith(prefix)}
    missing = sorted(set(_missing(pool, user)) - set(given))
    if missing:
        raise invalid_parameter(f"Invalid attributes given, {missing[0]} is missing")
    if "email" in given:
        raise not_authorized("Cannot modify an already provided email")
    attributes.check_writable(client, set(given))
    attributes.check_schema(pool, given)
    user.update_attributes([{"Name": name, "Value": value} for name, value in given.items()])


async def _refresh(service: Service, pool: Pool, client: Client, given: dict[str, str]) -> dict[str, Any]:
    sign_in, user = sessions.resume(service, pool, client, _required(given, "REFRESH_TOKEN"))
    pools.check_secret_hash(client, user.username, given.get("SECRET_HASH"))
    source = "TokenGeneration_RefreshTokens"
    return _signed_in(await tokens.issue(service, pool, client, user, sign_in, source, None))


async def _complete(
    service: Service, pool: Pool, client: Client, user: User, source: str, metadata: Metadata
) -> dict[str, Any]:
    """The client's own metadata reaches the trigger only from an answered challenge, as on AWS."""
    sign_in, refresh_token = sessions.start(service, pool, client, user)
    result = await tokens.issue(service, pool, client, user, sign_in, source, metadata)
    return _signed_in(result | {"RefreshToken": refresh_token})


def _signed_in(result: dict[str, Any]) -> dict[str, Any]:
    return {"AuthenticationResult": result, "ChallengeParameters": {}}


def _required(given: dict[str, str], name: str) -> str:
    if not given.get(name):
        raise invalid_parameter(f"Missing required parameter {name}")
    return given[name]
