"""The SQL of this function."""

# Begins a pass, or continues one. No row: none is due, or another run is in progress.
BEGIN = """
INSERT INTO reconciliations AS pass (provider, claimed_until) VALUES (:provider, now() + interval '15 minutes')
ON CONFLICT (provider) DO UPDATE SET
    started_at = CASE WHEN :restart::boolean OR pass.phase = 'ended' THEN now() ELSE pass.started_at END,
    phase = CASE WHEN :restart::boolean OR pass.phase = 'ended' THEN 'pool' ELSE pass.phase END,
    position = CASE WHEN :restart::boolean OR pass.phase = 'ended' THEN '' ELSE pass.position END,
    found = CASE WHEN :restart::boolean OR pass.phase = 'ended' THEN '{}' ELSE pass.found END,
    claimed_until = excluded.claimed_until
WHERE (pass.claimed_until IS NULL OR pass.claimed_until < now())
    AND (:restart::boolean OR pass.phase <> 'ended' OR pass.started_at < now() - interval '1 day')
RETURNING phase, position, found
"""

RELEASE = "UPDATE reconciliations SET claimed_until = NULL WHERE provider = :provider"

FOUND = "SELECT found FROM reconciliations WHERE provider = :provider"

SAVE = """
UPDATE reconciliations SET phase = :phase, position = :position, found = :found::jsonb WHERE provider = :provider
"""

MARK_SEEN = """
UPDATE identities SET seen_at = now() WHERE provider = :provider AND subject = ANY (:subjects::text[])
"""

FIND_KNOWN = """
SELECT
    account.subject, uid::text, status,
    coalesce(users.email IS DISTINCT FROM account.email::citext, false),
    coalesce(status = 'deleted' AND erase_at IS NOT NULL, false),
    EXISTS (
        SELECT FROM operations
        WHERE state = 'pending' AND (operations.uid = users.uid OR operations.email = account.email::citext)
    ),
    NOT EXISTS (
        SELECT FROM identities AS other
        WHERE other.uid = users.uid AND other.provider = :provider AND other.subject <> account.subject
    )
FROM unnest(:subjects::text[], :emails::text[]) AS account (subject, email)
LEFT JOIN identities ON identities.provider = :provider AND identities.subject = account.subject
LEFT JOIN users USING (uid)
"""

# An account that was created after the beginning of the pass may be on a page that was read before.
UNSEEN = """
SELECT subject FROM identities JOIN users USING (uid) JOIN reconciliations USING (provider)
WHERE provider = :provider AND subject > :after AND status = 'active'
    AND identities.created_at < started_at AND coalesce(seen_at < started_at, true)
    AND NOT EXISTS (
        SELECT FROM identities AS other
        WHERE other.uid = identities.uid AND other.provider = identities.provider AND other.seen_at >= started_at
    )
ORDER BY subject LIMIT :limit::integer
"""

# The change depends on the operation, of which a user has one at a time.
QUEUE = """
WITH before AS (
    SELECT uid, status FROM users WHERE uid = :uid::uuid AND status = :before FOR UPDATE
), operation AS (
    INSERT INTO operations (id, kind, uid, actor) SELECT :operation::uuid, :kind, uid, uid FROM before
    ON CONFLICT DO NOTHING RETURNING id, uid, actor
), changed AS (
    UPDATE users SET status = :status, version = version + 1, updated_at = now()
    FROM operation WHERE users.uid = operation.uid AND users.status <> :status
), audited AS (
    INSERT INTO audit_events (id, uid, actor, action, changes)
    SELECT :event::uuid, uid, 'reconcile', 'user.reconciled', jsonb_build_object('class', :class::text, 'operation', id)
    FROM operation
)
INSERT INTO outbox (id, command, arguments, actor, due_at)
SELECT id, :command, jsonb_build_object('uid', uid, 'status', :status::text, 'previous_status', before.status, 'identities', (
    SELECT coalesce(jsonb_agg(jsonb_build_array(provider, subject)), '[]') FROM identities WHERE identities.uid = operation.uid
)), actor, now()
FROM operation JOIN before USING (uid) RETURNING id
"""
