"""The SQL of this service."""

# ruff: noqa: S608  constants alone are put into the SQL

from typing import Literal

from users.model import Profile, ProfilePatch

COLUMNS = ", ".join(Profile.__struct_fields__)
_CHANGEABLE = ", ".join(ProfilePatch.__struct_fields__)
IS_NOT_DELETED = "users.status IN ('active', 'disabled')"
IS_EXPECTED = "(:versions::bigint[] IS NULL OR version = ANY (:versions::bigint[]))"
"""Matches the versions of If-Match, or every version if they are NULL."""

FIND_USER = f"SELECT {COLUMNS} FROM users WHERE uid = :uid::uuid AND {IS_NOT_DELETED}"


# The UPDATE itself has the condition, so the second of two changes to one version matches no row.
# The audit row depends on the UPDATE, so both exist or neither.
def _change_user(assignments: str, condition: str, action: str) -> str:
    """Return the SQL of a change, whose row is NULL if the user exists and was not changed."""
    return f"""
WITH changed AS (
    UPDATE users SET
        {assignments},
        version = version + 1,
        updated_at = now()
    WHERE uid = :uid::uuid AND {IS_NOT_DELETED} AND {condition}
    RETURNING {COLUMNS}
), audited AS (
    INSERT INTO audit_events (id, uid, actor, action, changes, request_id)
    SELECT :event::uuid, uid, :actor, '{action}', :audited::jsonb, :request_id FROM changed
)
SELECT changed.* FROM users LEFT JOIN changed USING (uid)
WHERE users.uid = :uid::uuid AND {IS_NOT_DELETED}
"""


CHANGE_USER = _change_user(
    f"({_CHANGEABLE}) = (SELECT {_CHANGEABLE} FROM jsonb_populate_record(users, :changes::jsonb))",
    IS_EXPECTED,
    "user.changed",
)

GIVE_CONSENT = _change_user(
    "consent_version = :consent::text, consented_at = now()",
    f"consent_version IS DISTINCT FROM :consent::text AND {IS_EXPECTED}",
    "user.consented",
)

FIND_IDENTITIES = "SELECT provider, subject FROM identities WHERE uid = :uid::uuid"

# Whether another user has the account.
FIND_LINK = f"""
SELECT version, EXISTS (
    SELECT FROM identities
    WHERE provider = :provider AND subject = :subject AND identities.uid <> users.uid
)
FROM users WHERE uid = :uid::uuid AND {IS_NOT_DELETED}
"""

# Their roles are granted to whoever signs the user in first.
FIND_UNUSED_INVITATIONS = """
SELECT id, roles FROM invitations WHERE uid = :uid::uuid AND state IN ('pending', 'open')
"""

# An account that another user has violates the primary key. Accounts of a previous pool stay.
LINK = f"""
WITH changed AS (
    UPDATE users SET version = version + 1, updated_at = now()
    WHERE uid = :uid::uuid AND {IS_NOT_DELETED} AND {IS_EXPECTED}
    RETURNING uid
), replaced AS (
    DELETE FROM identities USING changed
    WHERE identities.uid = changed.uid AND provider = :provider AND subject <> :subject
    RETURNING subject
), linked AS (
    INSERT INTO identities (provider, subject, uid)
    SELECT :provider, :subject, uid FROM changed WHERE NOT EXISTS (
        SELECT FROM identities
        WHERE provider = :provider AND subject = :subject AND identities.uid = changed.uid
    )
), audited AS (
    INSERT INTO audit_events (id, uid, actor, action, changes, request_id)
    SELECT :event::uuid, uid, :actor, 'user.linked', jsonb_build_object(
        'identity', :subject::text, 'reason', :reason::text,
        'replaced', (SELECT coalesce(jsonb_agg(subject), '[]') FROM replaced)
    ), :request_id FROM changed
)
SELECT ARRAY (SELECT subject FROM replaced) FROM changed
"""

Sort = Literal["created_at", "-created_at", "email", "-email"]

