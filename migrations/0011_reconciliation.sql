-- The reconciliation with the user pool: when an account was last seen there, and where the current pass stands.

ALTER TABLE identities ADD COLUMN seen_at timestamptz;

CREATE TABLE reconciliations (
    provider text PRIMARY KEY,
    started_at timestamptz NOT NULL DEFAULT now(),
    phase text NOT NULL DEFAULT 'pool' CHECK (phase IN ('pool', 'missing', 'ended')),
    -- In the phase `pool` the pool's own token of the next page, then the last subject.
    position text NOT NULL DEFAULT '',
    -- Differences by class.
    found jsonb NOT NULL DEFAULT '{}',
    -- One run at a time.
    claimed_until timestamptz
);
