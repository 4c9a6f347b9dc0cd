"""User attributes: which ones exist, and who may read and write them."""

import re
from collections.abc import Collection, Mapping

from local_aws.cognito.errors import invalid_parameter, not_authorized
from local_aws.cognito.pools import STANDARD_ATTRIBUTES, Client, Pool, User, signs_in_by_email

EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
# Attributes that a client without a write list cannot write, because Cognito sets them.
VERIFIED_FLAGS = frozenset({"email_verified", "phone_number_verified"})


def of_new_user(pool: Pool, username: str, given: dict[str, str]) -> dict[str, str]:
    """Return the attributes of a new user, including the e-mail that is its name.

    Raise an error if they do not fit the pool's schema.
    """
    attributes = dict(given)
    if signs_in_by_email(pool):
        if not EMAIL.fullmatch(username):
            raise invalid_parameter("Username should be an email.")
        attributes["email"] = username
    check_schema(pool, attributes)
    for name, attribute in pool.schema_attributes.items():
        if attribute.required and name != "sub" and name not in attributes:
            raise _nonconforming(f"{name}: The attribute is required")
    return attributes


def check_schema(pool: Pool, given: dict[str, str]) -> None:
    for name, value in given.items():
        if name not in STANDARD_ATTRIBUTES | set(pool.schema_attributes):
            raise _nonconforming(f"{name}: Attribute does not exist in the schema.")
        if name == "sub":
            raise invalid_parameter("Cannot modify the non-mutable attribute sub")
        if name == "email" and not EMAIL.fullmatch(value):
            raise invalid_parameter("Invalid email address format.")
        _check_length(pool, name, value)


def _check_length(pool: Pool, name: str, value: str) -> None:
    attribute = pool.schema_attributes.get(name)
    limits = (attribute.string_constraints if attribute else None) or {}
    if len(value) < int(limits.get("MinLength") or 0):
        raise _nonconforming(f"{name}: String must have at least {limits['MinLength']} characters")
    if len(value) > int(limits.get("MaxLength") or 2048):
        raise _nonconforming(
            f"{name}: String must have at most {limits.get('MaxLength') or 2048} characters"
        )


def check_removable(pool: Pool, names: set[str]) -> None:
    for name in sorted(names):
        attribute = pool.schema_attributes.get(name)
        if (
            name == "sub"
            or (attribute and attribute.required)
            or (name == "email" and signs_in_by_email(pool))
        ):
            raise invalid_parameter(f"Cannot delete required attribute {name}")


def check_writable(client: Client, names: set[str]) -> None:
    writable = client.extended_config.get("WriteAttributes")
    refused = names - set(writable) if writable else names & VERIFIED_FLAGS
    if refused:
        raise not_authorized("A client attempted to write unauthorized attribute")


def store(user: User, given: Mapping[str, str]) -> None:
    user.update_attributes([{"Name": name, "Value": value} for name, value in given.items()])


def readable(client: Client, user: User) -> dict[str, str]:
    """Return the user's attributes that this client may read; `sub` is always included."""
    names = client.extended_config.get("ReadAttributes")
    return {k: v for k, v in user.attribute_lookup.items() if not names or k in names or k == "sub"}


# The attributes of each OpenID scope. `openid` alone includes everything that the client may read,
# and so does `profile`
# (https://docs.aws.amazon.com/cognito/latest/developerguide/userinfo-endpoint.html).
OF_SCOPE = {
    "email": frozenset({"email", "email_verified"}),
    "phone": frozenset({"phone_number", "phone_number_verified"}),
}


def in_scopes(visible: dict[str, str], scopes: Collection[str]) -> dict[str, str]:
    narrowing = [names for scope, names in OF_SCOPE.items() if scope in scopes]
    if not narrowing or "profile" in scopes:
        return visible
    return {
        name: value
        for name, value in visible.items()
        if name == "sub" or any(name in names for names in narrowing)
    }


def _nonconforming(reason: str) -> Exception:
    return invalid_parameter(f"Attributes did not conform to the schema: {reason}\n")
