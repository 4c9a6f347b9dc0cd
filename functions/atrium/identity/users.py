"""Who somebody signed in as, and who that is here: an identity (`provider`, `subject`) belongs to one user."""

from contextlib import suppress
from uuid import UUID

import msgspec

from atrium.http import text
from atrium.runtime.uuid7 import uuid7
from atrium.stores import postgres, user_attributes


class EmailTakenError(Exception):
    """A living user has this e-mail, and the identity is not theirs. Only an operator may link the two: an e-mail
    address alone, in a pool that replaces another one, proves too little to hand over an account."""


class EmailUnusableError(Exception):
    """The e-mail of somebody new is none that we can store in its normal form."""


class User(msgspec.Struct, frozen=True):
    uid: str
    status: str


# One flight whether or not the user exists. Nothing is written when it does.
_FIND_OR_CREATE = """
WITH known AS (
    SELECT users.uid, users.status FROM identities JOIN users USING (uid) WHERE provider = $1 AND subject = $2
), created AS (
    INSERT INTO users (uid, email, given_name, family_name, locale)
    SELECT $3::uuid, $4::citext, $5::text, $6::text, $7::text WHERE NOT EXISTS (SELECT FROM known)
    RETURNING uid, status
), linked AS (
    INSERT INTO identities (provider, subject, uid) SELECT $1, $2, uid FROM created
), audited AS (
    INSERT INTO audit_events (id, uid, actor, action, changes)
    SELECT $8::uuid, uid, uid, 'user.created', jsonb_build_object('provider', $1::text) FROM created
)
SELECT uid, status FROM known UNION ALL SELECT uid, status FROM created
"""


def ensure_user(
    provider: str, subject: str, email: str, attributes: dict[str, str], uid: UUID | None = None
) -> User:
    """The user of this identity, in Postgres and in the table; made on first sight, as `uid` if that is given. Safe to
    repeat and to race.

    `attributes` are the provider's standard claims; of these `given_name`, `family_name` and `locale` are kept when
    they are fit to be. Raises EmailTakenError, EmailUnusableError, postgres.DatabaseUnavailable, user_attributes.Unavailable.
    """
    user = find_or_create(provider, subject, email, attributes, uid)
    if user.status == "active":
        user_attributes.create_meta(user.uid)
    return user


def find_or_create(
    provider: str, subject: str, email: str, attributes: dict[str, str], uid: UUID | None = None
) -> User:
    """The Postgres half of `ensure_user`. Raises EmailUnusableError, too."""
    address = _kept(text.Email, email)
    if address is None:
        return _known(provider, subject)
    names = (
        _kept(text.PersonName, attributes.get("given_name")),
        _kept(text.PersonName, attributes.get("family_name")),
        _kept(text.Locale, attributes.get("locale")),
    )
    # Whoever loses a race meets a unique index; by the second look the winner has committed.
    for _ in range(2):
        with suppress(postgres.UniqueViolation):
            new = (uid or uuid7(), address, *names, uuid7())
            [(found, status)] = postgres.query(_FIND_OR_CREATE, provider, subject, *new)
            return User(str(found), status)
    raise EmailTakenError(
        f"Another user has the e-mail of {provider} {subject}. Link the identity, if it is theirs."
    )


_FIND = (
    "SELECT uid, status FROM identities JOIN users USING (uid) WHERE provider = $1 AND subject = $2"
)


def _known(provider: str, subject: str) -> User:
    """Return the user of an identity whose e-mail has no normal form: they signed up before it was asked for."""
    for uid, status in postgres.query(_FIND, provider, subject):
        return User(str(uid), status)
    raise EmailUnusableError(f"The e-mail of {provider} {subject} is not acceptable.")


def _kept(kind: type[text.Line], value: str | None) -> str | None:
    """What a person once typed elsewhere must not keep them from signing in here."""
    try:
        return str(kind.parse(value))
    except ValueError:
        return None
