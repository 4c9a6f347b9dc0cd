"""The only door through which roles, passwords and tables of the database change."""
