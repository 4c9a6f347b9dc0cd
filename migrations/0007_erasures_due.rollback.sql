-- transactional: false
DROP INDEX CONCURRENTLY IF EXISTS users_erase_at_idx;
ALTER TABLE operations
    DROP CONSTRAINT operations_kind_check,
    ADD CONSTRAINT operations_kind_check CHECK (kind IN (
        'user.invite', 'user.disable', 'user.enable', 'user.delete', 'user.delete_own', 'user.restore', 'user.erase'
    )) NOT VALID;
