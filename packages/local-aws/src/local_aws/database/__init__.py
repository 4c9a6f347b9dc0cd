"""RDS and RDS Proxy on a laptop: a real Postgres, PgBouncer, and a stand-in for the proxy in front of them."""
