-- The version of the terms that a person accepted last, and when. The audit trail has the earlier ones.

ALTER TABLE users ADD COLUMN consent_version text;
ALTER TABLE users ADD COLUMN consented_at timestamptz;
