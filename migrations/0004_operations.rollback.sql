UPDATE users SET status = 'disabled' WHERE status = 'deleted';
ALTER TABLE users
    DROP CONSTRAINT users_status_check,
    ADD CONSTRAINT users_status_check CHECK (status IN ('active', 'disabled', 'erased'));
DROP TABLE outbox;
DROP TABLE operations;
DROP EXTENSION pg_trgm;
