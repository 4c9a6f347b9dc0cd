"""RDS and RDS Proxy on a laptop: a real Postgres, PgBouncer, and a stand-in for RDS Proxy."""
