-- What was made under an Idempotency-Key, and for whom: written in the transaction that makes it.

CREATE TABLE idempotency_keys (
    caller uuid,
    route text,
    key text,
    fingerprint text NOT NULL,
    -- JSON's null until the work is done, later in the same transaction; so nobody else ever sees it.
    result jsonb NOT NULL DEFAULT 'null',
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (caller, route, key)
);
-- An expired row goes when its key is claimed again, and the others in bulk.
CREATE INDEX idempotency_keys_expires_at_idx ON idempotency_keys (expires_at);
