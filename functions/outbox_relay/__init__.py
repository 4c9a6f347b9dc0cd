"""The schedule that sends pending commands again and deletes expired records in Postgres."""
