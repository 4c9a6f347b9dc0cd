"""The SQL of this function."""

# A repeated record finds its row. Of two at once, the second waits for the chain. Then the primary
# key rejects it, and the stream repeats it.
ADD_EVENT = """
INSERT INTO audit_events (id, uid, actor, action, changes, request_id, at)
SELECT :event::uuid, :uid::uuid, :actor::text, :action::text, :changes::jsonb, :request_id::text,
    :at::timestamptz
WHERE NOT EXISTS (SELECT FROM audit_events WHERE id = :event::uuid)
"""
