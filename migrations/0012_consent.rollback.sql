ALTER TABLE users DROP COLUMN consented_at;
ALTER TABLE users DROP COLUMN consent_version;
