DROP TRIGGER chain_audit_event ON audit_events;
DROP FUNCTION chain_audit_event();
DROP FUNCTION audit_text(audit_events);
DROP TABLE audit_chains;
DELETE FROM audit_events WHERE uid IS NULL;
ALTER TABLE audit_events
    DROP COLUMN hash,
    DROP COLUMN position,
    ALTER COLUMN uid SET NOT NULL;
GRANT UPDATE, DELETE ON audit_events TO app;
