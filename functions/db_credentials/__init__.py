"""The function that sets and rotates the passwords with which RDS Proxy logs in to Postgres."""
