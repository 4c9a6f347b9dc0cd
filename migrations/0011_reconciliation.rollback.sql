DROP TABLE reconciliations;
ALTER TABLE identities DROP COLUMN seen_at;
