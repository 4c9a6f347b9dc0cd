"""The SQL of this function."""

# No row: another run is at work. A run lasts 50 seconds at most (publish_events/function.yaml), so
# it has ended when its claim does.
CLAIM = """
INSERT INTO event_publishing (claimed_until) VALUES (now() + interval '1 minute')
ON CONFLICT (is_only) DO UPDATE SET claimed_until = excluded.claimed_until
WHERE event_publishing.claimed_until <= now()
RETURNING is_only
"""

RELEASE = "UPDATE event_publishing SET claimed_until = now()"

MARK = "DELETE FROM unpublished_events WHERE id = ANY (:ids::uuid[])"

# A user's positions follow the order of commits, because the audit chain is locked until the
# transaction ends. So a page never misses an earlier event of a user that it contains.
NEXT = """
SELECT id::text, uid::text, unpublished.position, action, at, status
FROM unpublished_events AS unpublished JOIN audit_events USING (id, uid) LEFT JOIN users USING (uid)
WHERE :uid::uuid IS NULL OR (uid, unpublished.position) > (:uid::uuid, :position::bigint)
ORDER BY uid, unpublished.position LIMIT :limit::integer
"""
