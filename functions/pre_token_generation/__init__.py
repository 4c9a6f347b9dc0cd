"""What an access token says of its user: uid, roles, access epoch, scopes."""
