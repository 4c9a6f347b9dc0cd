"""The SQL of this service."""

# Ids are UUIDv7, so their order is the order of time, and an id bounds a time. The plan uses the
# parameters, so absent filters cost nothing.
LIST_EVENTS = """
SELECT id, uid, actor, action, changes, request_id, at FROM audit_events
WHERE (:uid::uuid IS NULL OR uid = :uid::uuid)
    AND (:actor::text IS NULL OR actor = :actor::text)
    AND (:action::text IS NULL OR action = :action::text)
    AND (:first::uuid IS NULL OR id >= :first::uuid)
    AND (:before::uuid IS NULL OR id < :before::uuid)
ORDER BY id DESC LIMIT :limit::integer
"""
