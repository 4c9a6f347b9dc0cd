-- transactional: false
DROP INDEX CONCURRENTLY IF EXISTS users_words_idx;
DROP INDEX CONCURRENTLY IF EXISTS users_status_created_at_uid_idx;
DROP INDEX CONCURRENTLY IF EXISTS users_created_at_uid_idx;
ALTER TABLE users
    DROP CONSTRAINT users_status_check,
    ADD CONSTRAINT users_status_check CHECK (status IN ('active', 'disabled', 'deleted', 'erased')) NOT VALID;
