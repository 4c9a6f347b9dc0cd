-- Invitations: what was promised to a person who has not signed in yet. The address and the names are in users.

CREATE TABLE invitations (
    -- The id of its first operation.
    id uuid PRIMARY KEY,
    -- Whom it invites.
    uid uuid NOT NULL,
    -- The operation that sends it, or has sent it last.
    operation uuid NOT NULL REFERENCES operations (id),
    -- Who has sent it last. This user must be able to grant the roles, also when it is accepted.
    actor uuid NOT NULL,
    roles text[] NOT NULL DEFAULT '{}',
    -- An open invitation counts as expired after expires_at, and as cancelled once the user is deleted.
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'open', 'accepted', 'failed')),
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz,
    expires_at timestamptz NOT NULL,
    accepted_at timestamptz
);
CREATE UNIQUE INDEX invitations_operation_key ON invitations (operation);
CREATE INDEX invitations_uid_idx ON invitations (uid);
CREATE INDEX invitations_state_id_idx ON invitations (state, id);
