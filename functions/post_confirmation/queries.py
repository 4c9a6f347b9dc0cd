"""The SQL of this service."""

FIND_USER = """
SELECT uid FROM identities JOIN users USING (uid)
WHERE provider = :provider AND subject = :subject AND status <> 'erased'
"""
