"""What was left behind in Postgres is sent, and what has expired there goes."""
