"""Cognito at the AWS endpoint: JSON calls, the pools' public keys and the inbox."""

import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, get_type_hints

import msgspec
from aiohttp import web

from local_aws.aws_call import AwsCall, AwsResponse, Forward
from local_aws.cognito import (
    account,
    cors,
    enrolment,
    errors,
    hosted_page,
    inbox,
    invitations,
    keys,
    management,
    pools,
    profile,
    recovery,
    refreshing,
    signin,
    signup,
)
from local_aws.cognito.errors import CognitoError, NotEmulatedError, invalid_parameter
from local_aws.cognito.service import Invoke, Service
from local_aws.cognito.state import State
from local_aws.settings import Settings

Operation = Callable[[Service, Any], Awaitable[dict[str, Any]]]

# Calls that an app makes without AWS credentials. All other calls are an administrator's and must
# be signed.
PUBLIC_OPERATIONS: dict[str, Operation] = {
    "SignUp": signup.sign_up,
    "ConfirmSignUp": signup.confirm_sign_up,
    "ResendConfirmationCode": signup.resend_confirmation_code,
    "InitiateAuth": signin.initiate_auth,
    "RespondToAuthChallenge": signin.respond_to_auth_challenge,
    "GetTokensFromRefreshToken": refreshing.get_tokens_from_refresh_token,
    "ForgotPassword": recovery.forgot_password,
    "ConfirmForgotPassword": recovery.confirm_forgot_password,
    "ChangePassword": recovery.change_password,
    "AssociateSoftwareToken": enrolment.associate_software_token,
    "VerifySoftwareToken": enrolment.verify_software_token,
    "SetUserMFAPreference": enrolment.set_user_mfa_preference,
    "GetUser": account.get_user,
    "UpdateUserAttributes": profile.update_user_attributes,
    "DeleteUserAttributes": profile.delete_user_attributes,
    "GetUserAttributeVerificationCode": profile.get_user_attribute_verification_code,
    "VerifyUserAttribute": profile.verify_user_attribute,
    "DeleteUser": account.delete_user,
    "GlobalSignOut": account.global_sign_out,
    "RevokeToken": account.revoke_token,
}
OPERATIONS: dict[str, Operation] = {
    **PUBLIC_OPERATIONS,
    "AdminConfirmSignUp": signup.admin_confirm_sign_up,
    "AdminCreateUser": invitations.admin_create_user,
    "AdminInitiateAuth": signin.admin_initiate_auth,
    "AdminRespondToAuthChallenge": signin.respond_to_auth_challenge,
    "AdminResetUserPassword": recovery.admin_reset_user_password,
    "AdminSetUserPassword": recovery.admin_set_user_password,
    "AdminSetUserMFAPreference": enrolment.admin_set_user_mfa_preference,
    "AdminGetUser": account.admin_get_user,
    "AdminDeleteUserAttributes": profile.admin_delete_user_attributes,
    "AdminDeleteUser": account.admin_delete_user,
    "AdminUserGlobalSignOut": account.admin_user_global_sign_out,
    "AdminDisableUser": account.admin_disable_user,
    "AdminUpdateUserAttributes": profile.admin_update_user_attributes,
    **management.OPERATIONS,
}
# An operation's signature gives the type of its request.
REQUESTS = {name: get_type_hints(run)["request"] for name, run in OPERATIONS.items()}


