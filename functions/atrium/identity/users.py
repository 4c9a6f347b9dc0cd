"""Users and their identities: an identity (`provider`, `subject`) belongs to one user."""

from contextlib import suppress
from functools import partial
from uuid import UUID, uuid5

import msgspec

from atrium.http import text
from atrium.runtime.uuid7 import uuid7
from atrium.stores import postgres, user_table


class EmailTakenError(Exception):
    """Another user who is not erased has this e-mail.

    Only an operator may link the identity to that user. An e-mail address in a replacement pool
    is not enough proof to hand over an account.
    """


class EmailUnusableError(Exception):
    """The e-mail of a new user has no normal form that can be stored."""


class User(msgspec.Struct, frozen=True):
    """A user. `has_other_email` is True if the stored e-mail is not the identity's.

    `is_invited` means that an open or expired invitation waits for their first token.
    `consent_version` is the version of the terms that they accepted last.
    """

    uid: str
    status: str
    has_other_email: bool = False
    is_invited: bool = False
    consent_version: str | None = None


_IS_INVITED = """EXISTS (
    SELECT FROM invitations WHERE invitations.uid = users.uid AND state = 'open'
)"""

# One round trip whether or not the user exists. It writes nothing if the user exists.
_FIND_OR_CREATE = f"""
WITH known AS (
    SELECT users.uid, users.status, users.email IS DISTINCT FROM :email::citext AS has_other_email,
        {_IS_INVITED} AS is_invited, users.consent_version
    FROM identities JOIN users USING (uid) WHERE provider = :provider AND subject = :subject
), created AS (
    INSERT INTO users (uid, email, given_name, family_name, locale)
    SELECT :uid::uuid, :email::citext, :given_name::text, :family_name::text, :locale::text WHERE NOT EXISTS (SELECT FROM known)
    RETURNING uid, status
), linked AS (
    INSERT INTO identities (provider, subject, uid) SELECT :provider, :subject, uid FROM created
), audited AS (
    INSERT INTO audit_events (id, uid, actor, action, changes)
    SELECT :event::uuid, uid, uid, 'user.created', jsonb_build_object('provider', :provider::text) FROM created
)
SELECT uid, status, has_other_email, is_invited, consent_version FROM known
UNION ALL SELECT uid, status, false, false, NULL FROM created
"""  # noqa: S608  no input in it

# A repeat changes nothing. The audit trail holds no addresses.
_CHANGE_EMAIL = """
WITH changed AS (
    UPDATE users SET email = :email::citext, version = version + 1, updated_at = now()
    WHERE uid = :uid::uuid AND status IN ('active', 'disabled') AND email IS DISTINCT FROM :email::citext
    RETURNING uid
)
INSERT INTO audit_events (id, uid, actor, action, changes)
SELECT :event::uuid, uid, coalesce(:actor::text, uid::text), 'user.email_changed', jsonb_build_object('fields', '["email"]'::jsonb)
FROM changed RETURNING uid
"""


def ensure_user(
    provider: str, subject: str, email: str, attributes: dict[str, str], uid: UUID | None = None
) -> User:
    """Return the user of this identity; create it in Postgres and the table if it is missing.

    A new user gets `uid` if it is given. Repeated and concurrent calls are safe. `attributes` are
    the provider's standard claims, of which valid values of `given_name`, `family_name` and
    `locale` are kept. Raises EmailTakenError, EmailUnusableError,
    postgres.DatabaseUnavailableError, user_table.TableUnavailableError.
    """
    user = find_or_create(provider, subject, email, attributes, uid)
    if user.status == "active":
        user_table.create_meta(user.uid)
    return user


def find_or_create(
    provider: str, subject: str, email: str, attributes: dict[str, str], uid: UUID | None = None
) -> User:
    """Return or create the user in Postgres only. Raises like `ensure_user`."""
    address = _kept(text.Email, email)
    if address is None:
        return _known(provider, subject)
    names = {
        "given_name": _kept(text.PersonName, attributes.get("given_name")),
        "family_name": _kept(text.PersonName, attributes.get("family_name")),
        "locale": _kept(text.Locale, attributes.get("locale")),
    }
    # The loser of a race meets a unique index. The winner has committed by the second attempt.
    for _ in range(2):
        with suppress(postgres.UniqueViolationError):
            [row] = postgres.query(
                _FIND_OR_CREATE,
                provider=provider,
                subject=subject,
                uid=uid or uuid7(),
                email=address,
                event=uuid7(),
                **names,
            )
            return _user(row)
    raise EmailTakenError(
        f"Another user has the e-mail of {provider} {subject}. "
        "Link the identity if it belongs to that user."
    )


def change_email(uid: str, email: str, identity: tuple[str, str], actor: str | None = None) -> bool:
    """Store an e-mail that the pool has verified. Return True if it was another one before.

    Both addresses are told by mail. `identity` is the provider and subject of the account, and
    `actor` is None for the user. Raises EmailTakenError, EmailUnusableError,
    postgres.DatabaseUnavailableError, user_table.TableUnavailableError.
    """
    address = _kept(text.Email, email)
    if address is None:
        raise EmailUnusableError(f"The e-mail of {uid} in the pool is invalid.")
    _tell_of_change(uid, address, identity)
    try:
        changed = postgres.query(_CHANGE_EMAIL, uid=uid, email=address, actor=actor, event=uuid7())
    except postgres.UniqueViolationError:
        raise EmailTakenError(f"Another user has the e-mail of {uid} in the pool.") from None
    return bool(changed)


# No row if the change would change nothing or be refused.
_FORMER_EMAIL = """
SELECT email::text, version FROM users
WHERE uid = :uid::uuid AND status IN ('active', 'disabled') AND email IS DISTINCT FROM :email::citext
    AND NOT EXISTS (
        SELECT FROM users AS other WHERE other.email = :email::citext AND other.status <> 'erased'
    )
"""


def _tell_of_change(uid: str, address: str, identity: tuple[str, str]) -> None:
    """Write the command that sends the mails before the change: nothing would write it later.

    The id depends on the change only, so a repetition finds the command.
    """
    # Imported here: an address hardly ever changes.
    from atrium.identity import commands
    from atrium.stores.contention import retry_on_conflict

    for former, version in postgres.query(_FORMER_EMAIL, uid=uid, email=address):
        arguments = {"uid": uid, "identities": [identity], "former_email": former}
        id = str(uuid5(UUID(uid), f"{version} {address}"))
        command = commands.Command(id, "tell_email_changed", arguments, uid)
        put = partial(user_table.transact, [commands.new_item(command)])
        with suppress(user_table.TransactionCanceledError):  # the command is there
            retry_on_conflict(put)


_FIND = f"""
SELECT users.uid, users.status, false, {_IS_INVITED}, users.consent_version
FROM identities JOIN users USING (uid)
WHERE provider = :provider AND subject = :subject
"""  # noqa: S608  no input in it


def _known(provider: str, subject: str) -> User:
    """Return the user of an identity whose e-mail is invalid: an account older than the validation."""
    for row in postgres.query(_FIND, provider=provider, subject=subject):
        return _user(row)
    raise EmailUnusableError(f"The e-mail of {provider} {subject} is invalid.")


def _user(row: postgres.Row) -> User:
    uid, *rest = row
    return User(str(uid), *rest)


def _kept(kind: type[text.Line], value: str | None) -> str | None:
    """Return the normalised value, or None: an invalid profile must not prevent sign-in."""
    try:
        return str(kind.parse(value))
    except ValueError:
        return None
