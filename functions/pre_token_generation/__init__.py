"""The trigger PreTokenGeneration, which adds uid, roles, epoch and scopes to access tokens."""
