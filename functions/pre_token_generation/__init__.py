"""The trigger PreTokenGeneration, which adds uid, roles, access epoch and scopes to access tokens."""
