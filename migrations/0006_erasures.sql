-- A person's own deletion is an erasure after a grace period; an erasure is an operation.

ALTER TABLE users ADD COLUMN erase_at timestamptz;

-- The new one admits more.
-- squawk-ignore ban-drop-constraint
ALTER TABLE operations DROP CONSTRAINT operations_kind_check;
-- Validated by the next file.
ALTER TABLE operations ADD CONSTRAINT operations_kind_check CHECK (kind IN (
    'user.invite', 'user.disable', 'user.enable', 'user.delete', 'user.delete_own', 'user.restore', 'user.erase'
)) NOT VALID;
