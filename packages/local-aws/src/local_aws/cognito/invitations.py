"""Invitations by an administrator."""

from typing import Any

from local_aws.cognito import attributes, inbox, passwords, pools, requests, triggers
from local_aws.cognito.errors import CognitoError, NotEmulatedError, invalid_parameter
from local_aws.cognito.pools import Pool, User, UserStatus
from local_aws.cognito.service import Service


async def admin_create_user(service: Service, request: requests.AdminCreateUser) -> dict[str, Any]:
    """Create a user.

    PreSignUp fires, but its flags are ignored. PostConfirmation never fires for an invited user.
    """
    if "SMS" in request.desired_delivery_mediums:
        raise NotEmulatedError("AdminCreateUser with DesiredDeliveryMediums SMS")
    pool = pools.find_pool(request.user_pool_id)
    if request.message_action == "RESEND":
        user = _invited_before(pool, request.username)
        return await _invite(service, pool, user, request)
    if request.message_action not in (None, "SUPPRESS"):
        raise invalid_parameter(
            f"MessageAction {request.message_action!r} is neither RESEND nor SUPPRESS."
        )
    complete = attributes.of_new_user(
        pool, request.username, requests.named(request.user_attributes)
    )
    pools.require_absent(pool, request.username, "User account already exists")
    user = pools.new_user(pool, request.username, complete, UserStatus.FORCE_CHANGE_PASSWORD)
    if request.temporary_password is not None:
        passwords.check_policy(pool, request.temporary_password)
    validation = requests.named(request.validation_data) or None
    source = "PreSignUp_AdminCreateUser"
    await triggers.pre_sign_up(
        service, pool, user, source, triggers.NO_CLIENT, validation, request.client_metadata
    )
    pools.require_absent(pool, request.username, "User account already exists")
    pools.add_user(pool, user)
    return await _invite(service, pool, user, request)


async def _invite(
    service: Service, pool: Pool, user: User, request: requests.AdminCreateUser
) -> dict[str, Any]:
    password = request.temporary_password or passwords.generate(pool)
    passwords.set_temporary(service, pool, user, password)
    email = user.attribute_lookup.get("email")
    if request.message_action != "SUPPRESS" and email:
        await inbox.send_invitation(
            service, pool, user, email, request.username, password, request.client_metadata
        )
    return {"User": pools.describe(user, "Attributes")}


def _invited_before(pool: Pool, username: str) -> User:
    user = pools.require_user(pool, username)
    if user.status is not UserStatus.FORCE_CHANGE_PASSWORD:
        message = f"Resend not possible. {username} status is not FORCE_CHANGE_PASSWORD"
        raise CognitoError("UnsupportedUserStateException", message)
    return user
