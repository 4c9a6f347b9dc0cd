"""The SQL of this function, besides that of the outbox and of the registry of personal data."""

FIND_IDENTITIES = """
SELECT uid::text, provider, subject FROM identities WHERE uid = ANY (:uids::uuid[])
ORDER BY uid, subject
"""

FIND_DUE_ERASURES = """
SELECT uid FROM users
WHERE erase_at <= now() AND status = 'deleted'
    AND NOT EXISTS (SELECT FROM operations WHERE operations.uid = users.uid AND state = 'pending')
ORDER BY erase_at LIMIT :limit::integer
"""

# The actor is the user, who requested the erasure. FOR UPDATE makes a sign-in that restores the
# account wait.
START_ERASURE = """
WITH due AS (
    SELECT uid FROM users
    WHERE uid = :uid::uuid AND erase_at <= now() AND status = 'deleted' FOR UPDATE
), operation AS (
    INSERT INTO operations (id, kind, uid, actor)
    SELECT :operation::uuid, 'user.erase', uid, uid FROM due
    ON CONFLICT DO NOTHING RETURNING id, uid, actor
)
INSERT INTO outbox (id, command, arguments, actor, due_at)
SELECT id, 'erase_user', jsonb_build_object(
    'uid', uid, 'status', 'deleted', 'previous_status', 'deleted', 'identities', (
        SELECT coalesce(jsonb_agg(jsonb_build_array(provider, subject)), '[]')
        FROM identities WHERE identities.uid = operation.uid
    )
), actor, now()
FROM operation RETURNING id
"""

FIND_OPERATIONS = "SELECT id::text FROM operations WHERE uid = :uid::uuid"

ADD_ERASED_EVENT = """
INSERT INTO audit_events (id, uid, actor, action, changes)
SELECT :event::uuid, uid, actor::text, 'user.erased', jsonb_build_object('operation', id)
FROM operations WHERE id = :operation::uuid AND state = 'pending'
"""
