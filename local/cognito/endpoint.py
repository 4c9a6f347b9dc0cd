"""Cognito at the AWS endpoint: its JSON calls, and the pages that verifiers of tokens and readers of mail fetch."""

import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, get_type_hints

import msgspec
from aiohttp import web

from local.aws_call import AwsCall, AwsResponse, Forward
from local.cognito import account, errors, inbox, invitations, keys, management, pools, recovery, signin, signup
from local.cognito.errors import CognitoError, NotEmulatedError, invalid_parameter
from local.cognito.service import Invoke, Service
from local.cognito.state import State
from local.settings import Settings

Operation = Callable[[Service, Any], Awaitable[dict[str, Any]]]

OPERATIONS: dict[str, Operation] = {
    "SignUp": signup.sign_up,
    "ConfirmSignUp": signup.confirm_sign_up,
    "ResendConfirmationCode": signup.resend_confirmation_code,
    "AdminConfirmSignUp": signup.admin_confirm_sign_up,
    "AdminCreateUser": invitations.admin_create_user,
    "InitiateAuth": signin.initiate_auth,
    "AdminInitiateAuth": signin.admin_initiate_auth,
    "RespondToAuthChallenge": signin.respond_to_auth_challenge,
    "AdminRespondToAuthChallenge": signin.respond_to_auth_challenge,
    "ForgotPassword": recovery.forgot_password,
    "ConfirmForgotPassword": recovery.confirm_forgot_password,
    "AdminResetUserPassword": recovery.admin_reset_user_password,
    "ChangePassword": recovery.change_password,
    "AdminSetUserPassword": recovery.admin_set_user_password,
    "GetUser": account.get_user,
    "DeleteUser": account.delete_user,
    "AdminDeleteUser": account.admin_delete_user,
    "GlobalSignOut": account.global_sign_out,
    "AdminUserGlobalSignOut": account.admin_user_global_sign_out,
    "AdminDisableUser": account.admin_disable_user,
    "AdminUpdateUserAttributes": account.admin_update_user_attributes,
    "RevokeToken": account.revoke_token,
    **management.OPERATIONS,
}
# An operation names its request's type in its signature.
DECODERS = {name: msgspec.json.Decoder(get_type_hints(run)["request"]) for name, run in OPERATIONS.items()}


class Cognito:
    """One stack's user pools. `state` may be replaced while no call is in flight."""

    def __init__(
        self, settings: Settings, invoke: Invoke, state: State | None = None, clock: Callable[[], float] = time.time
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
        try:
            return await self._answer(call, forward)
        except CognitoError as error:
            return errors.refused(error)
        except NotEmulatedError as error:
            return errors.not_emulated(error)

    async def _answer(self, call: AwsCall, forward: Forward) -> AwsResponse:
        if call.action in management.FORWARDED:
            return await forward(management.checked(call))
        operation = OPERATIONS.get(call.action or "")
        if operation is None:
            raise NotEmulatedError(f"the call {call.action or call.path}")
        answer = await operation(self._service, _decode(call))
        return AwsResponse(200, msgspec.json.encode(answer), {"content-type": errors.CONTENT_TYPE})

    def issuer(self, pool_id: str) -> str:
        """The `iss` of the pool's tokens."""
        return self._service.issuer(pool_id)

    def key_set(self, pool_id: str) -> list[dict[str, Any]]:
        """The pool's public keys as JWKs. Raises CognitoError if there is no such pool."""
        pools.find_pool(pool_id)
        return [self._service.key.public()]

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/{pool_id}/.well-known/jwks.json", self._serve_key_set),
            web.get("/{pool_id}/.well-known/openid-configuration", self._serve_configuration),
            web.get("/_atrium/inbox", self._serve_inbox),
        ]

    async def _serve_key_set(self, request: web.Request) -> web.Response:
        return self._serve(partial(self._key_set_document, request.match_info["pool_id"]))

    async def _serve_configuration(self, request: web.Request) -> web.Response:
        return self._serve(partial(self._configuration, request.match_info["pool_id"]))

    async def _serve_inbox(self, request: web.Request) -> web.Response:
        return inbox.respond(self._service, request)

    def _serve(self, document: Callable[[], dict[str, Any]]) -> web.Response:
        try:
            return web.json_response(document())
        except CognitoError as error:
            return web.json_response({"message": error.message}, status=400)

    def _key_set_document(self, pool_id: str) -> dict[str, Any]:
        return {"keys": self.key_set(pool_id)}

    def _configuration(self, pool_id: str) -> dict[str, Any]:
        """OpenID discovery without the hosted page's endpoints, which are not emulated."""
        pools.find_pool(pool_id)
        issuer = self.issuer(pool_id)
        return {
            "id_token_signing_alg_values_supported": [keys.ALGORITHM],
            "issuer": issuer,
            "jwks_uri": f"{issuer}/.well-known/jwks.json",
            "subject_types_supported": ["public"],
        }


def _decode(call: AwsCall) -> Any:
    try:
        return DECODERS[call.action or ""].decode(call.body or b"{}")
    except msgspec.MsgspecError as error:
        raise invalid_parameter(f"1 validation error detected: {error}") from error
