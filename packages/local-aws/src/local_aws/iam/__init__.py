"""IAM on a laptop: each call of a function is decided on its role's real policies, as AWS's evaluation logic does."""
