"""Lambda triggers: the events that Cognito sends, and the answers and errors it handles.

Calls are synchronous and time out after five seconds. There are three attempts on a timeout or a
throttle
(https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html).
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from local_aws.cognito.errors import CognitoError
from local_aws.cognito.groups import Groups
from local_aws.cognito.pools import Pool, User, status
from local_aws.cognito.service import Invocation, Service
from local_aws.lambda_service.errors import InvokeError

TIME_LIMIT = 5.0  # seconds
ATTEMPTS = 3
THROTTLED = 429
PRINCIPAL = "cognito-idp.amazonaws.com"
NO_CLIENT = "CLIENT_ID_NOT_APPLICABLE"  # Cognito's value for an administrator's call
SUPPORTED = frozenset(
    {
        "CustomMessage",
        "PreSignUp",
        "PostConfirmation",
        "PreTokenGeneration",
        "PreTokenGenerationConfig",
    }
)
CODE, USERNAME = "{####}", "{username}"
"""The placeholders that the texts of a custom message must contain."""

Metadata = Mapping[str, str] | None


class SignUpDecision(Struct, rename="camel"):
    auto_confirm_user: bool = False
    auto_verify_email: bool = False
    auto_verify_phone: bool = False


class CustomMessage(Struct, rename="camel"):
    """The texts of an e-mail; None keeps those of the pool. SMS is not emulated."""

    email_subject: str | None = None
    email_message: str | None = None


class Generation(Struct, rename="camel"):
    """Changes to one token."""

    claims_to_add_or_override: dict[str, Any] | None = None
    claims_to_suppress: list[str] | None = None
    scopes_to_add: list[str] | None = None
    scopes_to_suppress: list[str] | None = None


class GroupOverride(Struct, rename="camel"):
    groups_to_override: list[str] | None = None
    iam_roles_to_override: list[str] | None = None
    preferred_role: str | None = None


class Customization(Struct, rename="camel"):
    """The changes of a pre_token_generation trigger.

    A null or empty `groupOverrideDetails` removes the groups; a missing one keeps them.
    """

    id_token_generation: Generation | None = None
    access_token_generation: Generation | None = None
    group_override_details: GroupOverride | UnsetType | None = UNSET


class _CustomizationV1(Struct, rename="camel"):
    claims_to_add_or_override: dict[str, str] | None = None
    claims_to_suppress: list[str] | None = None
    group_override_details: GroupOverride | UnsetType | None = UNSET


class _ResponseV1(Struct, rename="camel"):
    claims_override_details: _CustomizationV1 | None = None


class _ResponseV2(Struct, rename="camel"):
    claims_and_scope_override_details: Customization | None = None


@dataclass(frozen=True)
class _Call:
    trigger: str
    function_arn: str
    pool_arn: str
    event: dict[str, Any]


async def pre_sign_up(
    service: Service,
    pool: Pool,
    user: User,
    source: str,
    client_id: str,
    validation_data: Mapping[str, str] | None,
    client_metadata: Metadata,
) -> SignUpDecision:
    arn = _config(pool).get("PreSignUp")
    if not arn:
        return SignUpDecision()
    attributes = {name: value for name, value in user.attribute_lookup.items() if name != "sub"}
    request = {"userAttributes": attributes, "validationData": validation_data}
    response = {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False}
    event = _event(pool, user, source, client_id, request, response, client_metadata)
    return await _fire(service, _Call("PreSignUp", arn, pool.arn, event), SignUpDecision)


async def post_confirmation(
    service: Service, pool: Pool, user: User, source: str, client_id: str, client_metadata: Metadata
) -> None:
    arn = _config(pool).get("PostConfirmation")
    if arn:
        event = _event(
            pool,
            user,
            source,
            client_id,
            {"userAttributes": _attributes(user)},
            {},
            client_metadata,
        )
        await _fire(service, _Call("PostConfirmation", arn, pool.arn, event), dict[str, Any])


async def custom_message(
    service: Service, pool: Pool, user: User, source: str, client_id: str, client_metadata: Metadata
) -> CustomMessage:
    """Return the texts for an e-mail that is about to be sent."""
    arn = _config(pool).get("CustomMessage")
    if not arn:
        return CustomMessage()
    is_invitation = source == "CustomMessage_AdminCreateUser"
    request = {
        "userAttributes": _attributes(user),
        "codeParameter": CODE,
        "linkParameter": "{##Click Here##}",
        "usernameParameter": USERNAME if is_invitation else None,
    }
    response = {"smsMessage": None, "emailMessage": None, "emailSubject": None}
    event = _event(pool, user, source, client_id, request, response, client_metadata)
    return await _fire(service, _Call("CustomMessage", arn, pool.arn, event), CustomMessage)


async def pre_token_generation(
    service: Service,
    pool: Pool,
    user: User,
    source: str,
    client_id: str,
    groups: Groups,
    scopes: list[str],
    client_metadata: Metadata,
) -> Customization:
    arn, version = _pre_token_generation(pool)
    if not arn:
        return Customization()
    request: dict[str, Any] = {
        "userAttributes": _attributes(user),
        "groupConfiguration": groups.configuration(),
    }
    if version == "V1_0":
        event = _event(
            pool, user, source, client_id, request, {"claimsOverrideDetails": None}, client_metadata
        )
        answer = await _fire(
            service, _Call("PreTokenGeneration", arn, pool.arn, event), _ResponseV1
        )
        return _from_v1(answer.claims_override_details or _CustomizationV1())
    request["scopes"] = scopes
    response = {"claimsAndScopeOverrideDetails": None}
    event = _event(pool, user, source, client_id, request, response, client_metadata) | {
        "version": version[1]
    }
    answer_v2 = await _fire(service, _Call("PreTokenGeneration", arn, pool.arn, event), _ResponseV2)
    return answer_v2.claims_and_scope_override_details or Customization()


async def pre_token_generation_of_client(
    service: Service, pool: Pool, client_id: str, scopes: list[str], client_metadata: Metadata
) -> Customization:
    """Invoke the trigger for a token without a user; AWS does so only for version V3_0."""
    arn, version = _pre_token_generation(pool)
    if not arn or version != "V3_0":
        return Customization()
    request: dict[str, Any] = {
        "userAttributes": {},
        "groupConfiguration": Groups([], [], None).configuration(),
        "scopes": scopes,
    }
    if client_metadata:
        request["clientMetadata"] = dict(client_metadata)
    event = _frame(pool, "TokenGeneration_ClientCredentials", client_id) | {
        "version": "3",
        "request": request,
        "response": {"claimsAndScopeOverrideDetails": None},
    }
    answer = await _fire(service, _Call("PreTokenGeneration", arn, pool.arn, event), _ResponseV2)
    return answer.claims_and_scope_override_details or Customization()


def _pre_token_generation(pool: Pool) -> tuple[str | None, str]:
    versioned = _config(pool).get("PreTokenGenerationConfig") or {}
    if versioned.get("LambdaArn"):
        return versioned["LambdaArn"], versioned.get("LambdaVersion") or "V1_0"
    return _config(pool).get("PreTokenGeneration"), "V1_0"


def _from_v1(answer: _CustomizationV1) -> Customization:
    """Convert a version 1 answer.

    It changes only the ID token, except for groups, which change in both tokens.
    """
    changes = Generation(dict(answer.claims_to_add_or_override or {}), answer.claims_to_suppress)
    return Customization(
        id_token_generation=changes, group_override_details=answer.group_override_details
    )


def _config(pool: Pool) -> dict[str, Any]:
    return pool.extended_config.get("LambdaConfig") or {}


def _attributes(user: User) -> dict[str, str]:
    return {**user.attribute_lookup, "cognito:user_status": status(user)}


def _event(
    pool: Pool,
    user: User,
    source: str,
    client_id: str,
    request: dict[str, Any],
    response: dict[str, Any],
    client_metadata: Metadata,
) -> dict[str, Any]:
    if client_metadata:
        request = {**request, "clientMetadata": dict(client_metadata)}
    return _frame(pool, source, client_id) | {
        "version": "1",
        "userName": user.username,
        "request": request,
        "response": response,
    }


def _frame(pool: Pool, source: str, client_id: str) -> dict[str, Any]:
    """Return the members that the events of all triggers have."""
    return {
        "region": pool.region,
        "userPoolId": pool.id,
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": client_id},
        "triggerSource": source,
    }


async def _fire[T](service: Service, call: _Call, response: type[T]) -> T:
    """Return the `response` of the event that the function returned."""
    invocation = await _invoke(service, call)
    if invocation.function_error:
        message = f"{call.trigger} failed with error {_error_message(invocation.payload)}."
        raise CognitoError("UserLambdaValidationException", message)
    try:
        return msgspec.convert(
            msgspec.json.decode(invocation.payload, type=dict[str, Any])["response"], response
        )
    except (msgspec.MsgspecError, KeyError) as error:
        raise CognitoError(
            "InvalidLambdaResponseException", "Unrecognizable lambda output"
        ) from error


async def _invoke(service: Service, call: _Call) -> Invocation:
    payload = json.dumps(call.event).encode()
    reason = ""
    for _ in range(ATTEMPTS):
        try:
            async with asyncio.timeout(TIME_LIMIT):
                return await service.invoke(
                    call.function_arn, payload, source=(PRINCIPAL, call.pool_arn)
                )
        except TimeoutError:
            reason = "Socket timeout while invoking Lambda function"
        except InvokeError as error:
            reason = error.type
            if error.status != THROTTLED:
                break
    raise CognitoError(
        "UnexpectedLambdaException", f"{call.trigger} invocation failed due to error {reason}."
    )


def _error_message(payload: bytes) -> str:
    try:
        return str(msgspec.json.decode(payload, type=dict[str, Any]).get("errorMessage", ""))
    except msgspec.MsgspecError:
        return payload.decode("utf-8", "replace")