# Must match the index in migrations/0005_users_directory.sql.
_WORDS = "lower(' ' || coalesce(given_name, '') || ' ' || coalesce(family_name, '') || ' ' || coalesce(email::text, ''))"


def _list_users(after: str, order: str) -> str:
    """Return the SQL of a page. `after` is the condition of its position.

    The plan uses the parameters, so absent filters cost nothing. `<%` compares trigrams, so `jonh`
    finds John.
    """
    return f"""
SELECT {COLUMNS} FROM users
WHERE status <> 'erased'
    AND status = ANY (:statuses::text[])
    AND (:email::citext IS NULL OR email = :email::citext)
    AND (:created_from::timestamptz IS NULL OR created_at >= :created_from::timestamptz)
    AND (:created_before::timestamptz IS NULL OR created_at < :created_before::timestamptz)
    AND (:prefixes::text IS NULL OR {_WORDS} LIKE :prefixes::text OR :word::text <% {_WORDS})
    AND ({after})
ORDER BY {order} LIMIT :limit::integer
"""


def _after_time(comparison: str) -> str:
    position = "(:after_time::timestamptz, :after_uid::uuid)"
    return f":after_time::timestamptz IS NULL OR (created_at, uid) {comparison} {position}"


def _after_email(comparison: str) -> str:
    return f":after_email::citext IS NULL OR email {comparison} :after_email::citext"


# E-mail addresses are unique among users who are not erased, so e-mail alone is a sort key and the
# unique index serves the sort.
LIST_USERS: dict[Sort, str] = {
    "created_at": _list_users(_after_time(">"), "created_at, uid"),
    "-created_at": _list_users(_after_time("<"), "created_at DESC, uid DESC"),
    "email": _list_users(_after_email(">"), "email"),
    "-email": _list_users(_after_email("<"), "email DESC"),
}

# The user of an invitation is known when the account exists.
FIND_OPERATION = """
SELECT id, kind, state, CASE WHEN kind <> 'user.invite' OR state = 'succeeded' THEN uid END AS uid,
    reason, created_at, completed_at
FROM operations WHERE id = :operation::uuid AND (:actor::uuid IS NULL OR actor = :actor::uuid)
"""

# Inserts nothing if the address is taken. The audit trail names the future user and the operation.
INVITE = """
WITH operation AS (
    INSERT INTO operations (id, kind, uid, email, actor)
    SELECT :operation::uuid, 'user.invite', :uid::uuid, :email::citext, :actor::uuid
    WHERE NOT EXISTS (SELECT FROM users WHERE email = :email::citext AND status <> 'erased')
    RETURNING id, uid, actor
), queued AS (
    INSERT INTO outbox (id, command, arguments, actor)
    SELECT id, 'create_user', :arguments::jsonb, actor FROM operation
), invitation AS (
    INSERT INTO invitations (id, uid, operation, actor, roles, expires_at)
    SELECT id, uid, id, actor, :roles::text[], now() + make_interval(days => :days::integer) FROM operation
)
INSERT INTO audit_events (id, uid, actor, action, changes, request_id)
SELECT :event::uuid, uid, actor, 'user.invited',
    jsonb_build_object('operation', id, 'roles', :roles::text[]), :request_id
FROM operation
"""

CHECK_ADDRESS = """
SELECT EXISTS (SELECT FROM users WHERE email = :email::citext AND status <> 'erased'),
    EXISTS (SELECT FROM operations WHERE email = :email::citext AND state = 'pending')
"""

# An invitation is cancelled by the deletion of the user, and expires without a write.
_INVITATION_STATE = """CASE
    WHEN invitations.state <> 'open' THEN invitations.state
    WHEN users.status IN ('deleted', 'erased') THEN 'cancelled'
    WHEN invitations.expires_at <= now() THEN 'expired'
    ELSE 'open'
END"""

