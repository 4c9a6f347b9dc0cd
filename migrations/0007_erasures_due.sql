-- transactional: false
-- The deletions whose grace period has ended.
DROP INDEX CONCURRENTLY IF EXISTS users_erase_at_idx;
CREATE INDEX CONCURRENTLY IF NOT EXISTS users_erase_at_idx ON users (erase_at) WHERE erase_at IS NOT NULL;
-- It may be repeated.
-- squawk-ignore prefer-robust-stmts
ALTER TABLE operations VALIDATE CONSTRAINT operations_kind_check;
