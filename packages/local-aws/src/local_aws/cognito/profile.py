"""Attribute changes of existing users, and the verification of a new e-mail."""

from typing import Any

from local_aws.cognito import attributes, codes, inbox, pools, quotas, requests, sessions, triggers
from local_aws.cognito.errors import NotEmulatedError, invalid_parameter
from local_aws.cognito.pools import Pool, User
from local_aws.cognito.service import Service
from local_aws.cognito.state import Purpose


async def update_user_attributes(
    service: Service, request: requests.UpdateUserAttributes
) -> dict[str, Any]:
    pool, client, user = sessions.authenticate(service, request.access_token)
    given = requests.named(request.user_attributes)
    attributes.check_writable(client, set(given))
    sent = await _change(service, pool, user, given, client.id, request.client_metadata)
    return {"CodeDeliveryDetailsList": sent}


async def admin_update_user_attributes(
    service: Service, request: requests.AdminUpdateUserAttributes
) -> dict[str, Any]:
    pool = pools.find_pool(request.user_pool_id)
    user = pools.require_user(pool, request.username)
    given = requests.named(request.user_attributes)
    await _change(service, pool, user, given, triggers.NO_CLIENT, request.client_metadata)
    return {}


async def delete_user_attributes(
    service: Service, request: requests.DeleteUserAttributes
) -> dict[str, Any]:
    pool, client, user = sessions.authenticate(service, request.access_token)
    names = list(dict.fromkeys(request.user_attribute_names))
    attributes.check_writable(client, set(names))
    _delete(pool, user, names)
    return {}


async def admin_delete_user_attributes(
    _: Service, request: requests.AdminDeleteUserAttributes
) -> dict[str, Any]:
    pool = pools.find_pool(request.user_pool_id)
    user = pools.require_user(pool, request.username)
    _delete(pool, user, request.user_attribute_names)
    return {}


def _delete(pool: Pool, user: User, names: list[str]) -> None:
    attributes.check_removable(pool, names)
    user.delete_attributes([name for name in names if name in user.attribute_lookup])


async def get_user_attribute_verification_code(
    service: Service, request: requests.AttributeVerificationCode
) -> dict[str, Any]:
    pool, client, user = sessions.authenticate(service, request.access_token)
    _require_email(request.attribute_name)
    quotas.count(service, user, "GetUserAttributeVerificationCode")
    source = "CustomMessage_VerifyUserAttribute"
    sent = await _send_code(service, pool, user, source, client.id, request.client_metadata)
    return {"CodeDeliveryDetails": sent}


async def verify_user_attribute(
    service: Service, request: requests.VerifyUserAttribute
) -> dict[str, Any]:
    pool, _, user = sessions.authenticate(service, request.access_token)
    _require_email(request.attribute_name)
    quotas.count(service, user, "VerifyUserAttribute")
    codes.check(service, user, Purpose.VERIFY_EMAIL, request.code)
    email = _unproved_email(service, user)
    pools.require_email_free(pool, email, user)
    _settle(service, user)
    attributes.store(user, {"email": email, "email_verified": "true"})
    return {}


async def _change(
    service: Service,
    pool: Pool,
    user: User,
    given: dict[str, str],
    client_id: str,
    metadata: triggers.Metadata,
) -> list[dict[str, str]]:
    """Change attributes; return where a verification code was sent, if any."""
    given = attributes.checked(pool, given)
    attributes.check_mutable(pool, given)
    email = given.get("email")
    if email is None or email == user.attribute_lookup.get("email"):
        if email is not None:
            _settle(service, user)  # keeping the old address cancels a change
        attributes.store(user, given)
        return []
    pools.require_email_free(pool, email, user)
    _settle(service, user)
    if given.get("email_verified") == "true":  # an administrator declares it verified
        attributes.store(user, given)
        return []
    if _kept_until_verified(pool):
        attributes.store(
            user, {name: value for name, value in given.items() if not name.startswith("email")}
        )
        service.state.pending_emails[user.id] = email
    else:
        attributes.store(user, given | {"email_verified": "false"})
    if not pools.verifies_email(pool):
        return []
    source = "CustomMessage_UpdateUserAttribute"
    return [await _send_code(service, pool, user, source, client_id, metadata)]


def _kept_until_verified(pool: Pool) -> bool:
    settings = pool.extended_config.get("UserAttributeUpdateSettings") or {}
    return "email" in (settings.get("AttributesRequireVerificationBeforeUpdate") or [])


def _unproved_email(service: Service, user: User) -> str:
    return service.state.pending_emails.get(user.id) or pools.require_email(user)


async def _send_code(
    service: Service,
    pool: Pool,
    user: User,
    source: str,
    client_id: str,
    metadata: triggers.Metadata,
) -> dict[str, str]:
    to, code = _unproved_email(service, user), codes.create(service, user, Purpose.VERIFY_EMAIL)
    return await inbox.send_code(service, pool, user, source, to, code, client_id, metadata)


def _settle(service: Service, user: User) -> None:
    """Invalidate a pending code, which would confirm an outdated address."""
    codes.spend(service, user, Purpose.VERIFY_EMAIL)
    service.state.pending_emails.pop(user.id, None)


def _require_email(name: str) -> None:
    if name == "phone_number":
        raise NotEmulatedError("codes to a phone number")
    if name != "email":
        raise invalid_parameter(f"Attribute {name} cannot be verified.")
