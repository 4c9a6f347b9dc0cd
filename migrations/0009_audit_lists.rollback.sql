-- transactional: false
DROP INDEX CONCURRENTLY IF EXISTS audit_events_chain_idx;
DROP INDEX CONCURRENTLY IF EXISTS audit_events_action_id_idx;
DROP INDEX CONCURRENTLY IF EXISTS audit_events_actor_id_idx;
