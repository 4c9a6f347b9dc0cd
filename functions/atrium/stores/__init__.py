"""The stores: Postgres, the table UserAttributes, and what is kept in them."""
