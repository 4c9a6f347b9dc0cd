-- Audit events that other services are told of, until they are published. docs/decisions/0016-events-for-other-services.md

CREATE TABLE unpublished_events (
    uid uuid NOT NULL,
    position bigint NOT NULL,
    id uuid NOT NULL UNIQUE,
    PRIMARY KEY (uid, position)
);

-- One run at a time publishes, or a late one could break the order. The table has one row at most.
CREATE TABLE event_publishing (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    claimed_until timestamptz NOT NULL
);

CREATE FUNCTION note_unpublished_event() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO unpublished_events (uid, position, id) VALUES (NEW.uid, NEW.position, NEW.id);
    RETURN NULL;
END
$$;

-- The event types of these actions are in functions/event_pages/event_types.py.
CREATE TRIGGER note_unpublished_event AFTER INSERT ON audit_events FOR EACH ROW
WHEN (NEW.uid IS NOT NULL AND NEW.action IN (
    'user.created', 'user.disabled', 'user.enabled', 'user.restored', 'user.deleted', 'user.erasure_requested',
    'user.invitation_cancelled', 'user.status_restored', 'user.reconciled', 'user.erased', 'role.granted', 'role.revoked',
    'right.granted', 'right.revoked'
))
EXECUTE FUNCTION note_unpublished_event();
