-- What is carried out beyond this database: operations, which people ask about, and the outbox, whose rows make them happen.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE operations (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('user.invite', 'user.disable', 'user.enable', 'user.delete')),
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'succeeded', 'failed')),
    -- Whom it is about. Of an invitation: who the invited person will be.
    uid uuid NOT NULL,
    -- Of an invitation while it is pending; then users has it.
    email citext,
    actor uuid NOT NULL,
    -- Why it failed, for people.
    reason text,
    created_at timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz
);
-- One at a time for each person: so no older change can overtake a newer one on its way to Cognito.
CREATE UNIQUE INDEX operations_pending_uid_key ON operations (uid) WHERE state = 'pending';
CREATE UNIQUE INDEX operations_pending_email_key ON operations (email) WHERE state = 'pending';

-- A row goes with its operation's end, whatever was sent before.
CREATE TABLE outbox (
    id uuid PRIMARY KEY REFERENCES operations (id),
    command text NOT NULL,
    arguments jsonb NOT NULL,
    actor uuid NOT NULL,
    attempts bigint NOT NULL DEFAULT 0,
    -- When outbox_relay sends it, if its operation has not ended by then. Whoever wrote it has sent it at once.
    due_at timestamptz NOT NULL DEFAULT now() + interval '30 seconds'
);
CREATE INDEX outbox_due_at_idx ON outbox (due_at);

-- The new one admits more.
-- squawk-ignore ban-drop-constraint
ALTER TABLE users DROP CONSTRAINT users_status_check;
-- Validated by the next file.
ALTER TABLE users ADD CONSTRAINT users_status_check CHECK (status IN ('active', 'disabled', 'deleted', 'erased')) NOT VALID;
