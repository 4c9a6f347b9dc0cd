-- Users, the identities by which they sign in, and what was done to them.

CREATE EXTENSION IF NOT EXISTS citext;

-- What migrator makes from here on, the other roles may use; yoyo's own tables came before and stay closed to them.
GRANT USAGE ON SCHEMA public TO app, readonly;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO readonly;

CREATE TABLE users (
    uid uuid PRIMARY KEY,
    email citext,
    given_name text,
    family_name text,
    locale text,
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled', 'erased')),
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- Erasing takes the address away; everybody else has one.
    CONSTRAINT users_email_present CHECK (email IS NOT NULL OR status = 'erased')
);
CREATE UNIQUE INDEX users_email_key ON users (email) WHERE status <> 'erased';

CREATE TABLE identities (
    provider text,
    subject text,
    uid uuid NOT NULL REFERENCES users (uid),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (provider, subject)
);
CREATE INDEX identities_uid_idx ON identities (uid);

-- No foreign key: the trail outlives what it speaks of.
CREATE TABLE audit_events (
    id uuid PRIMARY KEY,
    uid uuid NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    changes jsonb NOT NULL DEFAULT '{}',
    request_id text,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX audit_events_uid_id_idx ON audit_events (uid, id);
