"""The stores: Postgres and the table UserAttributes, with what is built on them."""
