"""Sign-in by API: the flows that a client may use."""

from typing import Any

from local_aws.cognito import (
    challenges,
    choice,
    client_secrets,
    flows,
    pools,
    refreshing,
    requests,
    sessions,
    srp,
    tokens,
)
from local_aws.cognito.challenges import Outcome, Pending, required
from local_aws.cognito.errors import (
    NotEmulatedError,
    invalid_parameter,
)
from local_aws.cognito.pools import Client, Pool
from local_aws.cognito.service import Service
from local_aws.cognito.triggers import Metadata

PUBLIC_FLOWS = flows.REFRESH | {flows.SRP, flows.PASSWORD, flows.CUSTOM, flows.CHOICE}
ADMIN_FLOWS = flows.REFRESH | flows.ADMIN_PASSWORD | {flows.SRP, flows.CUSTOM, flows.CHOICE}


async def initiate_auth(service: Service, request: requests.InitiateAuth) -> dict[str, Any]:
    pool, client = pools.find_client(request.client_id)
    return await _initiate(service, pool, client, request, PUBLIC_FLOWS)


async def admin_initiate_auth(service: Service, request: requests.InitiateAuth) -> dict[str, Any]:
    pool, client = pools.find_client(request.client_id, request.user_pool_id or "")
    return await _initiate(service, pool, client, request, ADMIN_FLOWS)


async def _initiate(
    service: Service,
    pool: Pool,
    client: Client,
    request: requests.InitiateAuth,
    known: frozenset[str],
) -> dict[str, Any]:
    flow, given = request.auth_flow, request.auth_parameters
    if flow not in known:
        raise invalid_parameter("Initiate Auth method not supported.")
    flows.require_allowed(client, flow)
    if flow == flows.CUSTOM:
        raise NotEmulatedError("the sign-in flow CUSTOM_AUTH")
    if flow in flows.REFRESH:
        return await _refresh(service, pool, client, request)
    if flow == flows.SRP:
        return _with_srp(service, pool, client, given)
    if flow == flows.CHOICE:
        client_secrets.check_hash(
            service, client, required(given, "USERNAME"), given.get("SECRET_HASH")
        )
        begun = choice.begin(service, pool, client, given)
        return await _continue(service, pool, client, begun, None)
    return await _with_password(service, pool, client, given)


def _with_srp(
    service: Service, pool: Pool, client: Client, given: dict[str, str]
) -> dict[str, Any]:
    username = required(given, "USERNAME")
    client_secrets.check_hash(service, client, username, given.get("SECRET_HASH"))
    return srp.challenge(service, pool, client, username, required(given, "SRP_A"))


async def _with_password(
    service: Service, pool: Pool, client: Client, given: dict[str, str]
) -> dict[str, Any]:
    username, password = required(given, "USERNAME"), required(given, "PASSWORD")
    client_secrets.check_hash(service, client, username, given.get("SECRET_HASH"))
    user = challenges.prove_password(service, pool, client, username, password)
    return await _proceed(
        service, pool, client, challenges.after_password(service, pool, client, user), None
    )


async def respond_to_auth_challenge(
    service: Service, request: requests.RespondToAuthChallenge
) -> dict[str, Any]:
    """Answer a challenge, for RespondToAuthChallenge and AdminRespondToAuthChallenge."""
    pool, client = pools.find_client(request.client_id, request.user_pool_id)
    given = request.challenge_responses
    username = required(given, "USERNAME")
    client_secrets.check_hash(service, client, username, given.get("SECRET_HASH"))
    if request.challenge_name == srp.PASSWORD_VERIFIER:
        outcome = challenges.after_password(
            service, pool, client, srp.verify(service, pool, client, given)
        )
        return await _proceed(service, pool, client, outcome, None)
    if request.challenge_name in choice.NAMES:
        answered = choice.answer(
            service, pool, client, request.challenge_name, request.session, given
        )
        return await _continue(service, pool, client, answered, request.client_metadata)
    _require_same_user(service, pool, request.session, username)
    outcome = challenges.answer(service, client, request.challenge_name, request.session, given)
    return await _proceed(service, pool, client, outcome, request.client_metadata)


def _require_same_user(service: Service, pool: Pool, session: str, username: str) -> None:
    user = pools.find_user(pool, username)
    challenge = service.state.challenges.get(session)
    if challenge is not None and (user is None or user.id != challenge.sub):
        raise challenges.invalid_session()


async def _refresh(
    service: Service, pool: Pool, client: Client, request: requests.InitiateAuth
) -> dict[str, Any]:
    given = request.auth_parameters
    refresh_token, device_key = required(given, "REFRESH_TOKEN"), given.get("DEVICE_KEY")
    _, user = sessions.resume(service, pool, client, refresh_token, device_key)
    client_secrets.check_hash(service, client, user.username, given.get("SECRET_HASH"))
    return _signed_in(await refreshing.refresh(service, pool, client, refresh_token, device_key))


async def _continue(
    service: Service, pool: Pool, client: Client, answer: choice.Answer, metadata: Metadata
) -> dict[str, Any]:
    """Continue the sign-in, except for an SRP exchange, which is returned unchanged."""
    if isinstance(answer, dict):
        return answer
    return await _proceed(service, pool, client, answer, metadata)


async def _proceed(
    service: Service, pool: Pool, client: Client, outcome: Outcome, metadata: Metadata
) -> dict[str, Any]:
    """Continue the sign-in.

    As on AWS, the client's metadata reaches the trigger only from an answered challenge.
    """
    if isinstance(outcome, Pending):
        return challenges.answer_of(outcome)
    sign_in, refresh_token = sessions.start(service, pool, client, outcome.user)
    result = await tokens.issue(
        service, pool, client, outcome.user, sign_in, outcome.source, metadata
    )
    return _signed_in(result | {"RefreshToken": refresh_token})


def _signed_in(result: dict[str, Any]) -> dict[str, Any]:
    return {"AuthenticationResult": result, "ChallengeParameters": {}}
