"""Password resets and changes, by the user or an administrator."""

from typing import Any

from local_aws.cognito import (
    client_secrets,
    codes,
    inbox,
    passwords,
    pools,
    quotas,
    requests,
    sessions,
    triggers,
)
from local_aws.cognito.errors import bad_credentials, invalid_parameter, not_authorized
from local_aws.cognito.pools import Pool, User, UserStatus
from local_aws.cognito.service import Service
from local_aws.cognito.state import Purpose


async def forgot_password(service: Service, request: requests.ClientUser) -> dict[str, Any]:
    pool, client = pools.find_client(request.client_id)
    client_secrets.check_hash(service, client, request.username, request.secret_hash)
    _require_self_service(pool)
    user = pools.find_user(pool, request.username)
    if pools.hides_absence(client) and (user is None or not user.enabled):
        return {"CodeDeliveryDetails": inbox.delivery(request.username)}
    if user is None:
        raise pools.unknown_to_client()
    pools.require_enabled(user)
    quotas.count(service, user, "ForgotPassword")
    sent = await _send_code(service, pool, user, client.id, request.client_metadata)
    return {"CodeDeliveryDetails": sent}


def _require_self_service(pool: Pool) -> None:
    """Check that the pool lets users reset their passwords themselves."""
    recovery = pool.extended_config.get("AccountRecoverySetting") or {}
    mechanisms = {each["Name"] for each in recovery.get("RecoveryMechanisms") or []}
    if mechanisms == {"admin_only"}:
        raise not_authorized("Contact administrator to reset password.")


async def confirm_forgot_password(
    service: Service, request: requests.ConfirmForgotPassword
) -> dict[str, Any]:
    pool, client = pools.find_client(request.client_id)
    client_secrets.check_hash(service, client, request.username, request.secret_hash)
    user = pools.find_user(pool, request.username)
    if pools.hides_absence(client) and (user is None or not user.enabled):
        raise codes.mismatch()
    if user is None:
        raise pools.unknown_to_client()
    pools.require_enabled(user)
    quotas.count(service, user, "ConfirmForgotPassword")
    codes.check(service, user, Purpose.RESET_PASSWORD, request.confirmation_code)
    passwords.check_policy(pool, request.password)
    codes.spend(service, user, Purpose.RESET_PASSWORD)
    passwords.set_permanent(service, pool, user, request.password)
    source = "PostConfirmation_ConfirmForgotPassword"
    await triggers.post_confirmation(
        service, pool, user, source, client.id, request.client_metadata
    )
    return {}


async def admin_reset_user_password(
    service: Service, request: requests.AdminUser
) -> dict[str, Any]:
    pool = pools.find_pool(request.user_pool_id)
    user = pools.require_user(pool, request.username)
    pools.require_enabled(user)
    await _send_code(service, pool, user, triggers.NO_CLIENT, request.client_metadata)
    user.status = UserStatus.RESET_REQUIRED
    return {}


async def _send_code(
    service: Service, pool: Pool, user: User, client_id: str, metadata: triggers.Metadata
) -> dict[str, str]:
    if user.status not in (UserStatus.CONFIRMED, UserStatus.RESET_REQUIRED, UserStatus.UNCONFIRMED):
        raise not_authorized("User password cannot be reset in the current state.")
    if user.attribute_lookup.get("email_verified") != "true":
        raise invalid_parameter(
            "Cannot reset password for the user as there is no registered/verified email or phone_number"
        )
    to, code = pools.require_email(user), codes.create(service, user, Purpose.RESET_PASSWORD)
    source = "CustomMessage_ForgotPassword"
    return await inbox.send_code(service, pool, user, source, to, code, client_id, metadata)


async def change_password(service: Service, request: requests.ChangePassword) -> dict[str, Any]:
    pool, _, user = sessions.authenticate(service, request.access_token)
    quotas.count(service, user, "ChangePassword")
    if not passwords.verify(pool, user, request.previous_password):
        raise bad_credentials()
    passwords.check_policy(pool, request.proposed_password)
    passwords.set_permanent(service, pool, user, request.proposed_password)
    return {}


async def admin_set_user_password(
    service: Service, request: requests.AdminSetUserPassword
) -> dict[str, Any]:
    pool = pools.find_pool(request.user_pool_id)
    user = pools.require_user(pool, request.username)
    passwords.check_policy(pool, request.password)
    store = passwords.set_permanent if request.permanent else passwords.set_temporary
    store(service, pool, user, request.password)
    return {}
