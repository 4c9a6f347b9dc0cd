UPDATE operations SET kind = 'user.enable' WHERE kind = 'user.restore';
UPDATE operations SET kind = 'user.delete' WHERE kind IN ('user.delete_own', 'user.erase');
ALTER TABLE operations
    DROP CONSTRAINT operations_kind_check,
    ADD CONSTRAINT operations_kind_check CHECK (kind IN ('user.invite', 'user.disable', 'user.enable', 'user.delete'));
ALTER TABLE users DROP COLUMN erase_at;
