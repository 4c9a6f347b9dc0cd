"""The SQL of this function, besides that of the registry of personal data."""

# Writes nothing for an unknown user.
ADD_EVENT = """
INSERT INTO audit_events (id, uid, actor, action, request_id)
SELECT :event::uuid, uid, :actor, 'user.exported', :request_id FROM users WHERE uid = :uid::uuid
RETURNING true
"""
