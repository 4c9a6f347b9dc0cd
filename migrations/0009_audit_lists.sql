-- transactional: false
-- The lists of the trail: by actor and by action, the newest first. By user it has an index already. The last one is the order of each chain.
DROP INDEX CONCURRENTLY IF EXISTS audit_events_actor_id_idx;
CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_events_actor_id_idx ON audit_events (actor, id);
DROP INDEX CONCURRENTLY IF EXISTS audit_events_action_id_idx;
CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_events_action_id_idx ON audit_events (action, id);
DROP INDEX CONCURRENTLY IF EXISTS audit_events_chain_idx;
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS audit_events_chain_idx ON audit_events (
    coalesce(uid, '00000000-0000-0000-0000-000000000000'), position
);
