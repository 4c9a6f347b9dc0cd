"""IAM on a laptop: decides each call of a function on its role's real policies.

The decision follows AWS's policy evaluation logic.
"""
