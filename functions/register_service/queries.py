"""The SQL of this function."""

ADD_EVENT = """
INSERT INTO audit_events (id, uid, actor, action, changes)
VALUES (:event::uuid, :uid::uuid, :actor, :action,
    jsonb_build_object('role', :role::text, 'status', :status::text))
"""
