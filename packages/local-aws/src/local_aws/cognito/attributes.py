"""User attributes: which ones exist, and who may read and write them."""

from collections.abc import Collection, Mapping

from local_aws.cognito.attribute_values import (
    EMAIL,
    VERIFIED_FLAGS,
    format_error,
    schema_error,
    stored,
)
from local_aws.cognito.errors import CognitoError, invalid_parameter, not_authorized
from local_aws.cognito.pools import STANDARD_ATTRIBUTES, Client, Pool, User, signs_in_by_email

# Attributes that never count as custom: Cognito keeps them apart from the schema.
KNOWN = STANDARD_ATTRIBUTES | {"identities"}


def of_new_user(pool: Pool, username: str, given: dict[str, str]) -> dict[str, str]:
    """Return the attributes of a new user, including the e-mail that is its name.

    Raise an error if they do not fit the pool's schema.
    """
    attributes = dict(given)
    if signs_in_by_email(pool):
        if not EMAIL.fullmatch(username):
            raise invalid_parameter("Username should be an email.")
        attributes["email"] = username
    if "sub" in given:
        raise invalid_parameter("Cannot modify the non-mutable attribute sub")
    missing = [
        f"{name}: The attribute is required"
        for name, attribute in pool.schema_attributes.items()
        if attribute.required and name != "sub" and not attributes.get(name)
    ]
    return checked(pool, attributes, missing)


def checked(pool: Pool, given: Mapping[str, str], also: Collection[str] = ()) -> dict[str, str]:
    """Return the attributes as Cognito stores them.

    Raise an error that names every attribute that does not fit the schema; `also` are problems
    that the caller found.
    """
    for name, value in given.items():
        if (error := format_error(name, value)) is not None and name in KNOWN:
            raise error
    problems = [
        f"{name}: {problem}"
        for name, value in given.items()
        if (problem := _problem(pool, name, value)) is not None
    ]
    if problems or also:
        raise _nonconforming([*problems, *also])
    return {name: stored(name, pool.schema_attributes.get(name), v) for name, v in given.items()}


def _problem(pool: Pool, name: str, value: str) -> str | None:
    if name not in KNOWN | set(pool.schema_attributes):
        return "Attribute does not exist in the schema."
    return schema_error(name, pool.schema_attributes.get(name), value)


def check_mutable(pool: Pool, names: Collection[str]) -> None:
    """Check that the schema lets these attributes change after the user was created."""
    fixed = [
        f"user.{name}: Attribute cannot be updated.\n"
        for name in names
        if name == "sub"
        or ((attribute := pool.schema_attributes.get(name)) is not None and not attribute.mutable)
    ]
    if fixed:
        raise invalid_parameter("".join(fixed))


def check_removable(pool: Pool, names: Collection[str]) -> None:
    """Check that users can be without these attributes, and that the schema has them."""
    unknown = [
        f"user.{name}: Attribute does not exist in the schema.\n"
        for name in names
        if name not in KNOWN | set(pool.schema_attributes)
    ]
    if unknown:
        raise invalid_parameter(f"Invalid user attributes: {''.join(unknown)}")
    check_mutable(pool, names)
    for name in names:
        attribute = pool.schema_attributes.get(name)
        if (attribute and attribute.required) or (name == "email" and signs_in_by_email(pool)):
            raise invalid_parameter(f"Cannot delete required attribute {name}")


def check_writable(client: Client, names: set[str]) -> None:
    writable = client.extended_config.get("WriteAttributes")
    refused = names - set(writable) if writable else names & VERIFIED_FLAGS
    if refused:
        raise not_authorized("A client attempted to write unauthorized attribute")


def store(user: User, given: Mapping[str, str]) -> None:
    """Store checked attributes; an empty value deletes the attribute, as on AWS."""
    kept = [{"Name": name, "Value": value} for name, value in given.items() if value]
    user.update_attributes(kept)
    user.delete_attributes([n for n, v in given.items() if not v and n in user.attribute_lookup])


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


def _nonconforming(problems: Collection[str]) -> CognitoError:
    listed = "".join(f"{problem}\n" for problem in problems)
    return invalid_parameter(f"Attributes did not conform to the schema: {listed}")
