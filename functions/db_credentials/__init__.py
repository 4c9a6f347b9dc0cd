"""Makes and rotates the passwords with which RDS Proxy logs in to Postgres; nobody else ever needs one."""
