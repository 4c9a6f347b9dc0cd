"""The SQL of this function."""

FIND_USER = "SELECT uid, status FROM users WHERE email = :email::citext AND status <> 'erased'"

ADD_EVENT = """
INSERT INTO audit_events (id, uid, actor, action, changes)
VALUES (:event::uuid, :uid::uuid, :actor, 'role.granted',
    jsonb_build_object('role', :role::text, 'grant', :grant::text))
"""