class Cognito:
    """The user pools of one stack.

    `state` may be replaced only while no call is in flight.
    """

    def __init__(
        self,
        settings: Settings,
        invoke: Invoke,
        state: State | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        key = keys.load_or_create(settings.state / "keys")
        self._service = Service(settings.aws_endpoint_url, invoke, key, state or State(), clock)

    @property
    def state(self) -> State:
        return self._service.state

    @state.setter
    def state(self, state: State) -> None:
        self._service.state = state

    async def intercept(self, call: AwsCall, forward: Forward) -> AwsResponse:
        return cors.readable(call, await self._answer_or_refuse(call, forward))

    async def _answer_or_refuse(self, call: AwsCall, forward: Forward) -> AwsResponse:
        try:
            return await self._answer(call, forward)
        except CognitoError as error:
            return errors.refused(error)
        except NotEmulatedError as error:
            return errors.not_emulated(error)

    async def _answer(self, call: AwsCall, forward: Forward) -> AwsResponse:
        operation = OPERATIONS.get(call.action or "")
        if operation is None and call.action not in management.FORWARDED:
            raise NotEmulatedError(f"the call {call.action or call.path}")
        if call.access_key is None and call.action not in PUBLIC_OPERATIONS:
            raise CognitoError(
                "MissingAuthenticationTokenException", "Missing Authentication Token"
            )
        if operation is None:
            return await forward(management.checked(call))
        answer = await operation(self._service, _decode(call))
        return AwsResponse(200, msgspec.json.encode(answer), {"content-type": errors.CONTENT_TYPE})

    def issuer(self, pool_id: str) -> str:
        """Return the `iss` of the pool's tokens."""
        return self._service.issuer(pool_id)

    def key_set(self, pool_id: str) -> list[dict[str, Any]]:
        """Return the pool's public keys as JWKs; raise CognitoError if there is no such pool."""
        pools.find_pool(pool_id)
        return [self._service.key.public()]

    def deliver(self, to: str, subject: str, body: str) -> None:
        """Add a mail of another service to the inbox."""
        inbox.deliver(self._service, to, subject, body)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/{pool_id}/.well-known/jwks.json", self._serve_key_set),
            web.get("/{pool_id}/.well-known/openid-configuration", self._serve_configuration),
            web.get("/_local/inbox", self._serve_inbox),
            *cors.preflights("/"),
            *hosted_page.routes(self._service),
        ]

    async def _serve_key_set(self, request: web.Request) -> web.Response:
        return self._serve(partial(self._key_set_document, request.match_info["pool_id"]))

    async def _serve_configuration(self, request: web.Request) -> web.Response:
        return self._serve(partial(self._configuration, request.match_info["pool_id"]))

    async def _serve_inbox(self, request: web.Request) -> web.Response:
        return inbox.respond(self._service, request)

    def _serve(self, document: Callable[[], dict[str, Any]]) -> web.Response:
        try:
            return web.json_response(document(), headers=cors.ANY_ORIGIN)
        except CognitoError as error:
            return web.json_response(
                {"message": error.message}, status=400, headers=cors.ANY_ORIGIN
            )

    def _key_set_document(self, pool_id: str) -> dict[str, Any]:
        return {"keys": self.key_set(pool_id)}

    def _configuration(self, pool_id: str) -> dict[str, Any]:
        """Return the OpenID configuration.

        As on AWS, it lists the hosted page's endpoints once the pool has a domain.
        """
        issuer = self.issuer(pool_id)
        endpoints = hosted_page.discovery(self._service) if pools.find_pool(pool_id).domain else {}
        return {
            "id_token_signing_alg_values_supported": [keys.ALGORITHM],
            "issuer": issuer,
            "jwks_uri": f"{issuer}/.well-known/jwks.json",
            "subject_types_supported": ["public"],
            **endpoints,
        }


def _decode(call: AwsCall) -> Any:
    try:
        given = msgspec.json.decode(call.body or b"{}")
        return msgspec.convert(_without_nulls(given), REQUESTS[call.action or ""])
    except msgspec.MsgspecError as error:
        raise invalid_parameter(f"1 validation error detected: {error}") from error


def _without_nulls(given: Any) -> Any:
    """Remove nulls, which some browser clients send.

    In AWS's JSON protocol, a null means a missing member.
    """
    if isinstance(given, dict):
        return {name: _without_nulls(value) for name, value in given.items() if value is not None}
    return given
