"""People's records, kept in Postgres."""
