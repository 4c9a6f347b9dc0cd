"""Self-service sign-up."""

from typing import Any

from local_aws.cognito import (
    attributes,
    client_secrets,
    codes,
    inbox,
    passwords,
    pools,
    quotas,
    requests,
    triggers,
)
from local_aws.cognito.errors import CognitoError, invalid_parameter, not_authorized
from local_aws.cognito.pools import Client, Pool, User, UserStatus
from local_aws.cognito.service import Service
from local_aws.cognito.state import Purpose
from local_aws.cognito.triggers import Metadata, SignUpDecision

CONFIRMED_SOURCE = "PostConfirmation_ConfirmSignUp"


async def sign_up(service: Service, request: requests.SignUp) -> dict[str, Any]:
    pool, client = pools.find_client(request.client_id)
    client_secrets.check_hash(service, client, request.username, request.secret_hash)
    if (pool.extended_config.get("AdminCreateUserConfig") or {}).get("AllowAdminCreateUserOnly"):
        raise not_authorized("SignUp is not permitted for this user pool")
    given = requests.named(request.user_attributes)
    attributes.check_writable(client, set(given))
    complete = attributes.of_new_user(pool, request.username, given)
    passwords.check_policy(pool, request.password)
    user = pools.new_user(pool, request.username, complete, UserStatus.UNCONFIRMED)
    decision = await _ask(service, pool, client, user, request)
    # This check comes after the trigger, which also runs for a taken name. Another sign-up may have
    # taken the name meanwhile.
    pools.require_absent(pool, request.username, "User already exists")
    passwords.set_unconfirmed(pool, user, request.password)
    pools.add_user(pool, user)
    return await _finish(service, pool, client, user, decision, request.client_metadata)


async def _ask(
    service: Service, pool: Pool, client: Client, user: User, request: requests.SignUp
) -> SignUpDecision:
    validation = requests.named(request.validation_data) or None
    return await triggers.pre_sign_up(
        service, pool, user, "PreSignUp_SignUp", client.id, validation, request.client_metadata
    )


async def _finish(
    service: Service,
    pool: Pool,
    client: Client,
    user: User,
    decision: SignUpDecision,
    metadata: Metadata,
) -> dict[str, Any]:
    if decision.auto_verify_email:
        pools.require_email(user)
        user.update_attributes([{"Name": "email_verified", "Value": "true"}])
    answer: dict[str, Any] = {"UserConfirmed": decision.auto_confirm_user, "UserSub": user.id}
    if decision.auto_confirm_user:
        user.status = UserStatus.CONFIRMED
        await triggers.post_confirmation(service, pool, user, CONFIRMED_SOURCE, client.id, metadata)
    elif pools.verifies_email(pool) and user.attribute_lookup.get("email"):
        answer["CodeDeliveryDetails"] = await _send_code(
            service, pool, user, "CustomMessage_SignUp", client.id, metadata
        )
    return answer


async def confirm_sign_up(service: Service, request: requests.ConfirmSignUp) -> dict[str, Any]:
    pool, client = pools.find_client(request.client_id)
    client_secrets.check_hash(service, client, request.username, request.secret_hash)
    user = pools.find_user(pool, request.username)
    if user is None:
        raise codes.expired() if pools.hides_absence(client) else pools.unknown_to_client()
    _require_unconfirmed(user)
    quotas.count(service, user, "ConfirmSignUp")
    codes.check(service, user, Purpose.CONFIRM_SIGN_UP, request.confirmation_code)
    codes.spend(service, user, Purpose.CONFIRM_SIGN_UP)
    user.update_attributes([{"Name": "email_verified", "Value": "true"}])
    user.status = UserStatus.CONFIRMED
    await triggers.post_confirmation(
        service, pool, user, CONFIRMED_SOURCE, client.id, request.client_metadata
    )
    return {}


async def admin_confirm_sign_up(service: Service, request: requests.AdminUser) -> dict[str, Any]:
    """Confirm the user, but not the e-mail."""
    pool = pools.find_pool(request.user_pool_id)
    user = pools.require_user(pool, request.username)
    _require_unconfirmed(user)
    user.status = UserStatus.CONFIRMED
    codes.spend(service, user, Purpose.CONFIRM_SIGN_UP)
    await triggers.post_confirmation(
        service, pool, user, CONFIRMED_SOURCE, triggers.NO_CLIENT, request.client_metadata
    )
    return {}


async def resend_confirmation_code(
    service: Service, request: requests.ClientUser
) -> dict[str, Any]:
    pool, client = pools.find_client(request.client_id)
    client_secrets.check_hash(service, client, request.username, request.secret_hash)
    user = pools.find_user(pool, request.username)
    if user is None:
        if not pools.hides_absence(client):
            raise pools.unknown_to_client()
        return {"CodeDeliveryDetails": inbox.delivery(request.username)}
    if user.status is not UserStatus.UNCONFIRMED:
        raise invalid_parameter("User is already confirmed.")
    if not pools.verifies_email(pool):
        raise CognitoError("InvalidParameterException", "Auto verification not turned on.")
    quotas.count(service, user, "ResendConfirmationCode")
    source = "CustomMessage_ResendCode"
    sent = await _send_code(service, pool, user, source, client.id, request.client_metadata)
    return {"CodeDeliveryDetails": sent}


async def _send_code(
    service: Service,
    pool: Pool,
    user: User,
    source: str,
    client_id: str,
    metadata: triggers.Metadata,
) -> dict[str, str]:
    to, code = pools.require_email(user), codes.create(service, user, Purpose.CONFIRM_SIGN_UP)
    return await inbox.send_code(service, pool, user, source, to, code, client_id, metadata)


def _require_unconfirmed(user: User) -> None:
    if user.status is not UserStatus.UNCONFIRMED:
        raise not_authorized(f"User cannot be confirmed. Current status is {pools.status(user)}")
