"""The function through which all changes of the database's roles, passwords and tables go."""
