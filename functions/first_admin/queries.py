"""The SQL of this function."""

FIND_USER = "SELECT uid, status FROM users WHERE email = :email::citext AND status <> 'erased'"
