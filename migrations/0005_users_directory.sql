-- transactional: false
-- The list of users: by time, by status and time, by words of the name and the address. By address it has an index already.
DROP INDEX CONCURRENTLY IF EXISTS users_created_at_uid_idx;
CREATE INDEX CONCURRENTLY IF NOT EXISTS users_created_at_uid_idx ON users (created_at, uid);
DROP INDEX CONCURRENTLY IF EXISTS users_status_created_at_uid_idx;
CREATE INDEX CONCURRENTLY IF NOT EXISTS users_status_created_at_uid_idx ON users (status, created_at, uid);
DROP INDEX CONCURRENTLY IF EXISTS users_words_idx;
-- The expression stands in functions/users/directory.py, too. Each word has a space before it.
CREATE INDEX CONCURRENTLY IF NOT EXISTS users_words_idx ON users USING gin (
    lower(' ' || coalesce(given_name, '') || ' ' || coalesce(family_name, '') || ' ' || coalesce(email::text, ''))
    gin_trgm_ops
);
-- It may be repeated.
-- squawk-ignore prefer-robust-stmts
ALTER TABLE users VALIDATE CONSTRAINT users_status_check;
