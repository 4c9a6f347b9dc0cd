"""The SQL of this function."""

FIND_NOT_ERASED = """
SELECT uid::text FROM users WHERE uid = ANY (:uids::uuid[]) AND status <> 'erased'
"""

LIST_ERASED = """
SELECT uid::text FROM users WHERE status = 'erased' AND uid > :after::uuid
ORDER BY uid LIMIT :limit::integer
"""

# The status of a user whom Postgres has erased stays; for others access ends at once. A command
# that is taken back, because nobody else is an administrator, restores the status.
QUEUE_ERASURE = """
WITH found AS (
    SELECT uid, status FROM users WHERE uid = :uid::uuid FOR UPDATE
), changed AS (
    UPDATE users SET status = 'deleted'
    FROM found WHERE users.uid = found.uid AND found.status <> 'erased'
), operation AS (
    INSERT INTO operations (id, kind, uid, actor)
    SELECT :operation::uuid, 'user.erase', uid, uid FROM found
    ON CONFLICT DO NOTHING RETURNING id, uid, actor
)
INSERT INTO outbox (id, command, arguments, actor, due_at)
SELECT id, 'erase_user', jsonb_build_object(
    'uid', uid, 'status', 'deleted', 'previous_status', found.status, 'identities', (
        SELECT coalesce(jsonb_agg(jsonb_build_array(provider, subject)), '[]')
        FROM identities WHERE identities.uid = operation.uid
    )
), actor, now()
FROM operation JOIN found USING (uid)
"""

FIND_BUSY = """
SELECT uid::text FROM operations
WHERE uid = ANY (:uids::uuid[]) AND state = 'pending' AND kind <> 'user.erase' ORDER BY uid
"""