# The address is in the operation until the account exists, and in users from then on.
_INVITATIONS = f"""
SELECT invitations.id, CASE WHEN users.uid IS NOT NULL THEN invitations.uid END,
    coalesce(users.email, operations.email), invitations.roles, {_INVITATION_STATE}, invitations.actor,
    invitations.operation, invitations.created_at, invitations.sent_at, invitations.expires_at,
    invitations.accepted_at, invitations.version
FROM invitations JOIN operations ON operations.id = invitations.operation
    LEFT JOIN users ON users.uid = invitations.uid
"""

FIND_INVITATION = f"{_INVITATIONS} WHERE invitations.id = :invitation::uuid"

# The ids are in the order of time. The index serves the stored state.
LIST_INVITATIONS = f"""{_INVITATIONS}
WHERE (:state::text IS NULL OR (invitations.state = :stored::text AND {_INVITATION_STATE} = :state::text))
    AND (:after::uuid IS NULL OR invitations.id < :after::uuid)
ORDER BY invitations.id DESC LIMIT :limit::integer
"""

RESEND_INVITATION = """
WITH resent AS (
    UPDATE invitations SET
        state = 'pending', operation = :operation::uuid, actor = :actor::uuid, version = invitations.version + 1,
        expires_at = now() + make_interval(days => :days::integer)
    FROM users
    WHERE id = :invitation::uuid AND state = 'open' AND users.uid = invitations.uid AND users.status = 'active'
    RETURNING users.uid, users.email, users.given_name, users.family_name, users.locale
), operation AS (
    INSERT INTO operations (id, kind, uid, email, actor)
    SELECT :operation::uuid, 'user.invite', uid, email, :actor::uuid FROM resent
), audited AS (
    INSERT INTO audit_events (id, uid, actor, action, changes, request_id)
    SELECT :event::uuid, uid, :actor::text, 'user.invitation_resent',
        jsonb_build_object('operation', :operation::uuid, 'invitation', :invitation::uuid), :request_id
    FROM resent
)
INSERT INTO outbox (id, command, arguments, actor)
SELECT :operation::uuid, 'resend_invitation', jsonb_strip_nulls(to_jsonb(resent)), :actor::uuid FROM resent
"""

# `erase_at` is the end of the grace period of a person's own deletion.
CHANGE_STATUS = f"""
WITH before AS (
    SELECT uid, status FROM users
    WHERE uid = :uid::uuid AND status = ANY (:statuses_before::text[]) AND {IS_EXPECTED}
        AND (:invitation::uuid IS NULL OR EXISTS (
            SELECT FROM invitations
            WHERE id = :invitation::uuid AND invitations.uid = users.uid AND state = 'open'
                AND invitations.version = :invitation_version::bigint
        ))
    FOR UPDATE
), changed AS (
    UPDATE users SET
        status = :status::text,
        erase_at = coalesce(now() + make_interval(days => :grace_days::integer), erase_at),
        version = version + 1,
        updated_at = now()
    FROM before WHERE users.uid = before.uid
    RETURNING users.uid, users.status, users.erase_at, before.status AS previous_status
), operation AS (
    INSERT INTO operations (id, kind, uid, actor)
    SELECT :operation::uuid, :kind::text, uid, :actor::uuid FROM changed
), audited AS (
    INSERT INTO audit_events (id, uid, actor, action, changes, request_id)
    SELECT :event::uuid, uid, :actor::text, :action::text,
        jsonb_build_object('fields', '["status"]'::jsonb, 'operation', :operation::uuid), :request_id
    FROM changed
)
INSERT INTO outbox (id, command, arguments, actor)
SELECT :operation::uuid, :command::text, jsonb_strip_nulls(jsonb_build_object(
    'uid', uid, 'status', status, 'previous_status', previous_status, 'erase_at', erase_at, 'identities', (
        SELECT coalesce(jsonb_agg(jsonb_build_array(provider, subject)), '[]')
        FROM identities WHERE identities.uid = changed.uid
    )
)), :actor::uuid
FROM changed
RETURNING id, command, arguments, actor
"""
